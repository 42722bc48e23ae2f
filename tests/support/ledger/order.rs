//! Uses the order of the events at a key to find those that were taken too early, and those that a TAKE took
//! whose reply was lost.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Batch, Books, Event, LostReply, Outcome, Span};

/// An event of a key.
struct Entry<'a> {
    id: usize,
    number: usize,
    batch: &'a Batch,
}

impl Books {
    /// Returns how many events were taken by a TAKE that ended before the TAKE of a
    /// certainly earlier event began.
    pub(super) fn out_of_order(&self) -> u64 {
        let mut at_key: BTreeMap<usize, Vec<&Batch>> = BTreeMap::new();
        for batch in &self.batches {
            at_key.entry(batch.key).or_default().push(batch);
        }
        at_key.into_values().map(out_of_order).sum()
    }

    /// Returns the events that were taken by TAKEs whose replies were lost.
    pub(super) fn in_lost_replies(&self) -> HashSet<(usize, usize)> {
        let mut at_key: HashMap<usize, Vec<Entry>> =
            self.lost_replies.iter().map(|reply| (reply.key, Vec::new())).collect();
        for (id, batch) in self.batches.iter().enumerate() {
            if let Some(entries) = at_key.get_mut(&batch.key) {
                entries.extend((0..batch.events.len()).map(|number| Entry { id, number, batch }));
            }
        }
        let mut lost_replies: Vec<_> = self.lost_replies.iter().collect();
        lost_replies.sort_by_key(|reply| reply.span.ended);
        let mut found = HashSet::new();
        for reply in lost_replies {
            let entries = &at_key[&reply.key];
            found.extend(reply.took(entries, &found));
        }
        found
    }
}

/// Returns how many events of one key were received too early. `batches` must be in the order in which they
/// were sent.
fn out_of_order(batches: Vec<&Batch>) -> u64 {
    let mut in_front = batches.clone();
    in_front.retain(|batch| matches!(batch.outcome, Outcome::Acknowledged(_)));
    in_front.sort_by_key(|batch| batch.acknowledged());
    let (mut in_front, mut last_began, mut early) = (in_front.into_iter().peekable(), 0, 0);
    for batch in batches {
        while let Some(earlier) =
            in_front.next_if(|earlier| earlier.was_acknowledged_before(batch.sent))
        {
            let began = earlier.events.iter().filter_map(|event| event.taken);
            last_began = began.map(|taken| taken.began).fold(last_began, u64::max);
        }
        let mut last_began = last_began;
        for event in batch.events.iter().filter(|event| event.unconfirmed == 0) {
            if let Some(taken) = event.taken {
                early += u64::from(taken.ended < last_began);
                last_began = last_began.max(taken.began);
            }
        }
    }
    early
}

impl LostReply {
    /// Returns what the TAKE took of the events at its key that are not `found` yet: the first `count`
    /// of them, or all, or nothing.
    fn took(&self, entries: &[Entry], found: &HashSet<(usize, usize)>) -> Vec<(usize, usize)> {
        let Span { began, ended } = self.span;
        let missing = entries.iter().filter(|entry| {
            entry.event().received == 0
                && entry.batch.sent <= ended
                && !found.contains(&(entry.id, entry.number))
        });
        let (missing, unknown): (Vec<_>, Vec<_>) =
            missing.partition(|entry| entry.batch.acknowledged().is_some());
        let mut took: Vec<_> = missing
            .into_iter()
            .filter_map(|entry| {
                let Span { began: after, ended: before } = entry.window(entries);
                (after <= ended && began <= before).then_some((before, entry.id, entry.number))
            })
            .collect();
        let takes_fewer = took.len() + unknown.len() < self.count;
        let is_survived = entries.iter().any(|entry| {
            entry.batch.was_acknowledged_before(began)
                && entry.event().taken.is_some_and(|taken| taken.began > ended)
        });
        if takes_fewer && is_survived {
            return Vec::new();
        }
        took.sort_unstable();
        took.into_iter().take(self.count).map(|(_, id, number)| (id, number)).collect()
    }
}

impl Entry<'_> {
    fn event(&self) -> &Event {
        &self.batch.events[self.number]
    }

    /// Returns whether this event was certainly stored before the other one.
    fn precedes(&self, other: &Entry) -> bool {
        match self.id == other.id {
            true => self.number < other.number,
            false => self.batch.was_acknowledged_before(other.batch.sent),
        }
    }

    /// Returns when the event can have been taken: not before the events that precede it, and not after those
    /// that follow it.
    fn window(&self, entries: &[Entry]) -> Span {
        let mut window = Span { began: self.batch.sent, ended: u64::MAX };
        for other in entries {
            let Some(taken) = other.event().taken else { continue };
            if other.precedes(self) {
                window.began = window.began.max(taken.began);
            } else if self.precedes(other) {
                window.ended = window.ended.min(taken.ended);
            }
        }
        window
    }
}

mod tests {
    use crate::support::ledger::{Ledger, Sent};

    /// Sends batches of 1, 2, 3 and 4 events, which the server acknowledges.
    fn ledger() -> (Ledger, Vec<Sent>) {
        let ledger = Ledger::new("events", 1);
        let batches: Vec<_> = (0..4)
            .map(|_| {
                let sent = ledger.send_to(0);
                ledger.acknowledge(&sent);
                sent
            })
            .collect();
        (ledger, batches)
    }

    /// Returns the events in a range of all 10 as an array.
    fn array(batches: &[Sent], range: std::ops::Range<usize>) -> String {
        let all: Vec<&serde_json::value::RawValue> = batches
            .iter()
            .flat_map(|sent| serde_json::from_str::<Vec<_>>(&sent.array))
            .flatten()
            .collect();
        serde_json::to_string(&all[range]).expect("it is JSON")
    }

    #[test]
    fn the_ledger_accepts_takes_with_count() {
        let (ledger, sent) = ledger();
        for range in [0..2, 2..5, 5..6] {
            ledger.note_reply(ledger.now(), &array(&sent, range));
        }
        ledger.note_remaining(|_| array(&sent, 6..10));
        let balance = ledger.balance();
        balance.assert_balanced(10);
        assert_eq!((balance.taken, balance.left), (6, 4));
    }

    #[test]
    fn the_ledger_finds_lost_duplicated_altered_and_out_of_order_events() {
        // (the arrays taken in turn, the numbers of events lost, duplicated and out of order)
        let rows: [(&[std::ops::Range<usize>], [u64; 3]); 5] = [
            (&[0..4, 5..10], [1, 0, 0]),
            (&[0..5, 4..10], [0, 1, 0]),
            (&[0..4, 5..6, 4..5, 6..10], [0, 0, 1]),
            (&[6..10, 0..6], [0, 0, 4]),
            (&[], [10, 0, 0]),
        ];
        for (ranges, expected) in rows {
            let (ledger, sent) = ledger();
            for range in ranges {
                ledger.note_reply(ledger.now(), &array(&sent, range.clone()));
            }
            let balance = ledger.balance();
            let got = [balance.lost, balance.duplicated, balance.out_of_order];
            assert_eq!(got, expected, "{ranges:?}");
        }
        let (ledger, sent) = ledger();
        let all = array(&sent, 0..10);
        for (from, to) in [("[1,0,", "[1,1,"), ("[2,", "[4,")] {
            ledger.note_reply(ledger.now(), &all.replace(from, to));
        }
        assert_eq!(ledger.balance().altered.len(), 2);
    }

    #[test]
    fn a_lost_reply_explains_only_the_events_that_its_take_can_have_taken() {
        // (the events taken before a TAKE whose reply was lost, its COUNT, the events taken after it, the
        // numbers of events in lost replies and lost)
        let rows = [
            (0..3, 2, 5..10, (2, 0)),
            (0..3, 2, 6..10, (2, 1)),
            (0..3, usize::MAX, 10..10, (7, 0)),
            // The TAKE would have taken all elements.
            (0..3, usize::MAX, 4..10, (0, 1)),
            // The TAKE would have taken two elements.
            (0..3, 2, 4..10, (0, 1)),
            // The TAKE would have taken earlier events.
            (0..3, 2, 3..8, (0, 2)),
            (3..10, 3, 10..10, (0, 3)),
        ];
        for (before, count, after, expected) in rows {
            let (ledger, sent) = ledger();
            ledger.note_reply(ledger.now(), &array(&sent, before.clone()));
            ledger.note_lost_reply(0, ledger.now(), count);
            ledger.note_reply(ledger.now(), &array(&sent, after.clone()));
            let balance = ledger.balance();
            let got = (balance.in_lost_replies, balance.lost);
            assert_eq!(got, expected, "{before:?}, {count}, {after:?}");
        }
    }
}
