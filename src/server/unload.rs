//! Unloading: nothing of core may keep a pointer to a command that is gone.
//!
//! For each client core keeps a pointer to the command that it called last, and in a transaction to
//! those that it has queued, and does not clear them when a module goes: the next call (Redis 8.0),
//! EXEC or CLIENT LIST (all servers) would follow them into memory that was freed. So clients that
//! hold such a pointer are disconnected first, and connect again to a server without the commands.
//! Where core would crash in a way that this does not prevent, the module stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};

use libc::c_int;
use redis_module::raw::{self, RedisModuleCtx};

use crate::server::client::Client;
use crate::server::{Command, Context, ERR, OK};

/// The server's clock as the module was loaded. While it shows the same, no client can have called a
/// command: core unloads the module again when it does not like the arguments of MODULE LOADEX, and
/// takes no refusal.
static LOADED_AT: AtomicI64 = AtomicI64::new(0);

/// Gives back what the module holds, or says in the server's log why it stays loaded.
///
/// # Safety
/// Only the server may call it, with a context that lives until then.
pub(crate) unsafe fn unload(
    context: *mut RedisModuleCtx,
    commands: &[Command],
    free: fn(),
) -> c_int {
    // SAFETY: the caller vouches for the context.
    let context = unsafe { Context::new(context) };
    let leave = AssertUnwindSafe(|| -> Result<(), String> {
        if context.clock() != LOADED_AT.load(Ordering::Relaxed) {
            context.release_commands(commands)?;
        }
        free();
        Ok(())
    });
    match catch_unwind(leave).unwrap_or_else(|_| Err("internal error".into())) {
        Ok(()) => OK,
        Err(reason) => {
            context.warn(&format!("does not unload: {reason}"));
            ERR
        }
    }
}

impl Context<'_> {
    /// Notes when the module was loaded.
    pub(super) fn note_load(&self) {
        LOADED_AT.store(self.clock(), Ordering::Relaxed);
    }

    /// Disconnects the clients that could follow a pointer to one of these commands.
    ///
    /// # Errors
    /// What to tell the operator.
    fn release_commands(&self, commands: &[Command]) -> Result<(), String> {
        if self.is_in_transaction() {
            return Err("what follows in the transaction may be a command of it".into());
        }
        if self.setting(c"io-threads") != Some(1) {
            return Err("with io-threads, the server may have looked up a command of it".into());
        }
        if let Some(user) = self.user_who_names(commands)? {
            return Err(format!("the server needs its commands for the rules of {user:?}"));
        }
        let list = self.call(c"CLIENT", [c"LIST"]).ok_or("CLIENT LIST does not answer")?;
        let list = String::from_utf8_lossy(list.bytes().unwrap_or_default());
        let clients = list.lines().map(Client);
        let holders: Vec<_> = clients.filter(|client| client.may_hold(commands)).collect();
        // What it does not get may be all there is of what it took.
        if let Some(client) = holders.iter().find(|client| client.has_reply_under_way()) {
            let id = client.id().unwrap_or_default();
            return Err(format!("a reply to client {id} is under way: try again"));
        }
        if !holders.iter().all(|client| self.disconnect(client)) {
            return Err("CLIENT KILL does not answer".into());
        }
        if !holders.is_empty() {
            self.notice(&format!("disconnected {} clients to unload", holders.len()));
        }
        Ok(())
    }

    fn is_in_transaction(&self) -> bool {
        // SAFETY: the context is alive.
        let flags = unsafe { api!(RedisModule_GetContextFlags(self.raw)) };
        flags & raw::REDISMODULE_CTX_FLAGS_MULTI as c_int != 0
    }

    /// A user with a rule for one of these commands by name: core works such rules out anew when a
    /// module goes, or when it is asked for them, and asserts that there is such a command.
    fn user_who_names(&self, commands: &[Command]) -> Result<Option<String>, String> {
        let rules = self.call(c"ACL", [c"LIST"]).ok_or("ACL LIST does not answer")?;
        let rules = (0..).map_while(|index| rules.element(index).map(String::from_utf8_lossy));
        for user in rules {
            let names = |command: &Command| user.contains(&*command.name.to_string_lossy());
            if commands.iter().any(names) {
                return Ok(Some(user.split(' ').nth(1).unwrap_or_default().to_owned()));
            }
        }
        Ok(None)
    }
}
