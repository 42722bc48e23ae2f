//! What the module does when the server loads it or is asked to unload it.

mod command;
mod config;
mod info;
mod load;
mod parameter;
mod unload;

use std::ffi::CStr;

use libc::c_int;
use redis_module::raw::{RedisModuleCtx, RedisModuleString};

pub(crate) use command::{Command, KeyFlag};
pub(crate) use config::Config;
pub(crate) use info::Field;
pub(crate) use parameter::{Kind, Parameter};

// The server finds a module's entry points by name and passes them no module data, so they refer to the
// module directly.
use crate::MODULE;

/// Everything that a module registers with the server.
pub(crate) struct Module {
    pub(crate) name: &'static CStr,
    pub(crate) commands: &'static [Command],
    pub(crate) configs: &'static [Config],
    /// The fields of its INFO section.
    pub(crate) info: &'static [Field],
    /// What to log once the module is loaded, if anything.
    pub(crate) warning: fn() -> Option<&'static str>,
    /// Frees what the configs have allocated.
    pub(crate) free: fn(),
}

/// The server calls this when it loads the module.
///
/// # Safety
/// Only the server may call this, with a context and arguments that live until it returns.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
unsafe extern "C" fn RedisModule_OnLoad(
    context: *mut RedisModuleCtx,
    argv: *mut *mut RedisModuleString,
    argc: c_int,
) -> c_int {
    // SAFETY: as the caller guarantees.
    unsafe { load::load(&MODULE, context, argv, argc) }
}

/// The server calls this before it unloads the module.
///
/// # Safety
/// Only the server may call this, with a context that lives until it returns.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
unsafe extern "C" fn RedisModule_OnUnload(context: *mut RedisModuleCtx) -> c_int {
    // SAFETY: as the caller guarantees.
    unsafe { unload::unload(&MODULE, context) }
}
