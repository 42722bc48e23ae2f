//! Loading: what the server must have, what the module asks of it, and its commands.

use std::ffi::CStr;
use std::io;
use std::panic::catch_unwind;

use libc::c_int;
use redis_module::raw::{self, RedisModule_SetCommandInfo};
use redis_module::{RedisString, Status};

use crate::server::log::log_panics;
use crate::server::propagate::EFFECT_COMMANDS;
use crate::server::{Command, Context};

/// The version as `MODULE LIST` shows it: 1.2.3 is 10203.
pub(crate) const VERSION: c_int = version(env!("JSONMERGE_VERSION_NUMBER"));

/// No implicit signal: a refused command must not break a WATCH. Async loading: jsonmerge holds no
/// data of its own, so a replica may go on serving while it loads.
const OPTIONS: u32 = raw::REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED
    | raw::REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD;

/// Sets the module up, or says in the server's log why it does not load.
pub(crate) fn load(
    context: &redis_module::Context,
    arguments: &[RedisString],
    commands: &[Command],
) -> Status {
    // SAFETY: the server passed the context in, and it lives until the module is loaded.
    let context = unsafe { Context::new(context.ctx) };
    log_panics();
    let outcome = catch_unwind(|| set_up(&context, arguments.len(), commands));
    match outcome.unwrap_or_else(|_| Err("internal error".into())) {
        Ok(()) => {
            let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("JSONMERGE_REVISION"));
            context.notice(&format!("jsonmerge {version} ({revision}) loaded"));
            Status::Ok
        }
        Err(reason) => {
            context.warn(&format!("jsonmerge does not load: {reason}"));
            Status::Err
        }
    }
}

fn set_up(context: &Context, arguments: usize, commands: &[Command]) -> Result<(), String> {
    if arguments > 0 {
        return Err("it takes no arguments".into());
    }
    // SAFETY: the server has filled the pointer in, or not, before it came here.
    if unsafe { RedisModule_SetCommandInfo }.is_none() {
        return Err("it needs Redis 7.0 or Valkey 7.2, or newer".into());
    }
    if let Some(name) = EFFECT_COMMANDS.iter().find(|name| !context.has_command(name)) {
        let name = name.to_string_lossy();
        return Err(format!("replicas and the AOF need the {name} command, which was renamed"));
    }
    // SAFETY: the context is alive.
    unsafe { api!(RedisModule_SetModuleOptions(context.raw, OPTIONS as c_int)) };
    if !context.watch_settings() {
        return Err("the server does not tell when settings change".into());
    }
    commands.iter().try_for_each(|command| context.register(command))
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
