//! The validation cache: which texts are known to be JSON arrays, and how many elements they have.
//!
//! Whether a text is a JSON array depends on its bytes alone, so an entry never becomes wrong, whoever
//! writes to the key and however. Nothing is ever invalidated, and the cache changes no result, only
//! the time it takes.
//!
//! A text is recognised by a MAC of its *stem*: the text up to its closing bracket, after which
//! [`Brackets::find`] allows only whitespace. An append extends the stem and writes a new closing
//! bracket, so one pass over the stored value serves to look it up and, continued over the new
//! elements, to replace its entry.
//!
//! The MAC is AEGIS-128X4 (RFC 10032) with a random key. Nobody outside the process sees a tag, so
//! nobody can choose a text for its tag, and a text that was never validated matches an entry it is
//! compared with once in 2^64 times.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aegis::aegis128x4::Aegis128X4Mac;

use crate::array::{Array, Brackets, Invalid};
use crate::counters::{BYTES_HASHED, BYTES_VALIDATED, CACHE_HITS, CACHE_MISSES};

/// Shorter stems are not remembered: validating them takes no longer than hashing them and reading two
/// sets from memory.
const STEM_MIN: usize = 256;

/// The default of `jsonmerge.validation-cache-entries`: 4 MB.
pub const DEFAULT_ENTRIES: usize = 256 * 1024;

/// The smallest value of `jsonmerge.validation-cache-entries` that does not disable the cache.
pub const MIN_ENTRIES: usize = WAYS;

/// The maximum of `jsonmerge.validation-cache-entries`: 256 MB.
pub const MAX_ENTRIES: usize = 16 * 1024 * 1024;

/// The cache of this process.
static CACHE: Mutex<Cache> = Mutex::new(Cache { entries: 0, table: None });

struct Cache {
    /// The value of `jsonmerge.validation-cache-entries`.
    entries: usize,
    /// `None` if the cache is disabled or unavailable.
    table: Option<Table>,
}

struct Table {
    /// The state of the MAC before the first byte.
    key: Mac,
    sets: Vec<Set>,
    /// The number of entries that are not empty.
    used: usize,
}

type Mac = Aegis128X4Mac<16>;

/// The number of entries in a set.
const WAYS: usize = 4;

/// The entries with the same set index, from the newest to the oldest. The server's allocator aligns
/// blocks of this size and larger so that a set is one cache line.
type Set = [Entry; WAYS];

/// A stem that a closing bracket makes an array: its tag; its size in bytes in the high half of the second
/// word, and the number of elements in the low half. Plain integers, so that the allocator can provide
/// zeroed memory, which is resident only where it is written.
type Entry = [u64; 2];

/// No stem is empty, so no stem has this entry.
const EMPTY: Entry = [0, 0];

/// What a stem is recognised by. The tag and the set index have no bits of the MAC in common.
#[derive(Clone, Copy)]
struct Stem {
    tag: u64,
    set: u64,
    size: u32,
}

/// Hashes the stem of one text, and goes on when the text grows, so that no byte is hashed twice.
#[derive(Default)]
pub struct StemHasher(Option<Hashed>);

/// 1.4 KB, so better not moved.
struct Hashed {
    mac: Mac,
    size: usize,
    /// What has been hashed, unless it is too large for an entry.
    stem: Option<Stem>,
}

impl StemHasher {
    /// Validates that `text` is a JSON array, as [`Array::validate`] does, unless the cache has it.
    ///
    /// # Complexity
    /// O(n) in the size of the text: at the speed of memory if the cache has it.
    ///
    /// # Errors
    /// Those of [`Array::validate`].
    pub fn validate<'t>(&mut self, text: &'t [u8]) -> Result<Array<'t>, Invalid> {
        let mut cache = cache();
        let mut new = None;
        if let Some(brackets) = Brackets::find(text)
            && let Some((table, stem)) = cache.hash(self, brackets.stem(text))
        {
            if let Some(len) = table.get(stem) {
                CACHE_HITS.add(1);
                return Ok(Array { brackets, len });
            }
            CACHE_MISSES.add(1);
            new = Some((table, stem));
        }
        BYTES_VALIDATED.add(text.len());
        let array = Array::validate(text)?;
        if let Some((table, stem)) = new {
            table.insert(stem, array.len);
        }
        Ok(array)
    }

    /// Replaces the entry of the validated text: an append has extended its stem by these bytes, and it
    /// now has `len` elements.
    ///
    /// # Complexity
    /// O(n) in the number of bytes that were added.
    pub fn replace(&mut self, extension: [&[u8]; 2], len: usize) {
        #[cfg(debug_assertions)]
        panic_if_told_to();
        let (Some(hashed), Some(table)) = (&mut self.0, &mut cache().table) else { return };
        hashed.stem.inspect(|old| table.remove(*old));
        hashed.extend(&extension).inspect(|new| table.insert(*new, len));
    }

    /// Removes the entry of the validated text.
    pub fn remove(&self) {
        #[cfg(debug_assertions)]
        panic_if_told_to();
        let (Some(hashed), Some(table)) = (&self.0, &mut cache().table) else { return };
        hashed.stem.inspect(|stem| table.remove(*stem));
    }
}

/// Remembers that a closing bracket makes an array of `len` elements of a stem.
///
/// # Complexity
/// O(n) in the size of the stem.
pub fn remember(stem: &[u8], len: usize) {
    #[cfg(debug_assertions)]
    panic_if_told_to();
    if let Some((table, stem)) = cache().hash(&mut StemHasher::default(), stem) {
        table.insert(stem, len);
    }
}

/// Returns the value of `jsonmerge.validation-cache-entries`.
pub fn entries() -> usize {
    cache().entries
}

/// Sets `jsonmerge.validation-cache-entries`: replaces the cache by an empty one with a new key.
/// `entries` is a power of two from [`MIN_ENTRIES`] to [`MAX_ENTRIES`], or 0 to disable the cache.
pub fn set_entries(entries: usize) {
    let mut cache = cache();
    // The old table goes first, so that there are never two.
    cache.table = None;
    *cache = Cache { entries, table: Table::new(entries) };
}

/// Returns whether texts are remembered. They are not if the config is 0, or if the processor has no
/// instructions for AES: hashing would take longer than validating.
pub fn is_enabled() -> bool {
    cache().table.is_some()
}

/// Returns a message for the log if texts are not remembered although the config is not 0.
pub fn warning() -> Option<&'static str> {
    let cache = cache();
    (cache.entries > 0 && cache.table.is_none()).then_some(
        "the validation cache is disabled, because the processor has no AES instructions: strict \
         commands validate the whole stored value each time",
    )
}

fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("aes") && is_x86_feature_detected!("avx");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Returns the number of entries in use.
pub fn used_entries() -> usize {
    cache().table.as_ref().map_or(0, |table| table.used)
}

/// Returns the size of the cache in bytes.
pub fn size() -> usize {
    cache().table.as_ref().map_or(0, |table| size_of_val(table.sets.as_slice()))
}

/// Frees the cache.
pub fn free() {
    cache().table = None;
}

fn cache() -> MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the next update panics: see JSONMERGE.PANIC.
#[cfg(debug_assertions)]
pub(crate) static PANIC_ON_UPDATE: AtomicBool = AtomicBool::new(false);

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "what the tests ask for")]
fn panic_if_told_to() {
    if PANIC_ON_UPDATE.swap(false, Ordering::Relaxed) {
        panic!("JSONMERGE.PANIC CACHE was called");
    }
}

impl Cache {
    /// Hashes a stem from its first byte, unless it is too short to be remembered.
    fn hash(&mut self, hasher: &mut StemHasher, stem: &[u8]) -> Option<(&mut Table, Stem)> {
        let table = self.table.as_mut().filter(|_| stem.len() >= STEM_MIN)?;
        let hashed = hasher.0.insert(Hashed { mac: table.key.clone(), size: 0, stem: None });
        hashed.extend(&[stem]).map(|stem| (table, stem))
    }
}

impl Hashed {
    fn extend(&mut self, parts: &[&[u8]]) -> Option<Stem> {
        for part in parts {
            self.mac.update(part);
            self.size += part.len();
            BYTES_HASHED.add(part.len());
        }
        // Finalizing overwrites the state.
        let tag = u128::from_le_bytes(self.mac.clone().finalize());
        self.stem = u32::try_from(self.size).ok().map(|size| Stem {
            tag: tag as u64,
            set: (tag >> u64::BITS) as u64,
            size,
        });
        self.stem
    }
}

impl Stem {
    /// Returns the entry of the stem, or `None` if the number of elements does not fit.
    fn entry(self, len: usize) -> Option<Entry> {
        let len = u32::try_from(len).ok()?;
        Some([self.tag, u64::from(self.size) << u32::BITS | u64::from(len)])
    }

    fn has(self, entry: &Entry) -> bool {
        let [tag, size_and_len] = *entry;
        tag == self.tag && size_and_len >> u32::BITS == u64::from(self.size)
    }
}

impl Table {
    /// Returns an empty table with a random key, or `None` if the cache is disabled.
    fn new(entries: usize) -> Option<Self> {
        let mut key = [0; 16];
        if entries == 0 || !has_aes() || getrandom::fill(&mut key).is_err() {
            return None;
        }
        let sets = vec![[EMPTY; WAYS]; entries / WAYS];
        Some(Table { key: Mac::new(&key), sets, used: 0 })
    }

    /// Returns the number of elements if the stem has an entry.
    fn get(&mut self, stem: Stem) -> Option<usize> {
        let [_, size_and_len] = self.set(stem)?.iter().find(|entry| stem.has(entry))?;
        Some(*size_and_len as u32 as usize)
    }

    /// Inserts an entry. If its set is full, the oldest entry goes.
    fn insert(&mut self, stem: Stem, len: usize) {
        let Some(entry) = stem.entry(len) else { return };
        let Some(set) = self.set(stem) else { return };
        let known = set.iter().position(|entry| stem.has(entry));
        let free = set.iter().position(|entry| *entry == EMPTY);
        let place = known.or(free).unwrap_or(WAYS - 1);
        // The newer entries move up by one place.
        set.copy_within(..place, 1);
        if let Some(newest) = set.first_mut() {
            *newest = entry;
        }
        self.used += usize::from(known.is_none() && free.is_some());
    }

    fn remove(&mut self, stem: Stem) {
        let Some(set) = self.set(stem) else { return };
        if let Some(entry) = set.iter_mut().find(|entry| stem.has(entry)) {
            *entry = EMPTY;
            self.used -= 1;
        }
    }

    fn set(&mut self, stem: Stem) -> Option<&mut Set> {
        let mask = self.sets.len().wrapping_sub(1);
        self.sets.get_mut(stem.set as usize & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: usize) -> Cache {
        Cache { entries, table: Table::new(entries) }
    }

    fn stem(size: usize) -> Vec<u8> {
        let mut stem = b"[0".to_vec();
        stem.resize(size, b' ');
        stem
    }

    fn insert(cache: &mut Cache, stem: &[u8], len: usize) {
        let (table, stem) = cache.hash(&mut StemHasher::default(), stem).expect("a long stem");
        table.insert(stem, len);
    }

    fn get(cache: &mut Cache, stem: &[u8]) -> Option<usize> {
        let (table, stem) = cache.hash(&mut StemHasher::default(), stem)?;
        table.get(stem)
    }

    fn used(cache: &Cache) -> usize {
        cache.table.as_ref().map_or(0, |table| table.used)
    }

    #[test]
    fn get_returns_what_was_inserted_and_nothing_else() {
        let mut cache = table(DEFAULT_ENTRIES);
        let known = stem(1000);
        insert(&mut cache, &known, 7);
        assert_eq!(get(&mut cache, &known), Some(7));
        for at in 0..known.len() {
            let mut other = known.clone();
            other[at] ^= 1;
            assert_eq!(get(&mut cache, &other), None, "byte {at} differs");
            assert_eq!(get(&mut cache, &known[..at]), None, "only the first {at} bytes");
        }
        assert_eq!(get(&mut cache, &[known.as_slice(), b" "].concat()), None, "one more byte");
    }

    #[test]
    fn an_extended_stem_has_the_entry_of_the_whole() {
        for size in [256, 257, 511, 512, 1024, 5000] {
            let mut cache = table(64);
            let (before, after) = (stem(size), stem(size + 700));
            let mut hasher = StemHasher::default();
            let (table, _) = cache.hash(&mut hasher, &before).expect("a long stem");
            let hashed = hasher.0.as_mut().expect("a hashed stem");
            let extended = hashed.extend(&[&after[size..size + 300], &after[size + 300..]]);
            table.insert(extended.expect("a small stem"), 3);
            assert_eq!(get(&mut cache, &after), Some(3), "{size}");
            assert_eq!(get(&mut cache, &before), None, "{size}");
        }
    }

    #[test]
    fn a_full_set_loses_its_oldest_entry() {
        let mut cache = table(MIN_ENTRIES);
        for len in 0..=WAYS {
            insert(&mut cache, &stem(300 + len), len);
        }
        let kept: Vec<_> = (0..=WAYS).map(|len| get(&mut cache, &stem(300 + len))).collect();
        assert_eq!(kept, [None, Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(used(&cache), WAYS);
        // Inserting a stem again makes it the newest.
        insert(&mut cache, &stem(301), 10);
        insert(&mut cache, &stem(310), 11);
        assert_eq!(get(&mut cache, &stem(301)), Some(10));
        assert_eq!(get(&mut cache, &stem(302)), None);
        assert_eq!(used(&cache), WAYS);
    }

    #[test]
    fn a_removed_entry_makes_room() {
        let mut cache = table(MIN_ENTRIES);
        (0..WAYS).for_each(|len| insert(&mut cache, &stem(300 + len), len));
        let (table, removed) = cache.hash(&mut StemHasher::default(), &stem(302)).expect("a stem");
        table.remove(removed);
        table.remove(removed);
        assert_eq!(used(&cache), WAYS - 1);
        insert(&mut cache, &stem(304), 4);
        let kept: Vec<_> = (0..=WAYS).map(|len| get(&mut cache, &stem(300 + len))).collect();
        assert_eq!(kept, [Some(0), Some(1), None, Some(3), Some(4)]);
    }

    #[test]
    fn a_number_of_elements_that_does_not_fit_is_not_remembered() {
        let mut cache = table(64);
        insert(&mut cache, &stem(500), u32::MAX as usize + 1);
        assert_eq!(get(&mut cache, &stem(500)), None);
        insert(&mut cache, &stem(500), u32::MAX as usize);
        assert_eq!(get(&mut cache, &stem(500)), Some(u32::MAX as usize));
    }

    #[test]
    fn a_new_key_forgets_everything() {
        let mut cache = table(MIN_ENTRIES);
        insert(&mut cache, &stem(500), 1);
        let new = Table::new(MIN_ENTRIES).expect("AES");
        cache.table.as_mut().expect("a table").key = new.key;
        assert_eq!(get(&mut cache, &stem(500)), None);
    }

    #[test]
    fn no_entries_remember_nothing() {
        assert!(table(0).hash(&mut StemHasher::default(), &stem(500)).is_none());
    }

    #[test]
    fn a_set_is_one_cache_line() {
        assert_eq!(size_of::<Set>(), 64);
    }

    /// The cache of the process, which no other test uses.
    #[test]
    fn validate_trusts_the_cache_and_replace_follows_the_text() {
        set_entries(DEFAULT_ENTRIES);
        let (stored, extension) = (stem(1000), [&b","[..], b"1"]);
        let [text, grown] = [[&stored, &b"]"[..]].concat(), [&stored, &b",1]"[..]].concat()];
        let len = |text: &[u8]| StemHasher::default().validate(text).map(|array| array.len);
        let mut hasher = StemHasher::default();
        assert_eq!(hasher.validate(&text).map(|array| array.len), Ok(1));
        assert_eq!(used_entries(), 1);

        // Not true, which shows that the text is not validated.
        hasher.replace(extension, 1001);
        assert_eq!(len(&grown), Ok(1001));
        assert_eq!(used_entries(), 1);
        set_entries(MIN_ENTRIES);
        assert_eq!(len(&grown), Ok(2));
        assert!(len(&[b"[", text.as_slice()].concat()).is_err());
        set_entries(0);
        assert_eq!(len(&grown), Ok(2));
        assert_eq!((used_entries(), size(), is_enabled()), (0, 0, false));
    }
}
