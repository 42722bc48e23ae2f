//! One call of a command.

use std::cell::Cell;
use std::marker::PhantomData;

use redis_module::raw::{RedisModule_CachedMicroseconds, RedisModuleCtx};

/// The context of a call. It is valid until the call returns.
pub(crate) struct Context<'a> {
    pub(super) raw: *mut RedisModuleCtx,
    pub(super) has_replied: Cell<bool>,
    call: PhantomData<&'a RedisModuleCtx>,
}

impl Context<'_> {
    /// # Safety
    /// `raw` must be a context that the server passed in and that lives for `'a`.
    pub(super) unsafe fn new(raw: *mut RedisModuleCtx) -> Self {
        Context { raw, has_replied: Cell::new(false), call: PhantomData }
    }

    /// Returns whether a reply has been sent.
    pub(super) fn has_replied(&self) -> bool {
        self.has_replied.get()
    }

    /// Returns the Unix time in milliseconds at which the command began, which is what core's SET uses.
    /// Redis 7.0 does not provide that time, so there it is the current time.
    pub(crate) fn now(&self) -> i64 {
        // SAFETY: neither function takes a pointer.
        unsafe {
            match RedisModule_CachedMicroseconds {
                Some(microseconds) => microseconds() / 1000,
                None => api!(RedisModule_Milliseconds()),
            }
        }
    }
}
