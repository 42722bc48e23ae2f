//! The memo of the check: which texts are known to be JSON arrays, and of how many elements.
//!
//! Whether a text is an array is a pure function of its bytes, so what is known of one never becomes
//! wrong, whoever writes the key and however: nothing is ever invalidated, and what the memo holds
//! changes nothing but time.
//!
//! A text is known by a keyed 64-bit hash and the size of its *stem*: all of it up to the closing
//! bracket, behind which [`Array::find`] lets only white space stand. An append makes the stem longer
//! and puts the bracket back. So one pass over the stored text serves both to look it up and, gone on
//! with over the new elements, to remember what it becomes.
//!
//! The table is direct-mapped: a text that falls on the slot of another replaces it, and the other
//! costs one more check, nothing else. Two stems of the same size and hash would be taken for one
//! another. The key is random, so for texts that nobody chose for it that is one chance in 2^64 each
//! time that one is looked up. XXH3 is fast and not cryptographic, and pairs can be made up that
//! collide under one key in some 2^33: `docs/design.md` says what that is worth to whom.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use twox_hash::xxhash3_64::{RawHasher, SecretBuffer};

use crate::array::{Array, Invalid, Verified};
use crate::counters::{BYTES_HASHED, BYTES_SCANNED, MEMO_HITS, MEMO_MISSES};

/// Texts of fewer bytes are checked each time: that takes some 200 ns for 256 bytes, and as long to
/// hash them and to fetch two slots from memory.
const MEMO_MIN: usize = 256;

/// The number of slots unless `jsonmerge.verified-slots` says otherwise.
pub const DEFAULT_SLOTS: usize = 16 * 1024;

/// The largest number of slots, of 24 bytes each.
pub const MAX_SLOTS: usize = 16 * 1024 * 1024;

/// The memo of this process.
static MEMO: Mutex<Memo> = Mutex::new(Memo { key: [0; KEY_SIZE], slots: Vec::new() });

/// The size of the hash's key, in bytes: as long as XXH3's own.
const KEY_SIZE: usize = 192;

struct Memo {
    key: [u8; KEY_SIZE],
    slots: Vec<Slot>,
}

/// A stem that `]` makes an array of `len` elements. No stem is empty: one of no bytes is no entry.
#[derive(Clone, Copy, Default)]
struct Slot {
    stem: Stem,
    len: usize,
}

/// What a stem is known by.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stem {
    hash: u64,
    size: usize,
}

/// How far the stem of a text has been hashed, so that it need not be again when the text has grown.
/// It is larger than what one wants to move about: half a kilobyte.
#[derive(Default)]
pub struct Trace {
    /// None until the first byte is hashed, and for a text that is too short for the memo.
    hasher: Option<RawHasher<[u8; KEY_SIZE]>>,
    size: usize,
}

/// Checks that a text is a JSON array, like [`Array::verify`], or knows that from an earlier time.
///
/// # Complexity
/// O(n) in the size of the text: at the speed of memory if it is known, else at that of a check.
///
/// # Errors
/// Those of [`Array::verify`].
pub fn verify<'t>(trace: &mut Trace, text: &'t [u8]) -> Result<Verified<'t>, Invalid> {
    let found = Array::find(text).filter(|_| text.len() >= MEMO_MIN);
    if let Some(array) = found
        && let Some(len) = memo().look_up(trace, array.stem(text))
    {
        return Ok(Verified { array, len });
    }
    BYTES_SCANNED.add(text.len());
    let verified = Array::verify(text)?;
    if let Some(array) = found {
        memo().insert(trace, array.stem(text), verified.len);
    }
    Ok(verified)
}

/// Remembers that `]` makes an array of `len` elements of this stem, of which `trace` is the beginning.
///
/// # Complexity
/// O(n) in the number of bytes that `trace` does not have yet.
pub fn remember(trace: &mut Trace, stem: &[u8], len: usize) {
    if stem.len() >= MEMO_MIN {
        memo().insert(trace, stem, len);
    }
}

/// The number of slots of the memo.
pub fn slots() -> usize {
    memo().slots.len()
}

/// Replaces the memo by an empty one, with a key of its own. `slots` is 0, and every text is checked
/// each time, or a power of two up to [`MAX_SLOTS`].
pub fn set_slots(slots: usize) {
    let mut memo = memo();
    // First the old table goes, so that there are never two.
    memo.slots = Vec::new();
    *memo = Memo::new(slots);
}

fn memo() -> MutexGuard<'static, Memo> {
    MEMO.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memo {
    fn new(slots: usize) -> Self {
        let mut key = [0; KEY_SIZE];
        let random = RandomState::new();
        for (word, bytes) in key.chunks_mut(size_of::<u64>()).enumerate() {
            bytes.copy_from_slice(&random.hash_one(word).to_ne_bytes());
        }
        Memo { key, slots: vec![Slot::default(); slots] }
    }

    /// The number of elements, if the stem is known.
    fn look_up(&self, trace: &mut Trace, stem: &[u8]) -> Option<usize> {
        let stem = self.hash(trace, stem)?;
        let known = self.slots.get(self.index(stem)).filter(|slot| slot.stem == stem);
        if known.is_some() { &MEMO_HITS } else { &MEMO_MISSES }.add(1);
        known.map(|slot| slot.len)
    }

    fn insert(&mut self, trace: &mut Trace, stem: &[u8], len: usize) {
        let Some(stem) = self.hash(trace, stem) else { return };
        let index = self.index(stem);
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot { stem, len };
        }
    }

    /// Goes on with a trace to the end of the stem; none if there is no slot to look for.
    fn hash(&self, trace: &mut Trace, stem: &[u8]) -> Option<Stem> {
        if self.slots.is_empty() {
            return None;
        }
        let hasher = match &mut trace.hasher {
            Some(hasher) => hasher,
            // Refused are only keys that are shorter than this one.
            none => none.insert(RawHasher::new(SecretBuffer::new(0, self.key).ok()?)),
        };
        let new = stem.get(trace.size..)?;
        hasher.write(new);
        BYTES_HASHED.add(new.len());
        trace.size = stem.len();
        Some(Stem { hash: hasher.finish(), size: stem.len() })
    }

    fn index(&self, stem: Stem) -> usize {
        stem.hash as usize & self.slots.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem(size: usize) -> Vec<u8> {
        let mut stem = b"[0".to_vec();
        stem.resize(size, b' ');
        stem
    }

    fn look_up(memo: &Memo, stem: &[u8]) -> Option<usize> {
        memo.look_up(&mut Trace::default(), stem)
    }

    #[test]
    fn what_is_remembered_is_known_and_nothing_else() {
        let mut memo = Memo::new(DEFAULT_SLOTS);
        let known = stem(1000);
        memo.insert(&mut Trace::default(), &known, 7);
        assert_eq!(look_up(&memo, &known), Some(7));
        for at in 0..known.len() {
            let mut other = known.clone();
            other[at] ^= 1;
            assert_eq!(look_up(&memo, &other), None, "byte {at} is another");
            assert_eq!(look_up(&memo, &known[..at]), None, "the first {at} bytes");
        }
        assert_eq!(look_up(&memo, &[known.as_slice(), b" "].concat()), None, "a byte more");
    }

    #[test]
    fn a_trace_that_grows_is_the_trace_of_the_whole() {
        for size in [1, 63, 64, 255, 256, 257, 1024, 5000] {
            let mut memo = Memo::new(2);
            let (before, after) = (stem(size), stem(size + 700));
            let mut trace = Trace::default();
            assert_eq!(memo.look_up(&mut trace, &before), None);
            memo.insert(&mut trace, &after, 3);
            assert_eq!(look_up(&memo, &after), Some(3), "{size}");
            assert_eq!(look_up(&memo, &before), None, "{size}");
        }
    }

    #[test]
    fn another_key_knows_nothing() {
        let mut memo = Memo::new(1);
        memo.insert(&mut Trace::default(), &stem(500), 1);
        let other = Memo { slots: memo.slots.clone(), ..Memo::new(0) };
        assert_eq!(look_up(&other, &stem(500)), None);
    }

    #[test]
    fn without_slots_nothing_is_known() {
        let mut memo = Memo::new(0);
        memo.insert(&mut Trace::default(), &stem(500), 1);
        assert_eq!(look_up(&memo, &stem(500)), None);
    }

    /// The memo of the process itself, which no other test uses.
    #[test]
    fn verify_remembers_what_it_checks_and_believes_what_it_remembers() {
        set_slots(DEFAULT_SLOTS);
        let [stored, grown] = [stem(1000), [&stem(1000), b",1".as_slice()].concat()];
        let [text, grown_text] = [&stored, &grown].map(|stem| [stem.as_slice(), b"]"].concat());
        let len_of = |text: &[u8]| verify(&mut Trace::default(), text).map(|verified| verified.len);
        let mut trace = Trace::default();
        assert_eq!(verify(&mut trace, &text).map(|verified| verified.len), Ok(1));
        assert_eq!(look_up(&memo(), &stored), Some(1));

        // Not true, so it is not counted.
        remember(&mut trace, &grown, 1001);
        assert_eq!(len_of(&grown_text), Ok(1001));
        assert_eq!(slots(), DEFAULT_SLOTS);
        set_slots(2);
        assert_eq!(len_of(&grown_text), Ok(2));
        assert!(len_of(&[b"[", text.as_slice()].concat()).is_err());
        set_slots(0);
    }

    #[test]
    fn a_slot_is_what_the_documentation_says() {
        assert_eq!(size_of::<Slot>(), 24);
    }
}
