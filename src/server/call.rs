//! Calls of core's own commands, for what the module API has no function for.

use std::ffi::CStr;
use std::ptr::NonNull;
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

    /// CONFIG GET parameter; none where CONFIG was renamed.
    pub(super) fn call_config_get(&self, parameter: &CStr) -> Option<CallReply> {
        // SAFETY: the context is alive; the format names two C strings.
        let reply = unsafe {
            api!(RedisModule_Call(
                self.raw,
                c"CONFIG".as_ptr(),
                c"cc".as_ptr(),
                c"GET".as_ptr(),
                parameter.as_ptr(),
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
