//! Loading: what the server must have, what the module asks of it, and its commands.

use std::ffi::CStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use redis_module::raw::{
    self, Export_RedisModule_Init, RedisModule_SetCommandInfo, RedisModuleCtx, RedisModuleString,
};

use crate::server::log::log_panics;
use crate::server::propagate::EFFECT_COMMANDS;
use crate::server::{Arg, Command, Context, ERR, OK, Setting};

/// The version as `MODULE LIST` shows it: 1.2.3 is 10203.
const VERSION: c_int = version(env!("JSONMERGE_VERSION_NUMBER"));
const API_VERSION: c_int = raw::REDISMODULE_APIVER_1 as c_int;

/// No implicit signal: a refused command must not break a WATCH. Async loading: jsonmerge holds no
/// data of its own, so a replica may go on serving while it loads.
const OPTIONS: c_int = (raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED
    | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD) as c_int;

/// Sets the module up, or says in the server's log why it does not load.
///
/// # Safety
/// Only the server may call it, once and before anything else, with a context and arguments that live
/// until then.
pub(crate) unsafe fn load(
    context: *mut RedisModuleCtx,
    argv: *mut *mut RedisModuleString,
    argc: c_int,
    name: &CStr,
    commands: &[Command],
    settings: &'static [Setting],
    free: fn(),
) -> c_int {
    // SAFETY: the caller vouches for the context and the arguments. Nothing has been allocated yet:
    // the functions to allocate with are among those that this call fills in.
    let (context, line) = unsafe {
        if Export_RedisModule_Init(context, name.as_ptr(), VERSION, API_VERSION) != OK {
            return ERR;
        }
        (Context::new(context), Arg::list(argv, argc))
    };
    log_panics();
    let set_up = AssertUnwindSafe(|| set_up(&context, line, commands, settings));
    match catch_unwind(set_up).unwrap_or_else(|_| Err("internal error".into())) {
        Ok(()) => {
            let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("JSONMERGE_REVISION"));
            context.notice(&format!("version {version} ({revision})"));
            context.note_load();
            OK
        }
        Err(reason) => {
            context.warn(&format!("does not load: {reason}"));
            _ = catch_unwind(free);
            ERR
        }
    }
}

fn set_up(
    context: &Context,
    line: &[Arg],
    commands: &[Command],
    settings: &'static [Setting],
) -> Result<(), String> {
    // SAFETY: the server has filled the pointer in, or not, before it came here.
    if unsafe { RedisModule_SetCommandInfo }.is_none() {
        return Err("it needs Redis 7.0 or Valkey 7.2, or newer".into());
    }
    if let Some(name) = EFFECT_COMMANDS.iter().find(|name| !context.has_command(name)) {
        let name = name.to_string_lossy();
        return Err(format!("replicas and the AOF need the {name} command, which was renamed"));
    }
    // SAFETY: the context is alive.
    unsafe { api!(RedisModule_SetModuleOptions(context.raw, OPTIONS)) };
    commands.iter().try_for_each(|command| context.register(command))?;
    context.configure(settings, line)?;
    if !context.offer_info() {
        return Err("the server takes nothing into its INFO".into());
    }
    // Last: Redis 7.0 does not forget the subscription of a module that fails to load.
    if context.watch_settings() {
        Ok(())
    } else {
        Err("the server does not tell when settings change".into())
    }
}

impl Context<'_> {
    /// Whether the server knows a command by this name. Calls it without its arguments: for one that
    /// exists the server complains of that (EINVAL), else of the name (ENOENT).
    fn has_command(&self, name: &CStr) -> bool {
        // SAFETY: the context is alive; the format is empty. Without a reply there is none to free.
        let reply = unsafe { api!(RedisModule_Call(self.raw, name.as_ptr(), c"".as_ptr())) };
        !reply.is_null() || io::Error::last_os_error().raw_os_error() != Some(libc::ENOENT)
    }
}

const fn version(digits: &str) -> c_int {
    match c_int::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}
