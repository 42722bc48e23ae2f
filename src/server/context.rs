//! One call of a command: the server's side of it.

use std::marker::PhantomData;

use redis_module::raw::{RedisModule_CachedMicroseconds, RedisModuleCtx};

/// The context of a call, valid for as long as the call lasts.
pub(crate) struct Context<'a> {
    pub(super) raw: *mut RedisModuleCtx,
    call: PhantomData<&'a RedisModuleCtx>,
}

impl Context<'_> {
    /// # Safety
    /// `raw` must be a context that the server passed in and that lives for `'a`.
    pub(super) unsafe fn new(raw: *mut RedisModuleCtx) -> Self {
        Context { raw, call: PhantomData }
    }

    /// The Unix time in milliseconds, at which the command began where the server tells (7.2), as
    /// core's SET has it.
    pub(crate) fn now(&self) -> i64 {
        self.clock() / 1000
    }

    /// The Unix time in microseconds, at which the command began: it stands still as long as that runs.
    /// Redis 7.0 has but the time of the call, in whole milliseconds.
    pub(super) fn clock(&self) -> i64 {
        // SAFETY: neither takes a pointer.
        unsafe {
            match RedisModule_CachedMicroseconds {
                Some(microseconds) => microseconds(),
                None => api!(RedisModule_Milliseconds()) * 1000,
            }
        }
    }
}
