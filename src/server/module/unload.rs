//! The module does not unload.
//!
//! The server keeps pointers to commands that clients have called, queued or sent ahead, and does not
//! clear them when a module is unloaded: the next use would crash it. A module cannot see all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use libc::{c_int, c_void};
use redis_module::raw::{self, RedisModuleCtx, RedisModuleEvent};

use crate::server::module::Module;
use crate::server::{Context, ERR, OK};

/// Whether the module is loaded for good. Until then no client can have seen its commands, and the
/// server may take it back: it unloads a module whose MODULE LOADEX had unused arguments, and newer
/// servers assert that this succeeds.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// Refuses to unload, and logs what to do instead.
///
/// # Safety
/// Only the server may call this, with a context that lives until it returns.
pub(super) unsafe fn unload(module: &Module, context: *mut RedisModuleCtx) -> c_int {
    if !IS_LOADED.load(Ordering::Relaxed) {
        (module.free)();
        return OK;
    }
    // SAFETY: as the caller guarantees.
    unsafe { Context::new(context) }.warn(
        "does not unload: clients may still refer to its commands, which would crash the server. \
         To remove it, delete its loadmodule line and restart the server, replicas first. \
         The data stays.",
    );
    ERR
}

/// Has the server say when the module is loaded for good. Returns whether it agrees to.
pub(super) fn subscribe_to_module_changes(context: &Context) -> bool {
    let event = RedisModuleEvent { id: raw::REDISMODULE_EVENT_MODULE_CHANGE, dataver: 1 };
    // SAFETY: the context is alive, and the callback lives as long as the module is loaded.
    unsafe {
        api!(RedisModule_SubscribeToServerEvent(context.raw, event, Some(module_changed))) == OK
    }
}

/// The first module to be loaded after the subscription is this one.
unsafe extern "C" fn module_changed(
    _: *mut RedisModuleCtx,
    _: RedisModuleEvent,
    subevent: u64,
    _: *mut c_void,
) {
    if subevent == raw::REDISMODULE_SUBEVENT_MODULE_LOADED {
        IS_LOADED.store(true, Ordering::Relaxed);
    }
}
