//! Keyspace events, and the invalidation messages of client-side caching, as a client receives them:
//! as RESP3 pushes before the next reply.

use std::sync::mpsc::{Receiver, channel};

use redis::{PushInfo, PushKind};

use super::client::{Client, text};
use super::server::Server;

/// A connection that collects pushes.
pub struct Pushes {
    client: Client,
    pushes: Receiver<PushInfo>,
}

impl Pushes {
    /// Subscribes to the events of all keys in database 0.
    pub fn events(server: &Server) -> Self {
        let mut listener = Pushes::new(server);
        listener.client.ok("CONFIG SET notify-keyspace-events KEA");
        listener
            .client
            .0
            .psubscribe_resp3("__keyevent@0__:*")
            .expect("the server accepts the subscription");
        listener.drain();
        listener
    }

    /// Enables tracking: the server invalidates keys that this connection has read when they change.
    pub fn tracking(server: &Server) -> Self {
        let mut listener = Pushes::new(server);
        listener.client.ok("CLIENT TRACKING ON");
        listener
    }

    fn new(server: &Server) -> Self {
        let mut client = server.client_resp3();
        let (sender, pushes) = channel();
        client.0.set_push_sender(sender);
        Pushes { client, pushes }
    }

    /// Sends a command on this connection.
    pub fn ok(&mut self, command: &str) -> String {
        self.client.ok(command)
    }

    /// Returns the pushes since the last call: `event key`, or `invalidate (key)`.
    pub fn drain(&mut self) -> Vec<String> {
        self.client.ok("PING");
        self.pushes.try_iter().filter_map(|push| describe(&push)).collect()
    }
}

fn describe(push: &PushInfo) -> Option<String> {
    match (&push.kind, push.data.as_slice()) {
        (PushKind::PMessage, [_, channel, key]) => {
            let channel = text(channel);
            let event = channel.trim_start_matches("__keyevent@0__:");
            Some(format!("{event} {}", text(key)))
        }
        (PushKind::Invalidate, [keys]) => Some(format!("invalidate {}", text(keys))),
        (PushKind::PSubscribe, _) => None,
        other => Some(format!("{other:?}")),
    }
}
