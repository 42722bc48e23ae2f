//! TAKE with BLOCK: which clients wait, which are served, and what ends a wait.

mod context;
mod ending;
mod panics;
mod serving;

use redis::Value;

use crate::support::client::{Client, line, text};
use crate::support::server::{Server, wait_until};

/// A client that waits for a reply.
pub struct Waiter {
    client: Client,
    id: String,
}

impl Waiter {
    /// Sends a command on a new connection, and returns once its client waits.
    #[track_caller]
    pub fn start(server: &Server, command: &str) -> Self {
        Waiter::of(server, server.client(), command)
    }

    /// Like [`Waiter::start`], but on a given connection.
    #[track_caller]
    fn of(server: &Server, client: Client, command: &str) -> Self {
        let waiter = Waiter::send(client, command);
        wait_until("the client waits", || waiter.is_waiting(server));
        waiter
    }

    /// Sends a command. The server may reply at once.
    fn send(mut client: Client, command: &str) -> Self {
        let id = client.ok("CLIENT ID").replace("(integer) ", "");
        let mut words = redis::Cmd::new();
        command.split(' ').for_each(|word| _ = words.arg(word));
        client.0.send_packed_command(&words.get_packed_command()).expect("the server reads");
        Waiter { client, id }
    }

    /// Returns whether the server shows the client as blocked.
    fn is_waiting(&self, server: &Server) -> bool {
        let list = server.client().ok(&format!("CLIENT LIST ID {}", self.id));
        list.split(' ')
            .any(|field| field.strip_prefix("flags=").is_some_and(|flags| flags.contains('b')))
    }

    /// Returns the reply or error, and asserts that there is only one.
    #[track_caller]
    pub fn reply(&mut self) -> String {
        let reply = match self.client.0.recv_response() {
            Ok(Value::ServerError(error)) => format!("(error) {}", line(&error.into())),
            Ok(reply) => text(&reply),
            Err(error) => format!("(error) {}", line(&error)),
        };
        if !reply.starts_with("(error) UNBLOCKED force") && !reply.starts_with("(error) no reply") {
            assert_eq!(self.client.ok("PING"), "PONG", "after {reply}");
        }
        reply
    }
}

/// Waits until this number of clients wait.
#[track_caller]
fn wait_for_waiters(server: &Server, number: u64) {
    let mut client = server.client();
    wait_until("the number of waiting clients is right", || {
        client.info("blocked_clients") == number
    });
}
