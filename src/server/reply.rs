//! Replies to the caller. A command sends exactly one.

use std::ffi::CString;

use libc::c_longlong;

use crate::error::Error;
use crate::server::{Arg, Context};

impl Context<'_> {
    /// A bulk string; the server copies the bytes.
    pub(crate) fn reply_bulk(&self, bytes: &[u8]) {
        // SAFETY: the context is alive, the slice is what its pointer and size say.
        unsafe {
            api!(RedisModule_ReplyWithStringBuffer(self.raw, bytes.as_ptr().cast(), bytes.len()))
        };
    }

    /// An integer.
    pub(crate) fn reply_integer(&self, integer: usize) {
        let integer = c_longlong::try_from(integer).unwrap_or(c_longlong::MAX);
        // SAFETY: the context is alive.
        unsafe { api!(RedisModule_ReplyWithLongLong(self.raw, integer)) };
    }

    /// Null: a null bulk string in RESP2, the null type in RESP3.
    pub(crate) fn reply_null(&self) {
        // SAFETY: the context is alive.
        unsafe { api!(RedisModule_ReplyWithNull(self.raw)) };
    }

    /// An error of the command that `args` call.
    pub(super) fn reply_error(&self, error: &Error, args: &[Arg]) {
        let command = args.first().map_or(&b""[..], |name| name.bytes()).to_ascii_lowercase();
        let text = error.wire(&String::from_utf8_lossy(&command));
        let text = CString::new(text).unwrap_or_else(|_| c"ERR internal error".into());
        // SAFETY: the context is alive, the text ends with a zero byte.
        unsafe { api!(RedisModule_ReplyWithError(self.raw, text.as_ptr())) };
    }
}
