//! Blocking commands: clients that wait for a key, and how they are served.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use libc::{c_int, c_longlong};
use redis_module::raw::{self, RedisModuleCtx, RedisModuleString};

use crate::counters;
use crate::error::Error;
use crate::server::{Arg, Context, ERR, OK};

/// A command that can wait for its key.
pub(crate) trait Waiter {
    /// Serves a waiting client if the key is ready. `args` are the arguments of its blocked command.
    /// Returns whether the client was served. If not, nothing was written, and the client keeps waiting.
    fn serve(context: &Context, args: &[Arg]) -> Result<bool, Error>;
}

impl Context<'_> {
    /// Blocks the client until it is served, or replies with null when the timeout ends. The timeout is in
    /// milliseconds, or 0 to wait for ever. Clients that cannot wait get null at once: those in a
    /// transaction, a script or a function, calls by other modules that do not allow it, and, on Valkey
    /// 8.1 and newer, subscribers.
    pub(crate) fn block<W: Waiter>(&self, key: Arg, timeout: i64) {
        // SAFETY: the context and the key's name are alive. The callbacks live as long as the module is
        // loaded, and need no data: the server passes the arguments of the command to them.
        let client = unsafe {
            let flags = api!(RedisModule_GetContextFlags(self.raw));
            if flags & raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING as c_int != 0 {
                return self.reply_null();
            }
            api!(RedisModule_BlockClientOnKeys(
                self.raw,
                Some(key_ready::<W>),
                Some(timed_out),
                None,
                timeout as c_longlong,
                [key.raw].as_mut_ptr(),
                1,
                ptr::null_mut(),
            ))
        };
        if client.is_null() {
            self.reply_null();
        }
    }

    /// Has the server serve the clients that wait for a key once the command, transaction or script ends.
    pub(super) fn signal_ready(&self, key: Arg) {
        // SAFETY: the context and the key's name are alive.
        unsafe { api!(RedisModule_SignalKeyAsReady(self.raw, key.raw)) };
    }

    /// Returns whether the user may still run the command that the client waits in, as core checks for its own
    /// blocking commands. A user that no longer exists may not; its clients are disconnected anyway. A call by
    /// another module has no user, and is permitted.
    fn is_permitted(&self, argv: *mut *mut RedisModuleString, argc: c_int) -> bool {
        // SAFETY: the context and the arguments are alive, and what the server creates is freed once. By its id,
        // the server finds only a client that has a user; RM_GetCurrentUserName crashes some servers otherwise.
        unsafe {
            let id = api!(RedisModule_GetClientId(self.raw));
            let name = api!(RedisModule_GetClientUserNameById(self.raw, id));
            if name.is_null() {
                return true;
            }
            let user = api!(RedisModule_GetModuleUserFromUserName(name));
            api!(RedisModule_FreeString(self.raw, name));
            if user.is_null() {
                return false;
            }
            let is_permitted = api!(RedisModule_ACLCheckCommandPermissions(user, argv, argc)) == OK;
            api!(RedisModule_FreeModuleUser(user));
            is_permitted
        }
    }
}

/// The server calls this for each client that waits for a key that was signalled as ready, in the order in
/// which they began to wait. `ERR` means that the client keeps waiting. An internal error is sent as a
/// reply, because otherwise the client would wait for ever.
unsafe extern "C" fn key_ready<W: Waiter>(
    context: *mut RedisModuleCtx,
    argv: *mut *mut RedisModuleString,
    argc: c_int,
) -> c_int {
    // SAFETY: the server passes a context and arguments that live until this returns.
    let (context, args) = unsafe { (Context::new(context), Arg::list(argv, argc)) };
    let serve = AssertUnwindSafe(|| match context.is_permitted(argv, argc) {
        true => W::serve(&context, args),
        false => Err(Error::NoPermission),
    });
    match catch_unwind(serve).unwrap_or(Err(Error::Internal)) {
        Ok(true) => OK,
        Ok(false) => ERR,
        Err(error) => {
            counters::count_error(&error);
            if !context.has_replied() {
                context.reply_error(&error, args);
            }
            OK
        }
    }
}

unsafe extern "C" fn timed_out(
    context: *mut RedisModuleCtx,
    _: *mut *mut RedisModuleString,
    _: c_int,
) -> c_int {
    // SAFETY: the server passes a context that lives until this returns.
    unsafe { Context::new(context) }.reply_null();
    OK
}
