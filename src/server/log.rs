//! The server's log. The redis-module crate is not used here because it passes messages as printf formats.

use std::ffi::{CStr, CString};
use std::panic;
use std::ptr;

use redis_module::raw::RedisModuleCtx;

use crate::server::Context;

impl Context<'_> {
    /// Logs a message that operators should see at any log level.
    pub(super) fn warn(&self, message: &str) {
        // SAFETY: the context is alive.
        unsafe { write(self.raw, c"warning", message) };
    }

    /// Logs a message about normal operation.
    pub(super) fn notice(&self, message: &str) {
        // SAFETY: the context is alive.
        unsafe { write(self.raw, c"notice", message) };
    }
}

/// Logs panics to the server's log, because its standard error may be closed.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        // SAFETY: the server accepts a null context here.
        unsafe { write(ptr::null_mut(), c"warning", &format!("jsonmerge: {panic}")) };
    }));
}

/// # Safety
/// The context must be null or alive.
unsafe fn write(context: *mut RedisModuleCtx, level: &CStr, message: &str) {
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: the context is as the caller guarantees, and the format takes one C string.
    unsafe { api!(RedisModule_Log(context, level.as_ptr(), c"%s".as_ptr(), message.as_ptr())) };
}
