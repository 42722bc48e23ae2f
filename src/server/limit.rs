//! The largest string that the server accepts: `proto-max-bulk-len`, which also limits core's APPEND and
//! SETRANGE.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::c_void;
use redis_module::RedisValue;
use redis_module::raw::{self, RedisModuleCtx, RedisModuleEvent};

use crate::error::Error;
use crate::server::{Context, OK};

/// The module API makes no string longer than this, and does not truncate one to a larger size, whatever
/// the config says.
pub(super) const API_LIMIT: usize = 512 * 1024 * 1024;

/// The server accepts no lower value of the config.
const LEAST_LIMIT: usize = 1024 * 1024;

/// The limit, or [`UNKNOWN`] before it is first read and after every CONFIG SET.
static LIMIT: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 0;

impl Context<'_> {
    /// # Errors
    /// [`Error::TooLarge`] if the server does not accept strings of this size in bytes.
    pub(super) fn check_string_size(&self, size: usize) -> Result<(), Error> {
        if size <= LEAST_LIMIT || size <= self.limit() { Ok(()) } else { Err(Error::TooLarge) }
    }

    fn limit(&self) -> usize {
        match LIMIT.load(Ordering::Relaxed) {
            UNKNOWN => self.read_limit(),
            limit => limit,
        }
    }

    #[cold]
    fn read_limit(&self) -> usize {
        let is_told_of_changes = self.subscribe_to_config_changes();
        let limit = self.core_config("proto-max-bulk-len").unwrap_or(API_LIMIT).min(API_LIMIT);
        if is_told_of_changes {
            LIMIT.store(limit, Ordering::Relaxed);
        }
        limit
    }

    /// Subscribes to config changes, to forget the limit whenever CONFIG SET may have changed it. Returns
    /// whether the server has accepted the subscription.
    ///
    /// With a subscription to any event, servers newer than Redis 7.0 go through the list of subscriptions
    /// whenever a key is overwritten or deleted. So the module subscribes when it first needs the limit.
    fn subscribe_to_config_changes(&self) -> bool {
        static IS_SUBSCRIBED: OnceLock<bool> = OnceLock::new();
        let event = RedisModuleEvent { id: raw::REDISMODULE_EVENT_CONFIG, dataver: 1 };
        *IS_SUBSCRIBED.get_or_init(|| {
            // SAFETY: the context is alive, and the callback lives as long as the module is loaded.
            let status = unsafe {
                api!(RedisModule_SubscribeToServerEvent(self.raw, event, Some(config_changed)))
            };
            status == OK
        })
    }

    /// Returns the value of one of core's numeric configs, or `None` if CONFIG was renamed.
    fn core_config(&self, name: &str) -> Option<usize> {
        let reply = redis_module::Context::new(self.raw.cast()).call("CONFIG", &["GET", name]);
        let Ok(RedisValue::Array(name_and_value)) = reply else { return None };
        match name_and_value.get(1)? {
            RedisValue::SimpleString(number) | RedisValue::BulkString(number) => {
                number.parse().ok()
            }
            _ => None,
        }
    }
}

unsafe extern "C" fn config_changed(
    _: *mut RedisModuleCtx,
    _: RedisModuleEvent,
    _: u64,
    _: *mut c_void,
) {
    LIMIT.store(UNKNOWN, Ordering::Relaxed);
}
