//! The validation cache: which texts are known to be JSON arrays, and how many elements they have.
//!
//! Whether a text is a JSON array depends on its bytes alone, so an entry never becomes wrong, whoever
//! writes to the key and however. Nothing is ever invalidated, and the cache changes no result, only
//! the time it takes.
//!
//! A text is recognised by a keyed 64-bit hash and the size of its *stem*: the text up to its closing
//! bracket, after which [`Brackets::find`] allows only whitespace. An append extends the stem and writes
//! a new closing bracket, so one pass over the stored value serves to look it up and, continued over the
//! new elements, to remember the result.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use twox_hash::xxhash3_64::{RawHasher, SecretBuffer};

use crate::array::{Array, Brackets, Invalid};
use crate::counters::{BYTES_HASHED, BYTES_VALIDATED, CACHE_HITS, CACHE_MISSES};

/// Shorter stems are not remembered: validating them takes no longer than hashing them and reading two
/// entries from memory.
const STEM_MIN: usize = 256;

/// The default of `jsonmerge.validation-cache-entries`.
pub const DEFAULT_ENTRIES: usize = 16 * 1024;

/// The maximum of `jsonmerge.validation-cache-entries`.
pub const MAX_ENTRIES: usize = 16 * 1024 * 1024;

/// The cache of this process.
static CACHE: Mutex<Cache> = Mutex::new(Cache { key: [0; KEY_SIZE], entries: Vec::new(), used: 0 });

/// The size of the hash's key, in bytes: as long as XXH3's own.
const KEY_SIZE: usize = 192;

struct Cache {
    key: [u8; KEY_SIZE],
    /// Direct-mapped: a stem that hashes to the entry of another replaces it.
    entries: Vec<Entry>,
    /// The number of entries that are not empty.
    used: usize,
}

/// A stem that a closing bracket makes an array of `len` elements. No stem is empty, so an entry whose
/// stem is empty is not in use.
#[derive(Clone, Copy, Default)]
struct Entry {
    stem: Stem,
    len: usize,
}

/// What a stem is recognised by.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stem {
    hash: u64,
    size: usize,
}

/// Hashes the stem of one text, and goes on when the text grows, so that no byte is hashed twice.
///
/// Half a kilobyte, so better not moved.
#[derive(Default)]
pub struct StemHasher {
    /// `None` until [`StemHasher::validate`] has hashed a stem, and for stems that are not cached.
    state: Option<RawHasher<[u8; KEY_SIZE]>>,
    /// What has been hashed.
    stem: Stem,
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
        if let Some(brackets) = Brackets::find(text)
            && let Some(stem) = self.hash(&cache, brackets.stem(text))
        {
            if let Some(len) = cache.get(stem) {
                CACHE_HITS.add(1);
                return Ok(Array { brackets, len });
            }
            CACHE_MISSES.add(1);
        }
        BYTES_VALIDATED.add(text.len());
        let array = Array::validate(text)?;
        if self.state.is_some() {
            cache.insert(self.stem, array.len);
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
        let Some(state) = &mut self.state else { return };
        let old = self.stem;
        extension.into_iter().for_each(|bytes| self.stem.extend(state, bytes));
        let mut cache = cache();
        cache.remove(old);
        cache.insert(self.stem, len);
    }

    /// Removes the entry of the validated text.
    pub fn remove(&self) {
        #[cfg(debug_assertions)]
        panic_if_told_to();
        if self.state.is_some() {
            cache().remove(self.stem);
        }
    }

    /// Hashes a stem, unless it is too short or the cache is disabled.
    fn hash(&mut self, cache: &Cache, stem: &[u8]) -> Option<Stem> {
        if stem.len() < STEM_MIN || cache.entries.is_empty() {
            return None;
        }
        // Only a shorter key is an error.
        let state = self.state.insert(RawHasher::new(SecretBuffer::new(0, cache.key).ok()?));
        self.stem.extend(state, stem);
        Some(self.stem)
    }
}

/// Remembers that a closing bracket makes an array of `len` elements of a stem.
///
/// # Complexity
/// O(n) in the size of the stem.
pub fn remember(stem: &[u8], len: usize) {
    #[cfg(debug_assertions)]
    panic_if_told_to();
    let mut cache = cache();
    if let Some(stem) = StemHasher::default().hash(&cache, stem) {
        cache.insert(stem, len);
    }
}

/// Returns the number of entries that the cache has room for.
pub fn entries() -> usize {
    cache().entries.len()
}

/// Returns the number of entries in use.
pub fn used_entries() -> usize {
    cache().used
}

/// Returns the size of the cache in bytes.
pub fn size() -> usize {
    size_of_val(cache().entries.as_slice())
}

/// Replaces the cache by an empty one with a new key. `entries` is a power of two up to
/// [`MAX_ENTRIES`], or 0 to disable the cache.
pub fn set_entries(entries: usize) {
    let mut cache = cache();
    // The old table goes first, so that there are never two.
    cache.entries = Vec::new();
    *cache = Cache::new(entries);
}

/// Gives back all memory.
pub fn free() {
    cache().entries = Vec::new();
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

impl Stem {
    fn extend(&mut self, state: &mut RawHasher<[u8; KEY_SIZE]>, bytes: &[u8]) {
        state.write(bytes);
        BYTES_HASHED.add(bytes.len());
        *self = Stem { hash: state.finish(), size: self.size + bytes.len() };
    }
}

impl Cache {
    fn new(entries: usize) -> Self {
        let mut key = [0; KEY_SIZE];
        let random = RandomState::new();
        for (word, bytes) in key.chunks_mut(size_of::<u64>()).enumerate() {
            bytes.copy_from_slice(&random.hash_one(word).to_ne_bytes());
        }
        Cache { key, entries: vec![Entry::default(); entries], used: 0 }
    }

    /// Returns the number of elements, if the stem has an entry.
    fn get(&self, stem: Stem) -> Option<usize> {
        let entry = self.entries.get(self.index(stem)).filter(|entry| entry.stem == stem);
        entry.map(|entry| entry.len)
    }

    fn insert(&mut self, stem: Stem, len: usize) {
        let index = self.index(stem);
        if let Some(entry) = self.entries.get_mut(index) {
            self.used += usize::from(entry.stem.size == 0);
            *entry = Entry { stem, len };
        }
    }

    fn remove(&mut self, stem: Stem) {
        let index = self.index(stem);
        if let Some(entry) = self.entries.get_mut(index).filter(|entry| entry.stem == stem) {
            *entry = Entry::default();
            self.used -= 1;
        }
    }

    fn index(&self, stem: Stem) -> usize {
        stem.hash as usize & self.entries.len().wrapping_sub(1)
    }
}
