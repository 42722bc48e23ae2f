//! The fields of `INFO jsonmerge`.

use crate::cache;
use crate::counters::{
    BYTES_ADDED, BYTES_HASHED, BYTES_VALIDATED, CACHE_HITS, CACHE_MISSES, ELEMENTS_ADDED,
    ELEMENTS_TAKEN, INTERNAL_ERRORS, REFUSED_ARGUMENT, REFUSED_STORED,
};
use crate::server::module::Field;

/// Every field, in the order in which INFO shows them.
pub(crate) const TABLE: &[Field] = &[
    Field { name: c"elements_added", value: || ELEMENTS_ADDED.get() },
    Field { name: c"elements_taken", value: || ELEMENTS_TAKEN.get() },
    Field { name: c"bytes_added", value: || BYTES_ADDED.get() },
    Field { name: c"refused_argument", value: || REFUSED_ARGUMENT.get() },
    Field { name: c"refused_stored", value: || REFUSED_STORED.get() },
    Field { name: c"cache_enabled", value: || u64::from(cache::is_enabled()) },
    Field { name: c"cache_hits", value: || CACHE_HITS.get() },
    Field { name: c"cache_misses", value: || CACHE_MISSES.get() },
    Field { name: c"cache_entries", value: || cache::used_entries() as u64 },
    Field { name: c"cache_bytes", value: || cache::size() as u64 },
    Field { name: c"bytes_hashed", value: || BYTES_HASHED.get() },
    Field { name: c"bytes_validated", value: || BYTES_VALIDATED.get() },
    Field { name: c"internal_errors", value: || INTERNAL_ERRORS.get() },
];
