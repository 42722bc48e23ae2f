//! The only code that uses the module API, and the only unsafe code. This directory has what commands use
//! while they run; [`module`] has what runs when the module is loaded or unloaded.
//!
//! Commands see a small, safe interface: the arguments of a call ([`Arg`]), an open [`Key`], replies,
//! and [`Event`]s. It uses the bindings of redis-module directly, because its wrappers copy every
//! argument and its `redis_module!` leaks memory when a load fails.

#![allow(unsafe_code)]

/// Calls a function of the module API: `api!(RedisModule_ReplyWithNull(context))`. Every function is a
/// pointer that the server sets while it loads the module, if it has that function.
macro_rules! api {
    ($function:ident ( $($argument:expr),* $(,)? )) => {
        match redis_module::raw::$function {
            Some(function) => function($($argument),*),
            None => $crate::server::missing_api(stringify!($function)),
        }
    };
}

mod allocator;
mod arg;
mod block;
mod context;
mod entry;
mod key;
mod limit;
mod log;
pub(crate) mod module;
mod propagate;
mod reply;

pub(crate) use allocator::Allocator;
pub(crate) use arg::Arg;
pub(crate) use block::Waiter;
pub(crate) use context::Context;
pub(crate) use entry::Handler;
pub(crate) use key::Key;
pub(crate) use propagate::Event;

/// What a function of the module API returns on success.
const OK: libc::c_int = redis_module::raw::REDISMODULE_OK as libc::c_int;
/// What a function of the module API returns on failure.
const ERR: libc::c_int = redis_module::raw::REDISMODULE_ERR as libc::c_int;

/// Panics. Every supported server has all functions that are called through `api!`. If one is missing, the
/// entry point turns this panic into an error reply.
#[cold]
#[expect(clippy::panic, reason = "every entry point catches panics")]
fn missing_api(function: &str) -> ! {
    panic!("the server has no {function}")
}
