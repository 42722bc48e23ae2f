//! The settings: name, default, bounds, and what they set.

use crate::server::Setting;
use crate::verified;

/// Every setting of the module.
pub(crate) const TABLE: &[Setting] = &[VERIFIED_SLOTS];

const VERIFIED_SLOTS: Setting = Setting {
    name: c"verified-slots",
    default: verified::DEFAULT_SLOTS,
    max: verified::MAX_SLOTS,
    get: verified::slots,
    set: |slots| {
        if slots != 0 && !slots.is_power_of_two() {
            return Err(c"must be 0 or a power of two");
        }
        verified::set_slots(slots);
        Ok(())
    },
};
