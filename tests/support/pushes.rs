//! What a server tells connections that did not ask: keyspace events, and the invalidations that
//! client-side caches get. Both arrive as RESP3 pushes ahead of the next reply.

use std::sync::mpsc::{Receiver, channel};

use redis::{PushInfo, PushKind};

use super::client::{Client, text};
use super::server::Server;

/// A connection that listens.
pub struct Pushes {
    client: Client,
    pushes: Receiver<PushInfo>,
}

impl Pushes {
    /// Listens to the events of every key in database 0.
    pub fn events(server: &Server) -> Self {
        let mut listener = Pushes::new(server);
        listener.client.ok("CONFIG SET notify-keyspace-events KEA");
        listener.client.0.psubscribe_resp3("__keyevent@0__:*").expect("a subscription");
        listener.drain();
        listener
    }

    /// Listens to what other connections do to keys that this one has read.
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

    /// Sends a command on the connection that listens.
    pub fn ok(&mut self, command: &str) -> String {
        self.client.ok(command)
    }

    /// What has arrived since the last time: `event key`, or `invalidate (key)`.
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
