//! A ledger of events: which ones producers sent, and which ones consumers received.
//!
//! A producer appends batches of one to four events, each with its own number, and notes whether the
//! server acknowledged the batch. A consumer notes every array that it received. At the end, each
//! acknowledged event must have been taken exactly once, or must still be at its key, byte for byte as it
//! was sent. The events of each key must be taken in the order in which they were appended, over any number
//! of takes.
//!
//! If the reply to a TAKE was lost, the TAKE may have taken nothing, or the first elements at its key, as
//! many as it asked for or all. The ledger accepts no other outcome.

mod order;

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use fastrand::Rng;
use serde_json::value::RawValue;

/// The number of hash tags.
pub const SLOTS: usize = 100;

/// The events of one family of keys.
pub struct Ledger {
    prefix: &'static str,
    keys: usize,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    /// The logical time: the number of entries so far.
    clock: u64,
    batches: Vec<Batch>,
    lost_replies: Vec<LostReply>,
    /// Arrays with elements that were not sent, or not in this order.
    altered: Vec<String>,
}

struct Batch {
    key: usize,
    /// When it was sent.
    sent: u64,
    outcome: Outcome,
    events: Vec<Event>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Sent, but the reply has not arrived.
    Unknown,
    /// Sent in part, or refused: the server must not run it.
    NotRun,
    /// Acknowledged at this time.
    Acknowledged(u64),
}

#[derive(Clone, Default)]
struct Event {
    /// How often it was received, including those that are left.
    received: u32,
    /// How often it was received from a TAKE that a failover may undo.
    unconfirmed: u32,
    is_left: bool,
    /// When it was first received.
    taken: Option<Span>,
}

/// The time from before a TAKE was sent until after its reply arrived.
#[derive(Clone, Copy)]
struct Span {
    began: u64,
    ended: u64,
}

/// A TAKE whose reply was lost.
struct LostReply {
    key: usize,
    span: Span,
    /// How many elements it takes at most.
    count: usize,
}

/// How an array was received.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Taken,
    /// Taken by a TAKE that no replica has confirmed. A failover may undo the TAKE.
    Unconfirmed,
    /// Still stored at the end.
    Left,
}

/// A batch that is being sent.
pub struct Sent {
    id: usize,
    pub key: String,
    /// The JSON array to append.
    pub array: String,
}

/// The result of a ledger, in numbers of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub events: u64,
    pub acknowledged: u64,
    pub taken: u64,
    /// Events that are still stored, and that nobody has taken.
    pub left: u64,
    /// Acknowledged events that were taken by a TAKE whose reply was lost.
    pub in_lost_replies: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Events that were received although their command was sent only in part or refused.
    pub not_run: u64,
    /// Events that were received before an event that was appended to the same key earlier.
    pub out_of_order: u64,
    /// Arrays with elements that were not sent, or not in this order.
    pub altered: Vec<String>,
}

impl Sent {
    /// Returns the number of events.
    pub fn len(&self) -> usize {
        size(self.id)
    }
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
        self.send_to(self.any_key(random))
    }

    /// Creates a batch for this key and notes it. The caller sends it.
    pub fn send_to(&self, key: usize) -> Sent {
        let mut books = self.books();
        let (id, sent) = (books.batches.len(), books.tick());
        let events = vec![Event::default(); size(id)];
        books.batches.push(Batch { key, sent, outcome: Outcome::Unknown, events });
        Sent { id, key: self.key(key), array: format!("[{}]", events_of(id).join(",")) }
    }

    /// Notes that the server acknowledged a batch.
    pub fn acknowledge(&self, sent: &Sent) {
        let mut books = self.books();
        let now = books.tick();
        books.batches[sent.id].outcome = Outcome::Acknowledged(now);
    }

    /// Notes that the command of a batch was sent only in part, or was refused.
    pub fn note_not_run(&self, sent: &Sent) {
        self.books().batches[sent.id].outcome = Outcome::NotRun;
    }

    /// Notes the values that nobody has taken. `get` returns the reply to GET.
    pub fn note_remaining(&self, mut get: impl FnMut(&str) -> String) {
        for key in self.keys() {
            let value = get(&key);
            if value != "(nil)" {
                self.note(self.now(), &value, Source::Left);
            }
        }
    }

    /// Returns the time. The caller records it before it sends a TAKE.
    pub fn now(&self) -> u64 {
        self.books().tick()
    }

    /// Notes the reply to a TAKE that was sent at the time `began`.
    pub fn note_reply(&self, began: u64, reply: &str) {
        if reply != "(nil)" {
            self.note(began, reply, Source::Taken);
        }
    }

    /// Notes an array that was taken at an unknown time.
    pub fn note_receipt(&self, reply: &str) {
        self.note_reply(0, reply);
    }

    /// Notes an array that was taken by a TAKE that no replica has confirmed. A failover may undo the TAKE.
    pub fn note_unconfirmed(&self, began: u64, array: &str) {
        self.note(began, array, Source::Unconfirmed);
    }

    /// Notes that the reply to a TAKE of this key, sent at the time `began`, was lost. It takes at most
    /// `count` elements.
    pub fn note_lost_reply(&self, key: usize, began: u64, count: usize) {
        let mut books = self.books();
        let span = Span { began, ended: books.tick() };
        books.lost_replies.push(LostReply { key, span, count });
    }

    /// Notes that a TAKE failed with this error. Unless no reply arrived, it has taken nothing.
    pub fn note_error(&self, key: usize, began: u64, count: usize, error: &str) {
        if error.starts_with("no reply") {
            self.note_lost_reply(key, began, count);
        }
    }

    fn note(&self, began: u64, array: &str, source: Source) {
        let mut books = self.books();
        let span = Span { began, ended: books.tick() };
        let events: Option<Vec<_>> = serde_json::from_str::<Vec<&RawValue>>(array)
            .ok()
            .and_then(|events| events.iter().map(|event| books.find(event.get())).collect());
        let Some(events) = events.filter(|events| books.is_in_order(events)) else {
            return books.altered.push(array.to_owned());
        };
        for (id, number) in events {
            let event = &mut books.batches[id].events[number];
            event.received += 1;
            event.unconfirmed += u32::from(source == Source::Unconfirmed);
            event.is_left |= source == Source::Left;
            event.taken.get_or_insert(span);
        }
    }

    /// Returns what happened to all events. The remaining values must have been noted before.
    pub fn balance(&self) -> Balance {
        let mut books = self.books();
        let in_lost_replies = books.in_lost_replies();
        let mut balance = Balance {
            altered: std::mem::take(&mut books.altered),
            out_of_order: books.out_of_order(),
            ..Balance::default()
        };
        for (id, batch) in books.batches.iter().enumerate() {
            let is_acknowledged = matches!(batch.outcome, Outcome::Acknowledged(_));
            for (number, event) in batch.events.iter().enumerate() {
                let is_received = event.received > 0;
                balance.events += 1;
                balance.acknowledged += u64::from(is_acknowledged);
                balance.taken += u64::from(is_received && !event.is_left);
                balance.left += u64::from(event.is_left);
                balance.duplicated +=
                    u64::from(event.received.saturating_sub(1 + event.unconfirmed));
                balance.not_run += u64::from(is_received && batch.outcome == Outcome::NotRun);
                if is_acknowledged && !is_received {
                    match in_lost_replies.contains(&(id, number)) {
                        true => balance.in_lost_replies += 1,
                        false => balance.lost += 1,
                    }
                }
            }
        }
        balance
    }
}

impl Books {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Returns which event this element is: its batch, and its number in the batch.
    fn find(&self, element: &str) -> Option<(usize, usize)> {
        let (id, number, _): (usize, usize, String) = serde_json::from_str(element).ok()?;
        let is_sent = id < self.batches.len() && events_of(id).get(number)? == element;
        is_sent.then_some((id, number))
    }

    /// Returns whether the events of an array may be stored in this order: no batch is interrupted.
    fn is_in_order(&self, events: &[(usize, usize)]) -> bool {
        let mut last_sent = 0;
        events.windows(2).all(|pair| {
            let [(last_id, last_number), (id, number)] = [pair[0], pair[1]];
            last_sent = self.batches[last_id].sent.max(last_sent);
            match last_id == id {
                true => last_number + 1 == number,
                false => {
                    last_number + 1 == size(last_id)
                        && number == 0
                        && !self.batches[id].was_acknowledged_before(last_sent)
                }
            }
        })
    }
}

impl Batch {
    fn acknowledged(&self) -> Option<u64> {
        match self.outcome {
            Outcome::Acknowledged(at) => Some(at),
            Outcome::Unknown | Outcome::NotRun => None,
        }
    }

    fn was_acknowledged_before(&self, time: u64) -> bool {
        self.acknowledged().is_some_and(|at| at < time)
    }
}

impl Balance {
    /// Asserts that no event was lost, duplicated, altered or received out of order, and that at least
    /// `events` events were acknowledged.
    #[track_caller]
    pub fn assert_balanced(&self, events: u64) {
        let balanced = Balance {
            lost: 0,
            duplicated: 0,
            not_run: 0,
            out_of_order: 0,
            altered: Vec::new(),
            ..*self
        };
        assert_eq!(*self, balanced);
        assert!(self.acknowledged >= events, "expected {events} acknowledged events: {self}");
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(
            formatter,
            "{} events sent, {} acknowledged, {} taken, {} left, {} in lost replies to TAKE; {} lost, \
             {} duplicated, {} from commands that must not run, {} out of order, {} altered arrays",
            self.events,
            self.acknowledged,
            self.taken,
            self.left,
            self.in_lost_replies,
            self.lost,
            self.duplicated,
            self.not_run,
            self.out_of_order,
            self.altered.len(),
        )
    }
}

/// Returns the number of events in a batch.
fn size(id: usize) -> usize {
    id % 4 + 1
}

/// Returns the events of a batch as JSON. Their sizes differ, so that both short and long values occur.
fn events_of(id: usize) -> Vec<String> {
    let text = "],[\\\"é\\u00e9".repeat(if id.is_multiple_of(8) { id % 150 } else { id % 5 });
    (0..size(id)).map(|number| format!("[{id},{number},\"{text}\"]")).collect()
}
