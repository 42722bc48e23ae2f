//! The module's configs: name, default, bounds, and what they set.

use crate::cache;
use crate::server::module::Config;

/// Every config of the module.
pub(crate) const TABLE: &[Config] = &[VALIDATION_CACHE_ENTRIES];

const VALIDATION_CACHE_ENTRIES: Config = Config {
    name: c"validation-cache-entries",
    default: cache::DEFAULT_ENTRIES,
    max: cache::MAX_ENTRIES,
    get: cache::entries,
    set: |entries| {
        if entries != 0 && !(entries.is_power_of_two() && entries >= cache::MIN_ENTRIES) {
            return Err(c"must be 0 or a power of two, at least 4");
        }
        cache::set_entries(entries);
        Ok(())
    },
};
