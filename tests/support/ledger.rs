//! A ledger of events: what producers were promised, and what consumers got.
//!
//! A producer appends a batch of one to four events, each with a number of its own, and notes what
//! became of the call; a consumer notes every array that it got. In the end each event that was
//! acknowledged must have been seen once, whole batches in one piece and byte for byte as they were
//! sent, and no event more than once.
//!
//! A `TAKE` whose reply was lost may have taken all that lay at its key, or nothing. The ledger holds
//! it to that: all or nothing.

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
    /// Counts the entries, to tell what came before what.
    clock: u64,
    batches: Vec<Batch>,
    doubts: Vec<Doubt>,
    altered: Vec<String>,
}

struct Batch {
    key: usize,
    sent: u64,
    outcome: Outcome,
    seen: u32,
    first_seen: u64,
    /// How many takes of it may have been undone: the reply came, but no replica had confirmed it.
    undoable: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Sent, and no reply seen.
    Unknown,
    /// Sent in part: the server must not have run it.
    Cut,
    /// Promised at that time.
    Acknowledged(u64),
}

/// A take whose reply was lost.
struct Doubt {
    key: usize,
    began: u64,
    ended: u64,
}

/// A batch on its way to a key.
pub struct Sent {
    id: usize,
    pub key: String,
    /// The JSON array to append.
    pub array: String,
}

/// What a ledger comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub events: u64,
    pub acknowledged: u64,
    pub seen: u64,
    /// Acknowledged events at a key of which a take was sent whose reply was lost.
    pub in_lost_replies: u64,
    pub lost: u64,
    pub doubled: u64,
    /// Events of commands that were cut off, and yet were stored.
    pub from_cut_commands: u64,
    /// What was not as it had been sent: events out of order, batches in pieces, other bytes.
    pub altered: Vec<String>,
}

impl Ledger {
    /// A ledger of events at so many keys. In a cluster, they fall on [`SLOTS`] slots.
    pub fn new(prefix: &'static str, keys: usize) -> Self {
        Ledger { prefix, keys, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no thread failed")
    }

    pub fn key(&self, number: usize) -> String {
        format!("{{{}:{}}}:{number}", self.prefix, number % SLOTS)
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        (0..self.keys).map(|number| self.key(number))
    }

    /// Any of the keys.
    pub fn any_key(&self, random: &mut Rng) -> usize {
        random.usize(..self.keys)
    }

    /// Notes a batch for any of the keys, before it is sent.
    pub fn send(&self, random: &mut Rng) -> Sent {
        let key = self.any_key(random);
        let mut books = self.books();
        books.clock += 1;
        let (id, sent) = (books.batches.len(), books.clock);
        let outcome = Outcome::Unknown;
        books.batches.push(Batch { key, sent, outcome, seen: 0, first_seen: 0, undoable: 0 });
        Sent { id, key: self.key(key), array: format!("[{}]", events(id).join(",")) }
    }

    /// Notes that a batch was promised to be stored.
    pub fn acknowledge(&self, sent: &Sent) {
        let mut books = self.books();
        books.clock += 1;
        books.batches[sent.id].outcome = Outcome::Acknowledged(books.clock);
    }

    /// Notes that only a part of the command was sent.
    pub fn cut(&self, sent: &Sent) {
        self.books().batches[sent.id].outcome = Outcome::Cut;
    }

    /// Notes what nobody has taken: `get` replies with what is at a key.
    pub fn saw_what_is_left(&self, mut get: impl FnMut(&str) -> String) {
        for key in self.keys() {
            self.saw_at(&get(&key));
        }
    }

    /// Notes the reply to a GET.
    pub fn saw_at(&self, reply: &str) {
        if reply != "(nil)" {
            self.saw(reply);
        }
    }

    /// Notes an array that was taken.
    pub fn saw(&self, array: &str) {
        self.note(array, false);
    }

    /// Notes an array that was taken, but may come back when a replica takes over.
    pub fn saw_unconfirmed(&self, array: &str) {
        self.note(array, true);
    }

    fn note(&self, array: &str, undoable: bool) {
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
            batch.undoable += u32::from(undoable);
            if batch.seen == 0 {
                batch.first_seen = now;
            }
            batch.seen += 1;
        }
    }

    /// The time, before a take is sent.
    pub fn now(&self) -> u64 {
        self.books().clock
    }

    /// Notes a take of the key, sent at the time `began`, whose reply was lost.
    pub fn doubt(&self, key: usize, began: u64) {
        let mut books = self.books();
        books.clock += 1;
        let ended = books.clock;
        books.doubts.push(Doubt { key, began, ended });
    }

    /// What became of all events, once whatever is still stored has been noted.
    pub fn balance(&self) -> Balance {
        let mut books = self.books();
        let swallowed = books.swallowed();
        let mut balance =
            Balance { altered: std::mem::take(&mut books.altered), ..Balance::default() };
        for (id, batch) in books.batches.iter().enumerate() {
            let events = size(id) as u64;
            let acknowledged = matches!(batch.outcome, Outcome::Acknowledged(_));
            let times = u64::from(batch.seen);
            balance.events += events;
            balance.acknowledged += if acknowledged { events } else { 0 };
            balance.seen += if times > 0 { events } else { 0 };
            let once_more = times.saturating_sub(1 + u64::from(batch.undoable));
            balance.doubled += events * once_more;
            if times > 0 && batch.outcome == Outcome::Cut {
                balance.from_cut_commands += events;
            }
            if acknowledged && times == 0 {
                match swallowed.contains(&id) {
                    true => balance.in_lost_replies += events,
                    false => balance.lost += events,
                }
            }
        }
        balance
    }
}

impl Books {
    /// The batches that takes without a reply have taken: for each of these, all that had been
    /// acknowledged at its key before it, and was not taken before, is gone, or none of that.
    fn swallowed(&self) -> HashSet<usize> {
        let mut at_key: HashMap<usize, Vec<usize>> =
            self.doubts.iter().map(|doubt| (doubt.key, Vec::new())).collect();
        for (id, batch) in self.batches.iter().enumerate() {
            if let Some(batches) = at_key.get_mut(&batch.key) {
                batches.push(id);
            }
        }
        let mut swallowed = HashSet::new();
        for doubt in &self.doubts {
            let mut there = at_key[&doubt.key].clone();
            there.retain(|id| {
                let batch = &self.batches[*id];
                let was_taken_before = batch.seen > 0 && batch.first_seen <= doubt.began;
                !was_taken_before && !swallowed.contains(id) && batch.sent <= doubt.ended
            });
            let is_gone = |id: &usize| self.batches[*id].seen == 0;
            let mut before =
                there.iter().filter(|id| self.batches[**id].was_acknowledged_at(doubt.began));
            if before.all(is_gone) {
                swallowed.extend(there.into_iter().filter(is_gone));
            }
        }
        swallowed
    }
}

impl Batch {
    fn was_acknowledged_at(&self, time: u64) -> bool {
        matches!(self.outcome, Outcome::Acknowledged(at) if at <= time)
    }
}

impl Balance {
    /// Nothing lost, nothing doubled, nothing altered, and enough done to say so.
    #[track_caller]
    pub fn is_balanced(&self, events: u64) {
        let clean =
            Balance { lost: 0, doubled: 0, from_cut_commands: 0, altered: Vec::new(), ..*self };
        assert_eq!(*self, clean);
        assert!(self.acknowledged >= events, "only {self}");
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} events sent, {} acknowledged, {} seen, {} in lost replies of TAKE; \
             lost {}, doubled {}, stored of cut commands {}, altered arrays {}",
            self.events,
            self.acknowledged,
            self.seen,
            self.in_lost_replies,
            self.lost,
            self.doubled,
            self.from_cut_commands,
            self.altered.len(),
        )
    }
}

/// The number of events of a batch.
fn size(id: usize) -> usize {
    id % 4 + 1
}

/// The events of a batch, as text: large enough in sum that both short and long values occur.
fn events(id: usize) -> Vec<String> {
    (0..size(id)).map(|number| format!("[{id},{number},\"{}\"]", "x".repeat(id % 41))).collect()
}
