//! What the module has done since it was loaded: the numbers of `INFO jsonmerge`.

use std::ffi::CStr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::array::Invalid;
use crate::error::Error;

/// A number that only grows.
pub struct Counter {
    /// Its name in INFO, behind `jsonmerge_`.
    pub name: &'static CStr,
    value: AtomicU64,
}

impl Counter {
    const fn new(name: &'static CStr) -> Self {
        Counter { name, value: AtomicU64::new(0) }
    }

    /// Adds to it. Only one thread at a time may: all commands run in the server's main thread, and a
    /// load and a store cost nothing, where an atomic addition would lock the bus.
    pub fn add(&self, number: usize) {
        self.value.store(self.get().wrapping_add(number as u64), Relaxed);
    }

    /// Its value.
    pub fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

/// Calls of APPEND that succeeded.
pub static APPENDS: Counter = Counter::new(c"appends");
/// Calls of TAKE that returned an array.
pub static TAKES: Counter = Counter::new(c"takes");
/// Elements that were appended, those of new keys included.
pub static ELEMENTS_ADDED: Counter = Counter::new(c"elements_added");
/// Bytes that were written to values.
pub static BYTES_ADDED: Counter = Counter::new(c"bytes_added");
/// Calls refused because the argument is not JSON, and so on.
static REFUSED_BADJSON_ARGUMENT: Counter = Counter::new(c"refused_badjson_argument");
static REFUSED_BADJSON_STORED: Counter = Counter::new(c"refused_badjson_stored");
static REFUSED_NOTARRAY_ARGUMENT: Counter = Counter::new(c"refused_notarray_argument");
static REFUSED_NOTARRAY_STORED: Counter = Counter::new(c"refused_notarray_stored");
static REFUSED_WRONGTYPE: Counter = Counter::new(c"refused_wrongtype");
static REFUSED_TOO_LARGE: Counter = Counter::new(c"refused_too_large");
static REFUSED_SYNTAX: Counter = Counter::new(c"refused_syntax");
/// Defects of ours.
static INTERNAL_ERRORS: Counter = Counter::new(c"internal_errors");
/// Stored texts that the memo knew.
pub static MEMO_HITS: Counter = Counter::new(c"memo_hits");
/// Stored texts that it did not know, and that were checked.
pub static MEMO_MISSES: Counter = Counter::new(c"memo_misses");
/// Bytes that were hashed, to look a text up or to remember it.
pub static BYTES_HASHED: Counter = Counter::new(c"bytes_hashed");
/// Bytes of stored texts that were checked.
pub static BYTES_SCANNED: Counter = Counter::new(c"bytes_scanned");

/// Every counter, in the order of INFO.
pub static TABLE: [&Counter; 16] = [
    &APPENDS,
    &TAKES,
    &ELEMENTS_ADDED,
    &BYTES_ADDED,
    &REFUSED_BADJSON_ARGUMENT,
    &REFUSED_BADJSON_STORED,
    &REFUSED_NOTARRAY_ARGUMENT,
    &REFUSED_NOTARRAY_STORED,
    &REFUSED_WRONGTYPE,
    &REFUSED_TOO_LARGE,
    &REFUSED_SYNTAX,
    &INTERNAL_ERRORS,
    &MEMO_HITS,
    &MEMO_MISSES,
    &BYTES_HASHED,
    &BYTES_SCANNED,
];

/// The counter of the calls that end with such an error.
pub fn of(error: &Error) -> &'static Counter {
    match error {
        Error::Argument(Invalid::NotJson(_)) => &REFUSED_BADJSON_ARGUMENT,
        Error::Argument(Invalid::NotArray(_)) => &REFUSED_NOTARRAY_ARGUMENT,
        Error::Stored(Invalid::NotJson(_)) => &REFUSED_BADJSON_STORED,
        Error::Stored(Invalid::NotArray(_)) => &REFUSED_NOTARRAY_STORED,
        Error::WrongType => &REFUSED_WRONGTYPE,
        Error::TooLarge => &REFUSED_TOO_LARGE,
        Error::Syntax
        | Error::NotInteger
        | Error::ExpireTime
        | Error::TrustCountsNot
        | Error::Arity => &REFUSED_SYNTAX,
        Error::Internal => &INTERNAL_ERRORS,
    }
}
