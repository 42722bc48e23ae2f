//! Replies. Each call sends exactly one.

use std::ffi::CString;

use libc::c_longlong;

use crate::error::Error;
use crate::server::{Arg, Context};

impl Context<'_> {
    /// Replies with a bulk string. The server copies the bytes.
    pub(crate) fn reply_bulk(&self, bytes: &[u8]) {
        // SAFETY: the context is alive, and the pointer and the size are those of a slice.
        unsafe {
            api!(RedisModule_ReplyWithStringBuffer(self.raw, bytes.as_ptr().cast(), bytes.len()))
        };
        self.has_replied.set(true);
    }

    /// Replies with an integer.
    pub(crate) fn reply_integer(&self, integer: usize) {
        let integer = c_longlong::try_from(integer).unwrap_or(c_longlong::MAX);
        // SAFETY: the context is alive.
        unsafe { api!(RedisModule_ReplyWithLongLong(self.raw, integer)) };
        self.has_replied.set(true);
    }

    /// Replies with null: a null bulk string in RESP2, the null type in RESP3.
    pub(crate) fn reply_null(&self) {
        // SAFETY: the context is alive.
        unsafe { api!(RedisModule_ReplyWithNull(self.raw)) };
        self.has_replied.set(true);
    }

    /// Replies with an error. The first of `args` is the command's name, which some errors contain.
    pub(super) fn reply_error(&self, error: &Error, args: &[Arg]) {
        let command = args.first().map_or(&b""[..], |name| name.bytes()).to_ascii_lowercase();
        let message = error.message(&String::from_utf8_lossy(&command));
        let message = CString::new(message).unwrap_or_else(|_| c"ERR internal error".into());
        // SAFETY: the context is alive, and the message ends with a zero byte.
        unsafe { api!(RedisModule_ReplyWithError(self.raw, message.as_ptr())) };
        self.has_replied.set(true);
    }
}
