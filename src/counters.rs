//! The counters that `INFO jsonmerge` shows: only those that the server's own commandstats and errorstats
//! do not cover.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::Error;

/// A number that starts at 0 when the module is loaded, and only grows.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Counter(AtomicU64::new(0))
    }

    /// Adds to the counter. Only one thread may call this at a time. Commands run in the server's main
    /// thread, so a load and a store are enough, and cheaper than an atomic addition.
    pub fn add(&self, number: usize) {
        self.0.store(self.get().wrapping_add(number as u64), Relaxed);
    }

    /// Returns the counter's value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Elements that APPEND added, including those of keys that it created.
pub static ELEMENTS_ADDED: Counter = Counter::new();
/// Elements that TAKE returned.
pub static ELEMENTS_TAKEN: Counter = Counter::new();
/// Bytes that APPEND wrote to values.
pub static BYTES_ADDED: Counter = Counter::new();
/// Calls that failed because the argument is not a JSON array.
pub static REFUSED_ARGUMENT: Counter = Counter::new();
/// Calls that failed because the stored value is a string but not a JSON array.
pub static REFUSED_STORED: Counter = Counter::new();
/// Stored values that the validation cache recognised.
pub static CACHE_HITS: Counter = Counter::new();
/// Stored values that were looked up in the validation cache and not found.
pub static CACHE_MISSES: Counter = Counter::new();
/// Bytes that were hashed for the validation cache.
pub static BYTES_HASHED: Counter = Counter::new();
/// Bytes of stored values that were validated.
pub static BYTES_VALIDATED: Counter = Counter::new();
/// Bugs in the module: usually panics that were caught.
pub static INTERNAL_ERRORS: Counter = Counter::new();

/// Counts a call that failed.
pub fn count_error(error: &Error) {
    match error {
        Error::Argument(_) => REFUSED_ARGUMENT.add(1),
        Error::Stored(_) => REFUSED_STORED.add(1),
        Error::Internal => INTERNAL_ERRORS.add(1),
        _ => {}
    }
}
