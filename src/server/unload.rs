//! Unloading: no client may keep a pointer to a command that is gone.
//!
//! For each client core keeps a pointer to the command that it called last, and in a transaction to
//! those that it has queued, and does not clear them when a module goes: the next call (Redis 8.0),
//! EXEC or CLIENT LIST (all servers) would follow them into memory that was freed. So clients that
//! hold such a pointer are disconnected first, and connect again to a server without the commands.

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use redis_module::raw::{self, RedisModuleCtx};

use crate::server::{Command, Context, ERR, OK};

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
    let leave = AssertUnwindSafe(|| context.release_commands(commands).map(|()| free()));
    match catch_unwind(leave).unwrap_or_else(|_| Err("internal error".into())) {
        Ok(()) => OK,
        Err(reason) => {
            context.warn(&format!("does not unload: {reason}"));
            ERR
        }
    }
}

/// A client as a line of CLIENT LIST shows it.
struct Client<'l> {
    line: &'l str,
}

impl Context<'_> {
    /// Disconnects the clients that could follow a pointer to one of these commands.
    ///
    /// # Errors
    /// What to tell the operator. Nobody was disconnected.
    fn release_commands(&self, commands: &[Command]) -> Result<(), String> {
        if self.is_in_transaction() {
            return Err("what follows in the transaction may be a command of it".into());
        }
        let clients = self.call_client_list().ok_or("CLIENT LIST does not answer")?;
        let clients = String::from_utf8_lossy(clients.bytes().unwrap_or_default());
        let clients = clients.lines().map(|line| Client { line });
        let holders: Vec<_> = clients.filter(|client| client.may_hold(commands)).collect();
        // A client that is disconnected does not get what is still to be sent: maybe what it took.
        if holders.iter().any(Client::has_unsent_reply) {
            return Err("a reply to a client is still to be sent: try again".into());
        }
        for client in &holders {
            let id = CString::new(client.field("id").unwrap_or_default()).unwrap_or_default();
            self.call_client_kill(&id).ok_or("CLIENT KILL does not answer")?;
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
}

impl<'l> Client<'l> {
    fn field(&self, name: &str) -> Option<&'l str> {
        self.line.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether it called one of these commands last, or has queued any command. A replica's link to
    /// its master gets the effects, never the commands.
    fn may_hold(&self, commands: &[Command]) -> bool {
        let is =
            |name: &str| commands.iter().any(|command| command.name.to_bytes() == name.as_bytes());
        let has_queued = self.field("multi").is_some_and(|queued| !matches!(queued, "-1" | "0"));
        let is_master = self.field("flags").is_some_and(|flags| flags.contains('M'));
        !is_master && (has_queued || self.field("cmd").is_some_and(is))
    }

    /// Whether bytes for it wait in its buffer (`obl`) or in its list of replies (`oll`).
    fn has_unsent_reply(&self) -> bool {
        ["obl", "oll"].iter().any(|name| self.field(name) != Some("0"))
    }
}
