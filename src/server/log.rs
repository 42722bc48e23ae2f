//! The server's log.

use std::ffi::{CStr, CString};
use std::panic;
use std::ptr;

use redis_module::raw::RedisModuleCtx;

use crate::server::Context;

impl Context<'_> {
    /// Writes a line that an operator should see at any log level.
    pub(super) fn warn(&self, message: &str) {
        // SAFETY: the context is alive.
        unsafe { write(self.raw, c"warning", message) };
    }

    /// Writes a line about the ordinary course of things.
    pub(super) fn notice(&self, message: &str) {
        // SAFETY: the context is alive.
        unsafe { write(self.raw, c"notice", message) };
    }
}

/// Sends the report of a panic to the server's log: its standard error may lead nowhere.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        // SAFETY: the server logs without a context, too.
        unsafe { write(ptr::null_mut(), c"warning", &format!("jsonmerge: {panic}")) };
    }));
}

/// # Safety
/// The context must be null or alive.
unsafe fn write(context: *mut RedisModuleCtx, level: &CStr, message: &str) {
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: the caller vouches for the context; the format names one C string.
    unsafe { api!(RedisModule_Log(context, level.as_ptr(), c"%s".as_ptr(), message.as_ptr())) };
}
