//! Calls of core's own commands, for what the module API has no function for.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::slice;

use redis_module::raw::{self, RedisModuleCallReply};

use crate::server::{Arg, Context};

/// What core answered.
pub(super) struct CallReply(NonNull<RedisModuleCallReply>);

impl Context<'_> {
    /// GET key; none where GET was renamed.
    pub(super) fn call_get(&self, key: Arg) -> Option<CallReply> {
        // SAFETY: the context and the string are alive; the format names one string.
        let reply =
            unsafe { api!(RedisModule_Call(self.raw, c"GET".as_ptr(), c"s".as_ptr(), key.raw)) };
        NonNull::new(reply).map(CallReply)
    }

    /// Calls a command with up to three arguments; none where it was renamed.
    pub(super) fn call<const N: usize>(
        &self,
        name: &CStr,
        arguments: [&CStr; N],
    ) -> Option<CallReply> {
        let format = const { c"ccc".to_bytes_with_nul().split_at(3 - N).1 };
        let argument =
            |index: usize| arguments.get(index).map_or(ptr::null(), |argument| argument.as_ptr());
        // SAFETY: the context is alive; the format names N C strings, and the rest is not looked at.
        let reply = unsafe {
            api!(RedisModule_Call(
                self.raw,
                name.as_ptr(),
                format.as_ptr().cast(),
                argument(0),
                argument(1),
                argument(2),
            ))
        };
        NonNull::new(reply).map(CallReply)
    }
}

impl CallReply {
    /// The bytes of a bulk string; none if it is anything else.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        // SAFETY: the reply is alive.
        unsafe { string(self.0) }
    }

    /// The value of an integer; none if it is anything else.
    pub(super) fn integer(&self) -> Option<i64> {
        // SAFETY: the reply is alive.
        unsafe {
            let kind = api!(RedisModule_CallReplyType(self.0.as_ptr())) as isize;
            (kind == raw::REDISMODULE_REPLY_INTEGER)
                .then(|| api!(RedisModule_CallReplyInteger(self.0.as_ptr())))
        }
    }

    /// The bytes of an element, if this is an array and that is a bulk string.
    pub(super) fn element(&self, index: usize) -> Option<&[u8]> {
        // SAFETY: the reply is alive, and owns its elements.
        unsafe {
            let element = api!(RedisModule_CallReplyArrayElement(self.0.as_ptr(), index));
            NonNull::new(element).and_then(|element| string(element))
        }
    }
}

/// # Safety
/// The reply must be alive for `'r`.
unsafe fn string<'r>(reply: NonNull<RedisModuleCallReply>) -> Option<&'r [u8]> {
    let mut size = 0;
    // SAFETY: the caller vouches for the reply, which owns the bytes.
    unsafe {
        if api!(RedisModule_CallReplyType(reply.as_ptr())) as isize != raw::REDISMODULE_REPLY_STRING
        {
            return None;
        }
        let bytes = api!(RedisModule_CallReplyStringPtr(reply.as_ptr(), &mut size));
        (!bytes.is_null()).then(|| slice::from_raw_parts(bytes.cast(), size))
    }
}

impl Drop for CallReply {
    fn drop(&mut self) {
        // SAFETY: the reply is ours, and nobody uses it again.
        unsafe { api!(RedisModule_FreeCallReply(self.0.as_ptr())) };
    }
}
