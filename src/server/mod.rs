//! The only code that touches the module API, and the only `unsafe`.
//!
//! Commands see a small safe vocabulary: the arguments of a call ([`Arg`]), an open [`Key`], replies,
//! the effects to propagate and the events to raise. The bindings of redis-module are used directly,
//! for its wrappers copy every argument, and its `redis_module!` leaks when a server unloads the module.

#![allow(unsafe_code)]

/// Calls a function of the module API: `api!(RedisModule_ReplyWithNull(context))`. Every function is
/// a pointer that the server fills in as the module loads, if it has that function.
macro_rules! api {
    ($function:ident ( $($argument:expr),* $(,)? )) => {
        match redis_module::raw::$function {
            Some(function) => function($($argument),*),
            None => $crate::server::absent(stringify!($function)),
        }
    };
}

/// The functions that the server calls when it loads and unloads the module: registers these commands
/// and settings under this name, and calls a function that frees what is left at the end.
macro_rules! module {
    ($name:expr, $commands:expr, $settings:expr, $free:expr) => {
        /// Where the server enters the module.
        ///
        /// # Safety
        /// Only the server may call it, as it loads the module.
        #[allow(unsafe_code, non_snake_case)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn RedisModule_OnLoad(
            context: *mut redis_module::raw::RedisModuleCtx,
            argv: *mut *mut redis_module::raw::RedisModuleString,
            argc: libc::c_int,
        ) -> libc::c_int {
            // SAFETY: the server passes a context and arguments that live until this returns.
            unsafe { $crate::server::load(context, argv, argc, $name, $commands, $settings, $free) }
        }

        /// Where the server leaves the module.
        ///
        /// # Safety
        /// Only the server may call it, before it unloads the module.
        #[allow(unsafe_code, non_snake_case)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn RedisModule_OnUnload(
            context: *mut redis_module::raw::RedisModuleCtx,
        ) -> libc::c_int {
            // SAFETY: the server passes a context that lives until this returns.
            unsafe { $crate::server::unload(context, $commands, $free) }
        }
    };
}
pub(crate) use module;

mod allocator;
mod arg;
mod argument;
mod border;
mod call;
mod client;
mod context;
mod info;
mod key;
mod limit;
mod load;
mod log;
mod propagate;
mod register;
mod reply;
mod setting;
mod unload;

pub(crate) use allocator::Allocator;
pub(crate) use arg::Arg;
pub(crate) use argument::{Argument, Kind};
pub(crate) use border::{Handler, handler};
pub(crate) use context::Context;
pub(crate) use key::Key;
pub(crate) use load::load;
pub(crate) use propagate::{Effect, Event};
pub(crate) use register::{Command, KeyFlag};
pub(crate) use setting::Setting;
pub(crate) use unload::unload;

/// What a function of the module API returns when it succeeds.
const OK: libc::c_int = redis_module::raw::REDISMODULE_OK as libc::c_int;
/// What it returns when it does not.
const ERR: libc::c_int = redis_module::raw::REDISMODULE_ERR as libc::c_int;

/// A function that every supported server has is not there: the border turns it into an error.
#[cold]
#[expect(clippy::panic, reason = "caught at the border")]
fn absent(function: &str) -> ! {
    panic!("the server has no {function}")
}
