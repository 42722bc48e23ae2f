//! Announces changes: replicas and the AOF get the effect, transactions that WATCH the key and client-side
//! caches are invalidated, and subscribers get an event.
//!
//! Effects are core's own commands, so neither a replica nor a server that loads the AOF needs the
//! module. If a call has several effects, the server wraps them in MULTI and EXEC.

use std::ffi::CStr;

use libc::{c_int, c_longlong};
use redis_module::raw;

use crate::server::{Arg, Context};

/// A change to a key, as one of core's commands.
#[derive(Clone, Copy)]
pub(super) enum Effect<'a> {
    /// SET key value
    Set(Arg<'a>),
    /// SET key value KEEPTTL
    Rewrite(&'a [u8]),
    /// SETRANGE key offset bytes
    SetRange { offset: usize, bytes: &'a [u8] },
    /// PEXPIREAT key unix-time-milliseconds
    ExpireAt(i64),
    /// PERSIST key
    Persist,
    /// UNLINK key
    Unlink,
}

/// The commands that effects use. A server that has renamed one of them cannot replicate the changes.
pub(super) const EFFECT_COMMANDS: [&CStr; 5] =
    [c"SET", c"SETRANGE", c"PEXPIREAT", c"PERSIST", c"UNLINK"];

/// A keyspace event.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// `jsonmerge.append`, class string
    Append,
    /// `jsonmerge.take`, class string
    Take,
    /// `expire`, class generic
    Expire,
    /// `persist`, class generic
    Persist,
    /// `del`, class generic
    Del,
}

impl Context<'_> {
    /// Sends an effect on a key to the replicas and the AOF.
    pub(super) fn propagate(&self, key: Arg, effect: Effect) {
        let (context, key) = (self.raw, key.raw);
        // SAFETY: the context and the strings are alive, and each format gives the types of the arguments
        // after it: `s` is a string, `l` a long long, `b` a buffer and its size, `c` a C string.
        unsafe {
            match effect {
                Effect::Set(value) => {
                    let value = value.raw;
                    api!(RedisModule_Replicate(
                        context,
                        c"SET".as_ptr(),
                        c"ss".as_ptr(),
                        key,
                        value
                    ))
                }
                Effect::Rewrite(value) => {
                    api!(RedisModule_Replicate(
                        context,
                        c"SET".as_ptr(),
                        c"sbc".as_ptr(),
                        key,
                        value.as_ptr(),
                        value.len(),
                        c"KEEPTTL".as_ptr()
                    ))
                }
                Effect::SetRange { offset, bytes } => {
                    let offset = c_longlong::try_from(offset).unwrap_or(c_longlong::MAX);
                    api!(RedisModule_Replicate(
                        context,
                        c"SETRANGE".as_ptr(),
                        c"slb".as_ptr(),
                        key,
                        offset,
                        bytes.as_ptr(),
                        bytes.len()
                    ))
                }
                Effect::ExpireAt(time) => {
                    let command = c"PEXPIREAT".as_ptr();
                    api!(RedisModule_Replicate(context, command, c"sl".as_ptr(), key, time))
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

    /// Invalidates transactions that WATCH the key and clients that cache it. The server does not do so
    /// itself, because `module/load.rs` disables implicit signals.
    pub(super) fn signal_modified(&self, key: Arg) {
        // SAFETY: the context and the key's name are alive.
        unsafe { api!(RedisModule_SignalModifiedKey(self.raw, key.raw)) };
    }

    /// Raises a keyspace event.
    pub(super) fn notify(&self, key: Arg, event: Event) {
        let (class, name): (c_int, &CStr) = match event {
            Event::Append => (raw::REDISMODULE_NOTIFY_STRING, c"jsonmerge.append"),
            Event::Take => (raw::REDISMODULE_NOTIFY_STRING, c"jsonmerge.take"),
            Event::Expire => (raw::REDISMODULE_NOTIFY_GENERIC, c"expire"),
            Event::Persist => (raw::REDISMODULE_NOTIFY_GENERIC, c"persist"),
            Event::Del => (raw::REDISMODULE_NOTIFY_GENERIC, c"del"),
        };
        // SAFETY: the context and the key's name are alive.
        unsafe { api!(RedisModule_NotifyKeyspaceEvent(self.raw, class, name.as_ptr(), key.raw)) };
    }
}
