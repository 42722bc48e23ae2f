//! The clients of the server, as CLIENT LIST shows them.

use std::ffi::CString;

use libc::c_int;

use crate::server::{Command, Context};

/// A line of CLIENT LIST: `id=3 addr=127.0.0.1:50000 laddr=... fd=8 ... cmd=get ...`.
pub(super) struct Client<'l>(pub(super) &'l str);

impl<'l> Client<'l> {
    /// Its number, which the line begins with.
    pub(super) fn id(&self) -> Option<&'l str> {
        self.0.strip_prefix("id=")?.split(' ').next()
    }

    /// Fields behind the addresses, which may be paths of any bytes: so the last of that name.
    fn field(&self, name: &str) -> Option<&'l str> {
        self.0.rsplit(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether core keeps a pointer to one of these commands for it: it called one of them last, or it
    /// has queued commands, which cannot be seen. A link to a master gets the effects alone.
    pub(super) fn may_hold(&self, commands: &[Command]) -> bool {
        let is_one =
            |name: &str| commands.iter().any(|command| command.name.to_bytes() == name.as_bytes());
        let has_queued = self.field("multi").is_some_and(|queued| !matches!(queued, "-1" | "0"));
        let is_master = self.field("flags").is_some_and(|flags| flags.contains('M'));
        !is_master && (has_queued || self.field("cmd").is_some_and(is_one))
    }

    /// Whether a reply has not reached its machine: bytes wait in its buffer (`obl`), in its list of
    /// replies (`oll`), or in the kernel, which throws them away if the connection is closed while a
    /// command of the client is unread.
    pub(super) fn has_reply_under_way(&self) -> bool {
        ["obl", "oll"].iter().any(|name| self.field(name) != Some("0")) || self.unsent() != Some(0)
    }

    /// The bytes that its socket has not sent, or that were not acknowledged.
    fn unsent(&self) -> Option<c_int> {
        let socket: c_int = self.field("fd")?.parse().ok()?;
        let mut bytes = 0;
        // SAFETY: the pointer is to an integer, as this request wants it.
        let status = unsafe { libc::ioctl(socket, libc::TIOCOUTQ, &raw mut bytes) };
        (status == 0).then_some(bytes)
    }
}

impl Context<'_> {
    /// CLIENT KILL ID: whether the client is gone.
    pub(super) fn disconnect(&self, client: &Client) -> bool {
        let id = CString::new(client.id().unwrap_or_default()).unwrap_or_default();
        self.call(c"CLIENT", [c"KILL", c"ID", &id]).is_some_and(|reply| reply.integer() == Some(1))
    }
}
