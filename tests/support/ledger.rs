//! A ledger of events: which ones producers sent, and which ones consumers received.
//!
//! A producer appends batches of one to four events, each with its own number, and notes whether the
//! server acknowledged the batch. A consumer notes every array that it received. At the end, each
//! acknowledged event must have been received exactly once, byte for byte as it was sent and with its
//! batch in one piece. No event may have been received twice.
//!
//! If the reply to a TAKE was lost, the TAKE may have taken everything that was stored at its key, or
//! nothing. The ledger accepts no other outcome.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use serde_json::value::RawValue;

/// The number of hash tags.
const SLOTS: usize = 100;

/// The events of one family of keys.
pub struct Ledger {
    prefix: &'static str,
    keys: usize,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// The number of entries. It orders them in time.
    clock: u64,
    batches: Vec<Batch>,
    lost_replies: Vec<LostReply>,
    /// Arrays that contain something that was not sent.
    altered: Vec<String>,
}

struct Batch {
    key: usize,
    /// When it was sent.
    sent: u64,
    outcome: Outcome,
    /// How often it was received.
    received: u32,
    first_received: u64,
    /// How often it was received from a TAKE that a failover may undo.
    unconfirmed: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Sent, but the reply has not arrived.
    Unknown,
    /// Sent in part: the server must not run it.
    Cut,
    /// Acknowledged at this time.
    Acknowledged(u64),
}

/// A TAKE whose reply was lost.
struct LostReply {
    key: usize,
    began: u64,
    ended: u64,
}

/// A batch that is being sent.
pub struct Sent {
    id: usize,
    pub key: String,
    /// The JSON array to append.
    pub array: String,
}

/// The result of a ledger, in numbers of events.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub events: u64,
    pub acknowledged: u64,
    pub received: u64,
    /// Acknowledged events that were taken by a TAKE whose reply was lost.
    pub in_lost_replies: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Events that were received although their command was sent only in part.
    pub from_cut_commands: u64,
    /// Arrays with events that were not sent like this: in another order, with parts of their batch
    /// missing, or with other bytes.
    pub altered: Vec<String>,
}

impl Ledger {
    /// Creates a ledger of events at this number of keys. In a cluster, they are in [`SLOTS`] slots.
    pub fn new(prefix: &'static str, keys: usize) -> Self {
        Ledger { prefix, keys, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no thread panicked")
    }

    /// Returns the name of a key.
    pub fn key(&self, number: usize) -> String {
        format!("{{{}:{}}}:{number}", self.prefix, number % SLOTS)
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        (0..self.keys).map(|number| self.key(number))
    }

    /// Returns the number of a random key.
    pub fn any_key(&self, random: &mut Rng) -> usize {
        random.usize(..self.keys)
    }

    /// Creates a batch for a random key and notes it. The caller sends it.
    pub fn send(&self, random: &mut Rng) -> Sent {
        let key = self.any_key(random);
        let mut books = self.books();
        books.clock += 1;
        let (id, sent) = (books.batches.len(), books.clock);
        let outcome = Outcome::Unknown;
        books.batches.push(Batch {
            key,
            sent,
            outcome,
            received: 0,
            first_received: 0,
            unconfirmed: 0,
        });
        Sent { id, key: self.key(key), array: format!("[{}]", events(id).join(",")) }
    }

    /// Notes that the server acknowledged a batch.
    pub fn acknowledge(&self, sent: &Sent) {
        let mut books = self.books();
        books.clock += 1;
        books.batches[sent.id].outcome = Outcome::Acknowledged(books.clock);
    }

    /// Notes that the command of a batch is sent only in part.
    pub fn note_cut(&self, sent: &Sent) {
        self.books().batches[sent.id].outcome = Outcome::Cut;
    }

    /// Notes the values that nobody has taken. `get` returns the reply to GET.
    pub fn note_remaining(&self, mut get: impl FnMut(&str) -> String) {
        for key in self.keys() {
            self.note_value(&get(&key));
        }
    }

    /// Notes the reply to GET.
    pub fn note_value(&self, reply: &str) {
        if reply != "(nil)" {
            self.note_taken(reply);
        }
    }

    /// Notes an array that was taken.
    pub fn note_taken(&self, array: &str) {
        self.note(array, false);
    }

    /// Notes an array that was taken, by a TAKE that no replica has confirmed: a failover may undo it.
    pub fn note_unconfirmed(&self, array: &str) {
        self.note(array, true);
    }

    fn note(&self, array: &str, is_unconfirmed: bool) {
        let mut books = self.books();
        books.clock += 1;
        let now = books.clock;
        let elements: Vec<&RawValue> = match serde_json::from_str(array) {
            Ok(elements) => elements,
            Err(error) => return books.altered.push(format!("{error}: {array}")),
        };
        let mut rest = elements.as_slice();
        while let Some(first) = rest.first() {
            let id = serde_json::from_str(first.get()).map(|(id, ..): (usize, u32, String)| id);
            let sent = id.ok().filter(|id| *id < books.batches.len()).map(|id| (id, events(id)));
            let Some((id, sent)) = sent.filter(|(_, sent)| {
                rest.len() >= sent.len()
                    && sent.iter().zip(rest).all(|(event, element)| event == element.get())
            }) else {
                return books.altered.push(array.to_owned());
            };
            rest = &rest[sent.len()..];
            let batch = &mut books.batches[id];
            batch.unconfirmed += u32::from(is_unconfirmed);
            if batch.received == 0 {
                batch.first_received = now;
            }
            batch.received += 1;
        }
    }

    /// Returns the time, which the caller keeps before it sends a TAKE.
    pub fn now(&self) -> u64 {
        self.books().clock
    }

    /// Notes that the reply to a TAKE of this key, sent at the time `began`, was lost.
    pub fn note_lost_reply(&self, key: usize, began: u64) {
        let mut books = self.books();
        books.clock += 1;
        let ended = books.clock;
        books.lost_replies.push(LostReply { key, began, ended });
    }

    /// Returns what became of all events. The remaining values must have been noted.
    pub fn balance(&self) -> Balance {
        let mut books = self.books();
        let in_lost_replies = books.in_lost_replies();
        let mut balance =
            Balance { altered: std::mem::take(&mut books.altered), ..Balance::default() };
        for (id, batch) in books.batches.iter().enumerate() {
            let events = size(id) as u64;
            let acknowledged = matches!(batch.outcome, Outcome::Acknowledged(_));
            let times = u64::from(batch.received);
            balance.events += events;
            balance.acknowledged += if acknowledged { events } else { 0 };
            balance.received += if times > 0 { events } else { 0 };
            let duplicates = times.saturating_sub(1 + u64::from(batch.unconfirmed));
            balance.duplicated += events * duplicates;
            if times > 0 && batch.outcome == Outcome::Cut {
                balance.from_cut_commands += events;
            }
            if acknowledged && times == 0 {
                match in_lost_replies.contains(&id) {
                    true => balance.in_lost_replies += events,
                    false => balance.lost += events,
                }
            }
        }
        balance
    }
}

impl Books {
    /// Returns the batches that were taken by TAKEs whose replies were lost.
    ///
    /// Such a TAKE has taken either all batches that were acknowledged before it at its key and not
    /// received before it, or none of them.
    fn in_lost_replies(&self) -> HashSet<usize> {
        let mut at_key: HashMap<usize, Vec<usize>> =
            self.lost_replies.iter().map(|reply| (reply.key, Vec::new())).collect();
        for (id, batch) in self.batches.iter().enumerate() {
            if let Some(batches) = at_key.get_mut(&batch.key) {
                batches.push(id);
            }
        }
        let mut taken = HashSet::new();
        for reply in &self.lost_replies {
            let mut stored = at_key[&reply.key].clone();
            stored.retain(|id| {
                let batch = &self.batches[*id];
                let was_received = batch.received > 0 && batch.first_received <= reply.began;
                !was_received && !taken.contains(id) && batch.sent <= reply.ended
            });
            let is_gone = |id: &usize| self.batches[*id].received == 0;
            let mut before =
                stored.iter().filter(|id| self.batches[**id].was_acknowledged_at(reply.began));
            if before.all(is_gone) {
                taken.extend(stored.into_iter().filter(is_gone));
            }
        }
        taken
    }
}

impl Batch {
    fn was_acknowledged_at(&self, time: u64) -> bool {
        matches!(self.outcome, Outcome::Acknowledged(at) if at <= time)
    }
}

impl Balance {
    /// Asserts that no event was lost, duplicated or altered, and that at least `events` events were
    /// acknowledged.
    #[track_caller]
    pub fn assert_balanced(&self, events: u64) {
        let balanced =
            Balance { lost: 0, duplicated: 0, from_cut_commands: 0, altered: Vec::new(), ..*self };
        assert_eq!(*self, balanced);
        assert!(self.acknowledged >= events, "expected {events} acknowledged events: {self}");
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} events sent, {} acknowledged, {} received, {} in lost replies to TAKE; \
             {} lost, {} duplicated, {} from cut commands, {} altered arrays",
            self.events,
            self.acknowledged,
            self.received,
            self.in_lost_replies,
            self.lost,
            self.duplicated,
            self.from_cut_commands,
            self.altered.len(),
        )
    }
}

/// Returns the number of events in a batch.
fn size(id: usize) -> usize {
    id % 4 + 1
}

/// Returns the events of a batch as JSON. Their sizes differ, so that both short and long values occur.
fn events(id: usize) -> Vec<String> {
    (0..size(id)).map(|number| format!("[{id},{number},\"{}\"]", "x".repeat(id % 41))).collect()
}
