//! What others learn of a change: replicas and the AOF its effect, WATCH and client-side caches that
//! it happened, subscribers an event.
//!
//! Effects are core's commands, so that a replica or a server that loads the AOF needs no module. The
//! server wraps several effects of one call in MULTI and EXEC by itself.

use std::ffi::CStr;

use libc::{c_int, c_longlong};
use redis_module::raw;

use crate::server::{Arg, Context};

/// A change of a key as core's commands tell it.
#[derive(Clone, Copy)]
pub(crate) enum Effect<'a> {
    /// SET key value
    Set(Arg<'a>),
    /// SETRANGE key offset tail
    SetRange { offset: usize, tail: &'a [u8] },
    /// PEXPIREAT key unix-time-milliseconds
    ExpireAt(i64),
    /// PERSIST key
    Persist,
    /// UNLINK key
    Unlink,
}

/// The commands that effects are told in. A server that has them under other names cannot replicate.
pub(super) const EFFECT_COMMANDS: [&CStr; 5] =
    [c"SET", c"SETRANGE", c"PEXPIREAT", c"PERSIST", c"UNLINK"];

/// A keyspace event.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// `jsonmerge.append`, class string
    Append,
    /// `expire`, generic
    Expire,
    /// `persist`, generic
    Persist,
    /// `del`, generic
    Del,
}

impl Context<'_> {
    /// Sends an effect on a key to the replicas and the AOF.
    pub(crate) fn propagate(&self, key: Arg, effect: Effect) {
        let (context, key) = (self.raw, key.raw);
        // SAFETY: the context and the strings are alive, and each format names the types that follow:
        // s a string, l a long long, b a buffer and its size.
        unsafe {
            match effect {
                Effect::Set(value) => {
                    api!(RedisModule_Replicate(
                        context,
                        c"SET".as_ptr(),
                        c"ss".as_ptr(),
                        key,
                        value.raw
                    ))
                }
                Effect::SetRange { offset, tail } => {
                    let offset = c_longlong::try_from(offset).unwrap_or(c_longlong::MAX);
                    let (tail, size) = (tail.as_ptr(), tail.len());
                    api!(RedisModule_Replicate(
                        context,
                        c"SETRANGE".as_ptr(),
                        c"slb".as_ptr(),
                        key,
                        offset,
                        tail,
                        size
                    ))
                }
                Effect::ExpireAt(time) => {
                    api!(RedisModule_Replicate(
                        context,
                        c"PEXPIREAT".as_ptr(),
                        c"sl".as_ptr(),
                        key,
                        time
                    ))
                }
                Effect::Persist => {
                    api!(RedisModule_Replicate(context, c"PERSIST".as_ptr(), c"s".as_ptr(), key))
                }
                Effect::Unlink => {
                    api!(RedisModule_Replicate(context, c"UNLINK".as_ptr(), c"s".as_ptr(), key))
                }
            }
        };
    }

    /// Tells WATCH and client-side caches that the key has changed. Nothing else does: see `load`.
    pub(crate) fn signal_modified(&self, key: Arg) {
        // SAFETY: the context and the key's name are alive.
        unsafe { api!(RedisModule_SignalModifiedKey(self.raw, key.raw)) };
    }

    /// Raises a keyspace event. No key may be open: who listens may change it.
    pub(crate) fn notify(&self, key: Arg, event: Event) {
        let (class, name): (c_int, &CStr) = match event {
            Event::Append => (raw::REDISMODULE_NOTIFY_STRING, c"jsonmerge.append"),
            Event::Expire => (raw::REDISMODULE_NOTIFY_GENERIC, c"expire"),
            Event::Persist => (raw::REDISMODULE_NOTIFY_GENERIC, c"persist"),
            Event::Del => (raw::REDISMODULE_NOTIFY_GENERIC, c"del"),
        };
        // SAFETY: the context and the key's name are alive.
        unsafe { api!(RedisModule_NotifyKeyspaceEvent(self.raw, class, name.as_ptr(), key.raw)) };
    }
}
