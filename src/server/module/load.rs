//! Loads the module: checks what it needs from the server, and registers what it provides.

use std::ffi::CStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use redis_module::raw::{
    self, Export_RedisModule_Init, RedisModule_SetCommandInfo, RedisModuleCtx, RedisModuleString,
};

use crate::server::log::log_panics;
use crate::server::module::Module;
use crate::server::module::command::register_command;
use crate::server::module::config::register_configs;
use crate::server::module::info::register_info;
use crate::server::module::unload::note_load;
use crate::server::propagate::EFFECT_COMMANDS;
use crate::server::{Arg, Context, ERR, OK};

/// The version that MODULE LIST shows: 10203 for 1.2.3.
const VERSION: c_int = number(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
    + number(env!("CARGO_PKG_VERSION_MINOR")) * 100
    + number(env!("CARGO_PKG_VERSION_PATCH"));

const API_VERSION: c_int = raw::REDISMODULE_APIVER_1 as c_int;

/// - No implicit signal: a refused command must not invalidate a WATCH.
/// - Asynchronous loading and atomic slot migration: the module holds no data of its own, so it is not
///   affected. Without these options the server disables both.
const OPTIONS: c_int = (raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED
    | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD) as c_int
    | HANDLE_ATOMIC_SLOT_MIGRATION;

/// Valkey 9's VALKEYMODULE_OPTIONS_HANDLE_ATOMIC_SLOT_MIGRATION. Other servers ignore it.
const HANDLE_ATOMIC_SLOT_MIGRATION: c_int = 1 << 5;

/// Sets the module up, or logs why it does not load.
///
/// # Safety
/// Only the server may call this, before anything else in the module, with a context and arguments that
/// live until it returns.
pub(super) unsafe fn load(
    module: &'static Module,
    context: *mut RedisModuleCtx,
    argv: *mut *mut RedisModuleString,
    argc: c_int,
) -> c_int {
    // SAFETY: as the caller guarantees. Nothing has been allocated yet: this call sets the pointers to
    // the functions that allocate.
    let (context, args) = unsafe {
        if Export_RedisModule_Init(context, module.name.as_ptr(), VERSION, API_VERSION) != OK {
            return ERR;
        }
        (Context::new(context), Arg::list(argv, argc))
    };
    log_panics();
    let set_up = AssertUnwindSafe(|| set_up(module, &context, args));
    match catch_unwind(set_up).unwrap_or_else(|_| Err("internal error".into())) {
        Ok(()) => {
            note_load(&context);
            let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("JSONMERGE_REVISION"));
            context.notice(&format!("version {version} ({revision})"));
            if let Some(warning) = (module.warning)() {
                context.warn(warning);
            }
            OK
        }
        Err(reason) => {
            context.warn(&format!("does not load: {reason}"));
            _ = catch_unwind(module.free);
            ERR
        }
    }
}

fn set_up(module: &'static Module, context: &Context, args: &[Arg]) -> Result<(), String> {
    // SAFETY: the server sets the pointer, or leaves it empty, before it calls the module.
    if unsafe { RedisModule_SetCommandInfo }.is_none() {
        return Err("it needs Redis 7.0 or newer, or Valkey 7.2 or newer".into());
    }
    if let Some(name) = EFFECT_COMMANDS.iter().find(|name| !has_command(context, name)) {
        let name = name.to_string_lossy();
        return Err(format!("it propagates changes as {name}, and that command has been renamed"));
    }
    // SAFETY: the context is alive.
    unsafe { api!(RedisModule_SetModuleOptions(context.raw, OPTIONS)) };
    register_configs(context, module.configs, args)?;
    if !register_info(context) {
        return Err("the server refused to register the INFO section".into());
    }
    // After everything else that can fail, because the server's I/O threads may look commands up at once.
    module.commands.iter().try_for_each(|command| register_command(context, command))
}

/// Returns whether the server has a command of this name, by calling it without arguments: the error is
/// EINVAL for the missing arguments, or ENOENT for an unknown name.
fn has_command(context: &Context, name: &CStr) -> bool {
    // SAFETY: the context is alive and the format is empty. There is no reply to free: every command
    // checked this way needs arguments.
    let reply = unsafe { api!(RedisModule_Call(context.raw, name.as_ptr(), c"".as_ptr())) };
    !reply.is_null() || io::Error::last_os_error().raw_os_error() != Some(libc::ENOENT)
}

/// Parses a part of the version. Anything but a number fails to compile.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn number(digits: &str) -> c_int {
    match c_int::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => panic!("a part of the version is not a number"),
    }
}
