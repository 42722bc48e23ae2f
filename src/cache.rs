//! The validation cache: which texts are known to be JSON arrays, and how many elements they have.
//!
//! Whether a text is a JSON array depends only on its bytes, so no write to a key can make an entry
//! wrong. Nothing needs to be invalidated, and the cache changes no result, only the time it takes.
//!
//! A text is recognised by a MAC of its *stem*: the text up to its closing bracket, after which
//! [`Brackets::find`] allows only whitespace. An append extends the stem and writes a new closing
//! bracket, so one pass over the stored value looks it up and, continued over the new elements,
//! replaces its entry.
//!
//! The MAC is AEGIS-128X4 (RFC 10032) with a random key. Tags never leave the process, so no client can
//! craft a text that matches one. A text that was never validated is compared with at most eight entries,
//! and matches each with a probability of 1 in 2^64.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use aegis::aegis128x4::Aegis128X4Mac;

use crate::array::{Array, Brackets, Invalid};
use crate::counters::{BYTES_HASHED, BYTES_VALIDATED, CACHE_HITS, CACHE_MISSES};

/// Shorter stems are not cached: validating them takes no longer than hashing them and reading two sets
/// from memory.
const STEM_MIN: usize = 256;

/// The default of `jsonmerge.validation-cache-entries`: 4 MB.
pub const DEFAULT_ENTRIES: usize = 256 * 1024;

/// The smallest value of `jsonmerge.validation-cache-entries` that does not disable the cache.
pub const MIN_ENTRIES: usize = WAYS;

/// The maximum of `jsonmerge.validation-cache-entries`: 256 MB.
pub const MAX_ENTRIES: usize = 16 * 1024 * 1024;

/// The only cache of the process.
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

/// A set of entries, from the newest to the oldest. A set is one cache line if the server's allocator is
/// jemalloc, which aligns large blocks.
type Set = [Entry; WAYS];

/// A stem that becomes an array with a closing bracket. The first word is its tag. The second word has its
/// size in bytes in the high half and the number of elements in the low half. These are plain integers so
/// that the allocator can provide zeroed memory, which becomes resident only when it is written.
type Entry = [u64; 2];

/// No stem is empty, so no stem has this entry.
const EMPTY: Entry = [0, 0];

/// What identifies a stem. Its entry goes to the emptier of two sets. The tag and the indices of the two
/// sets share no bits of the MAC.
#[derive(Clone, Copy)]
struct Stem {
    tag: u64,
    sets: [u32; 2],
    size: u32,
}

/// Hashes the stem of one text, and continues when the text grows, so that no byte is hashed twice.
#[derive(Default)]
pub struct StemHasher(Option<Hashed>);

/// Takes 1.4 KB, so avoid moving it.
struct Hashed {
    mac: Mac,
    size: usize,
    /// What has been hashed, unless it is too large for an entry.
    stem: Option<Stem>,
    /// Whether the stem has an entry.
    is_cached: bool,
}

impl StemHasher {
    /// Validates that `text` is a JSON array, as [`Array::validate`] does, unless the cache has it.
    ///
    /// # Complexity
    /// O(n) in the size of the text; at memory speed if the cache has it.
    ///
    /// # Errors
    /// Those of [`Array::validate`].
    pub fn validate<'t>(&mut self, text: &'t [u8]) -> Result<Array<'t>, Invalid> {
        if let Some(brackets) = Brackets::find(text)
            && let Some((table, hashed)) = cache().hash(self, brackets.stem(text))
        {
            if let Some(len) = hashed.stem.and_then(|stem| table.get(stem)) {
                hashed.is_cached = true;
                CACHE_HITS.add(1);
                return Ok(Array { brackets, len });
            }
            CACHE_MISSES.add(1);
        }
        BYTES_VALIDATED.add(text.len());
        Array::validate(text)
    }

    /// Replaces the entry of the validated text after an append. `extension` is what the append added to
    /// the stem, and `len` is the new number of elements.
    ///
    /// # Complexity
    /// O(n) in the number of bytes that were added.
    pub fn remember(&mut self, extension: [&[u8]; 2], len: usize) {
        #[cfg(debug_assertions)]
        panic_if_told_to();
        if let (Some(hashed), Some(table)) = (&mut self.0, &mut cache().table) {
            hashed.remove_from(table);
            hashed.extend(&extension);
            hashed.stem.inspect(|stem| table.insert(*stem, len));
        }
    }

    /// Removes the entry of the validated text.
    pub fn remove(&self) {
        #[cfg(debug_assertions)]
        panic_if_told_to();
        if let (Some(hashed), Some(table)) = (&self.0, &mut cache().table) {
            hashed.remove_from(table);
        }
    }
}

/// Inserts an entry for a stem that, with a closing bracket, is an array of `len` elements.
///
/// # Complexity
/// O(n) in the size of the stem.
pub fn remember(stem: &[u8], len: usize) {
    #[cfg(debug_assertions)]
    panic_if_told_to();
    if let Some((table, hashed)) = cache().hash(&mut StemHasher::default(), stem) {
        hashed.stem.inspect(|stem| table.insert(*stem, len));
    }
}

/// Returns the value of `jsonmerge.validation-cache-entries`.
pub fn entries() -> usize {
    cache().entries
}

/// Sets `jsonmerge.validation-cache-entries`: replaces the cache with an empty one that has a new key.
/// `entries` is a power of two from [`MIN_ENTRIES`] to [`MAX_ENTRIES`], or 0 to disable the cache.
pub fn set_entries(entries: usize) {
    let mut cache = cache();
    // Free the old table first, so that two never exist at once.
    cache.table = None;
    *cache = Cache { entries, table: if has_aes() { Table::new(entries) } else { None } };
}

/// Returns whether the cache is in use. It is not if the config is 0, if the processor has no AES
/// instructions, because hashing would then take longer than validating, or if the operating system has
/// no random key.
pub fn is_enabled() -> bool {
    peek(|table| table.is_some())
}

/// Returns a message for the log if the cache is disabled although the config is not 0.
pub fn warning() -> Option<&'static str> {
    let cache = cache();
    (cache.entries > 0 && cache.table.is_none()).then_some(
        "the validation cache is disabled, because the processor has no AES instructions (or, on x86-64, \
         no AVX) or the operating system has no random bytes. Without TRUST, commands validate the whole \
         stored value each time",
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
    peek(|table| table.map_or(0, |table| table.used))
}

/// Returns the size of the cache in bytes.
pub fn size() -> usize {
    peek(|table| table.map_or(0, |table| size_of_val(table.sets.as_slice())))
}

/// Frees the cache.
pub fn free() {
    cache().table = None;
}

/// Reads the cache for INFO. Returns the default if the cache is locked: the server also calls INFO to write
/// a crash report, and the crash may have happened while this thread held the lock.
fn peek<T: Default>(read: impl FnOnce(Option<&Table>) -> T) -> T {
    match CACHE.try_lock() {
        Ok(cache) => read(cache.table.as_ref()),
        Err(TryLockError::Poisoned(cache)) => read(cache.into_inner().table.as_ref()),
        Err(TryLockError::WouldBlock) => T::default(),
    }
}

fn cache() -> MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the next update panics. JSONMERGE.PANIC sets it.
#[cfg(debug_assertions)]
pub(crate) static PANIC_ON_UPDATE: AtomicBool = AtomicBool::new(false);

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "the tests request it")]
fn panic_if_told_to() {
    if PANIC_ON_UPDATE.swap(false, Ordering::Relaxed) {
        panic!("JSONMERGE.PANIC CACHE was called");
    }
}

impl Cache {
    /// Hashes a stem from its first byte, unless it is too short for the cache.
    fn hash<'h>(
        &mut self,
        hasher: &'h mut StemHasher,
        stem: &[u8],
    ) -> Option<(&mut Table, &'h mut Hashed)> {
        let table = self.table.as_mut().filter(|_| stem.len() >= STEM_MIN)?;
        let mac = table.key.clone();
        let hashed = hasher.0.insert(Hashed { mac, size: 0, stem: None, is_cached: false });
        hashed.extend(&[stem]);
        Some((table, hashed))
    }
}

impl Hashed {
    fn remove_from(&self, table: &mut Table) {
        self.stem.filter(|_| self.is_cached).inspect(|stem| table.remove(*stem));
    }

    fn extend(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.mac.update(part);
            self.size += part.len();
            BYTES_HASHED.add(part.len());
        }
        // Finalizing overwrites the state.
        let tag = u128::from_le_bytes(self.mac.clone().finalize());
        self.stem = u32::try_from(self.size).ok().map(|size| Stem {
            tag: tag as u64,
            sets: [(tag >> 64) as u32, (tag >> 96) as u32],
            size,
        });
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
    /// Returns an empty table with a random key, or `None` if there are no entries or no random bytes.
    fn new(entries: usize) -> Option<Self> {
        let mut key = [0; 16];
        if entries == 0 || getrandom::fill(&mut key).is_err() {
            return None;
        }
        let sets = vec![[EMPTY; WAYS]; entries / WAYS];
        Some(Table { key: Mac::new(&key), sets, used: 0 })
    }

    /// Returns the number of elements if the stem has an entry.
    fn get(&mut self, stem: Stem) -> Option<usize> {
        let [_, size_and_len] = *self.find(stem)?;
        Some(size_and_len as u32 as usize)
    }

    /// Inserts an entry. If both of its sets are full, evicts the oldest entry of one of them. A text stored
    /// at several keys has an entry for each key.
    fn insert(&mut self, stem: Stem, len: usize) {
        let Some(entry) = stem.entry(len) else { return };
        let [first, second] = self.places(stem);
        let room = |set: usize| self.sets.get(set).map_or(0, |set| empty(set).count());
        let place = if room(second) > room(first) { second } else { first };
        let Some(set) = self.sets.get_mut(place) else { return };
        let free = empty(set).next();
        // The newer entries move up by one.
        set.copy_within(..free.unwrap_or(WAYS - 1), 1);
        if let Some(newest) = set.first_mut() {
            *newest = entry;
        }
        self.used += usize::from(free.is_some());
    }

    fn remove(&mut self, stem: Stem) {
        if let Some(entry) = self.find(stem) {
            *entry = EMPTY;
            self.used -= 1;
        }
    }

    fn find(&mut self, stem: Stem) -> Option<&mut Entry> {
        let is_there = |set: &usize| {
            self.sets.get(*set).is_some_and(|set| set.iter().any(|entry| stem.has(entry)))
        };
        let place = self.places(stem).into_iter().find(is_there)?;
        self.sets.get_mut(place)?.iter_mut().find(|entry| stem.has(entry))
    }

    fn places(&self, stem: Stem) -> [usize; 2] {
        stem.sets.map(|set| set as usize & self.sets.len().wrapping_sub(1))
    }
}

/// Returns the indices of the empty entries of a set.
fn empty(set: &Set) -> impl Iterator<Item = usize> {
    set.iter().enumerate().filter(|(_, entry)| **entry == EMPTY).map(|(index, _)| index)
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
        let mut hasher = StemHasher::default();
        let (table, hashed) = cache.hash(&mut hasher, stem).expect("a long stem");
        table.insert(hashed.stem.expect("a small stem"), len);
    }

    fn get(cache: &mut Cache, stem: &[u8]) -> Option<usize> {
        let mut hasher = StemHasher::default();
        let (table, hashed) = cache.hash(&mut hasher, stem)?;
        table.get(hashed.stem?)
    }

    fn remove(cache: &mut Cache, stem: &[u8]) {
        let mut hasher = StemHasher::default();
        let (table, hashed) = cache.hash(&mut hasher, stem).expect("a long stem");
        table.remove(hashed.stem.expect("a small stem"));
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
    fn an_extended_stem_matches_the_entry_of_the_whole_stem() {
        for size in [256, 257, 511, 512, 1024, 5000] {
            let mut cache = table(64);
            let (before, after) = (stem(size), stem(size + 700));
            let mut hasher = StemHasher::default();
            let (table, hashed) = cache.hash(&mut hasher, &before).expect("a long stem");
            hashed.extend(&[&after[size..size + 300], &after[size + 300..]]);
            table.insert(hashed.stem.expect("a small stem"), 3);
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
    }

    #[test]
    fn the_same_stem_has_an_entry_for_each_insertion() {
        let mut cache = table(64);
        insert(&mut cache, &stem(300), 1);
        insert(&mut cache, &stem(300), 1);
        assert_eq!(used(&cache), 2);
        remove(&mut cache, &stem(300));
        assert_eq!((get(&mut cache, &stem(300)), used(&cache)), (Some(1), 1));
    }

    #[test]
    fn an_entry_goes_to_the_set_with_more_room() {
        let mut cache = table(1024);
        (0..800).for_each(|len| insert(&mut cache, &stem(300 + len), len));
        let kept = (0..800).filter(|len| get(&mut cache, &stem(300 + len)) == Some(*len)).count();
        assert_eq!(used(&cache), kept);
        // With only one set per stem, about 720 would be kept.
        assert!(kept >= 780, "{kept}");
    }

    #[test]
    fn a_removed_entry_makes_room() {
        let mut cache = table(MIN_ENTRIES);
        (0..WAYS).for_each(|len| insert(&mut cache, &stem(300 + len), len));
        remove(&mut cache, &stem(302));
        remove(&mut cache, &stem(302));
        assert_eq!(used(&cache), WAYS - 1);
        insert(&mut cache, &stem(304), 4);
        let kept: Vec<_> = (0..=WAYS).map(|len| get(&mut cache, &stem(300 + len))).collect();
        assert_eq!(kept, [Some(0), Some(1), None, Some(3), Some(4)]);
    }

    #[test]
    fn insert_against_too_many_elements_inserts_nothing() {
        let mut cache = table(64);
        insert(&mut cache, &stem(500), u32::MAX as usize + 1);
        assert_eq!(get(&mut cache, &stem(500)), None);
        insert(&mut cache, &stem(500), u32::MAX as usize);
        assert_eq!(get(&mut cache, &stem(500)), Some(u32::MAX as usize));
    }

    #[test]
    fn a_new_key_matches_no_old_entry() {
        let mut cache = table(MIN_ENTRIES);
        insert(&mut cache, &stem(500), 1);
        let new = Table::new(MIN_ENTRIES).expect("a table");
        cache.table.as_mut().expect("a table").key = new.key;
        assert_eq!(get(&mut cache, &stem(500)), None);
    }

    #[test]
    fn a_cache_with_no_entries_hashes_nothing() {
        assert!(table(0).hash(&mut StemHasher::default(), &stem(500)).is_none());
    }

    #[test]
    fn a_set_is_one_cache_line() {
        assert_eq!(size_of::<Set>(), 64);
    }

    /// The library has an implementation for each kind of processor. The first tag is a test vector of the RFC.
    #[test]
    fn the_mac_is_the_same_on_every_processor() {
        let (mut key, mut nonce) = ([0; 16], [0; 16]);
        key[..2].copy_from_slice(&[0x10, 0x01]);
        nonce[..3].copy_from_slice(&[0x10, 0x00, 0x02]);
        for (size, tag) in
            [(35, 0xc45a98fd9ab8956ce616eb008cfe4e53), (5000, 0xcfeaef66462b0fbce7451150d0f405ae)]
        {
            let text: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let mut mac = Mac::new_with_nonce(&key, &nonce);
            mac.update(&text);
            assert_eq!(u128::from_be_bytes(mac.finalize()), tag, "{size} bytes");
        }
    }

    /// Uses the cache of the process, which no other test does.
    #[test]
    fn validate_uses_the_cache_and_remember_replaces_the_entry() {
        set_entries(DEFAULT_ENTRIES);
        assert_eq!((is_enabled(), warning().is_none()), (has_aes(), has_aes()));
        if !has_aes() {
            println!("not tested: the cache of the process, which this processor cannot use");
            return;
        }
        let (stored, extension) = (stem(1000), [&b","[..], b"1"]);
        let [text, grown] = [[&stored, &b"]"[..]].concat(), [&stored, &b",1]"[..]].concat()];
        let len = |text: &[u8]| StemHasher::default().validate(text).map(|array| array.len);
        let mut hasher = StemHasher::default();
        assert_eq!(hasher.validate(&text).map(|array| array.len), Ok(1));
        // A wrong number, to show that the text is not validated again.
        hasher.remember([b"", b""], 1000);
        assert_eq!(len(&text), Ok(1000));
        let mut hasher = StemHasher::default();
        assert_eq!(hasher.validate(&text).map(|array| array.len), Ok(1000));
        hasher.remember(extension, 1001);
        assert_eq!((len(&text), len(&grown)), (Ok(1), Ok(1001)));
        assert_eq!(used_entries(), 1);
        let mut hasher = StemHasher::default();
        assert!(hasher.validate(&grown).is_ok());
        hasher.remove();
        assert_eq!((len(&grown), used_entries()), (Ok(2), 0));

        remember(&stored, 7);
        assert_eq!(len(&text), Ok(7));
        // A crash report while the cache is locked.
        let locked = super::cache();
        assert_eq!((used_entries(), size(), is_enabled()), (0, 0, false));
        drop(locked);

        set_entries(MIN_ENTRIES);
        assert_eq!(len(&text), Ok(1));
        assert!(len(&[b"[", text.as_slice()].concat()).is_err());
        set_entries(0);
        assert_eq!(len(&grown), Ok(2));
        assert_eq!((used_entries(), size(), is_enabled()), (0, 0, false));
    }
}
