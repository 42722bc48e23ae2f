//! Refuses to unload the module.
//!
//! The server keeps pointers to commands that clients have called, queued or pipelined, and does not clear
//! them when a module is unloaded, so the next use would crash it. A module cannot see all of them.

use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use libc::c_int;
use redis_module::raw::{RedisModule_CachedMicroseconds, RedisModuleCtx};

use crate::server::module::Module;
use crate::server::{Context, ERR, OK};

/// When the module was loaded, by the server's clock, which does not advance while a command or a
/// transaction runs.
static LOADED_AT: AtomicI64 = AtomicI64::new(0);

/// How many commands the server had processed when the module was loaded.
static LOADED_AFTER: AtomicU64 = AtomicU64::new(0);

/// Remembers when the module was loaded.
pub(super) fn note_load(context: &Context) {
    LOADED_AT.store(clock().unwrap_or_default(), Ordering::Relaxed);
    LOADED_AFTER.store(commands_processed(context), Ordering::Relaxed);
}

/// Refuses to unload, and logs what to do instead.
///
/// There is one exception. If MODULE LOADEX has arguments that no module uses, the server unloads the
/// module within the same command, and newer servers assert that this succeeds. No client can have called
/// the commands by then. Redis 7.0 has no such clock, and accepts the refusal.
///
/// # Safety
/// Only the server may call this, with a context that lives until it returns.
pub(super) unsafe fn unload(module: &Module, context: *mut RedisModuleCtx) -> c_int {
    // SAFETY: as the caller guarantees.
    let context = unsafe { Context::new(context) };
    if clock() == Some(LOADED_AT.load(Ordering::Relaxed))
        && commands_processed(&context) == LOADED_AFTER.load(Ordering::Relaxed)
    {
        (module.free)();
        return OK;
    }
    context.warn(
        "does not unload: clients may still refer to its commands, which would crash the server. \
         To remove the module, delete the loadmodule line, configs and ACL rules that name it, and \
         restart the server, replicas first. The data stays.",
    );
    ERR
}

/// Returns `total_commands_processed` of INFO, which does not yet count the command that is running.
fn commands_processed(context: &Context) -> u64 {
    // SAFETY: the context is alive, the names end with a zero byte, and the data is freed once.
    unsafe {
        let info = api!(RedisModule_GetServerInfo(context.raw, c"stats".as_ptr()));
        let field = c"total_commands_processed".as_ptr();
        let number = api!(RedisModule_ServerInfoGetFieldUnsigned(info, field, ptr::null_mut()));
        api!(RedisModule_FreeServerInfo(context.raw, info));
        number
    }
}

/// Returns the Unix time in microseconds at which the command began, or `None` on Redis 7.0.
fn clock() -> Option<i64> {
    // SAFETY: the function takes no pointer.
    unsafe { RedisModule_CachedMicroseconds.map(|microseconds| microseconds()) }
}
