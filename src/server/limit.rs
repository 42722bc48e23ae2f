//! The largest string that the server accepts: `proto-max-bulk-len`, as core's APPEND and SETRANGE.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::c_void;
use redis_module::raw::{self, RedisModuleCtx, RedisModuleEvent};

use crate::error::Error;
use crate::server::{Context, OK};

/// The module API grows no string beyond this, whatever the setting says.
const API_LIMIT: usize = 512 * 1024 * 1024;

/// The setting as it was last read; [`UNKNOWN`] until then, and after every CONFIG SET.
static LIMIT: AtomicUsize = AtomicUsize::new(UNKNOWN);
const UNKNOWN: usize = 0;

impl Context<'_> {
    /// Refuses a string of more bytes than the server accepts.
    ///
    /// # Errors
    /// [`Error::TooLarge`]
    pub(super) fn check_string_size(&self, size: usize) -> Result<(), Error> {
        let limit = match LIMIT.load(Ordering::Relaxed) {
            UNKNOWN => self.read_limit(),
            limit => limit,
        };
        if size > limit { Err(Error::TooLarge) } else { Ok(()) }
    }

    #[cold]
    fn read_limit(&self) -> usize {
        let limit = self.setting(c"proto-max-bulk-len").unwrap_or(API_LIMIT).min(API_LIMIT);
        LIMIT.store(limit, Ordering::Relaxed);
        limit
    }

    /// A number that CONFIG GET tells; none where CONFIG was renamed.
    pub(super) fn setting(&self, name: &CStr) -> Option<usize> {
        let reply = self.call(c"CONFIG", [c"GET", name])?;
        std::str::from_utf8(reply.element(1)?).ok()?.parse().ok()
    }

    /// Has the server say when a setting changes: only CONFIG SET pays for it.
    pub(super) fn watch_settings(&self) -> bool {
        let event = RedisModuleEvent { id: raw::REDISMODULE_EVENT_CONFIG, dataver: 1 };
        // SAFETY: the context is alive, and the callback as long as the module is loaded.
        unsafe {
            api!(RedisModule_SubscribeToServerEvent(self.raw, event, Some(settings_changed))) == OK
        }
    }
}

unsafe extern "C" fn settings_changed(
    _: *mut RedisModuleCtx,
    _: RedisModuleEvent,
    _: u64,
    _: *mut c_void,
) {
    LIMIT.store(UNKNOWN, Ordering::Relaxed);
}
