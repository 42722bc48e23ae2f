//! After a panic while a client is served, the client has one reply and every write is propagated. Only debug
//! builds have JSONMERGE.PANIC.

use super::Waiter;
use crate::support::server::Server;
use crate::support::stream::ReplicationStream;

const INTERNAL: &str = "(error) ERR internal error in 'jsonmerge.take' command";

struct Row {
    /// What panics: see JSONMERGE.PANIC.
    what: &'static str,
    append: &'static str,
    options: &'static str,
    /// The replies to the two waiting clients, or `None` if a client keeps waiting.
    replies: [Option<&'static str>; 2],
    left: &'static str,
    effects: &'static [&'static str],
}

const ROWS: &[Row] = &[
    // After a panic that follows the reply, the write is propagated, and the next client is served.
    Row {
        what: "CACHE",
        append: "[1,2]",
        options: "",
        replies: [Some("[1,2]"), None],
        left: "(nil)",
        effects: &["SET k [1,2]", "UNLINK k"],
    },
    Row {
        what: "CACHE",
        append: "[1,2,3]",
        options: " COUNT 1",
        replies: [Some("[1]"), Some("[2]")],
        left: "[3]",
        effects: &["SET k [1,2,3]", "SET k [2,3] KEEPTTL", "SET k [3] KEEPTTL"],
    },
    // After a panic that precedes the reply, the client gets an error, and the next client is served.
    Row {
        what: "SERVE",
        append: "[1,2]",
        options: "",
        replies: [Some(INTERNAL), Some("[1,2]")],
        left: "(nil)",
        effects: &["SET k [1,2]", "UNLINK k"],
    },
    Row {
        what: "SERVE",
        append: "[1,2]",
        options: " COUNT 1",
        replies: [Some(INTERNAL), Some("[1]")],
        left: "[2]",
        effects: &["SET k [1,2]", "SET k [2] KEEPTTL"],
    },
];

#[test]
fn take_block_against_a_panic_replies_once() {
    for Row { what, append, options, replies, left, effects } in ROWS {
        let server = Server::start();
        let mut producer = server.client();
        if producer.ok("COMMAND INFO JSONMERGE.PANIC") == "((nil))" {
            return println!("not tested: this is a release build, without JSONMERGE.PANIC");
        }
        let mut stream = ReplicationStream::attach(&server);
        let start = |_| Waiter::start(&server, &format!("JSONMERGE.TAKE k BLOCK 0{options}"));
        let mut waiters = [0, 1].map(start);
        // In a transaction, so that JSONMERGE.PANIC runs before the first client is served.
        producer.ok("MULTI");
        producer.ok(&format!("JSONMERGE.APPEND k {append}"));
        producer.ok(&format!("JSONMERGE.PANIC {what}"));
        producer.ok("EXEC");

        let shown = format!("{what} {append}{options}");
        for (waiter, reply) in waiters.iter_mut().zip(replies) {
            match reply {
                Some(reply) => assert_eq!(waiter.reply(), *reply, "{shown}"),
                None => assert!(waiter.is_waiting(&server), "{shown}"),
            }
        }
        let mut propagated = stream.commands(&mut producer);
        propagated.retain(|command| !["MULTI", "EXEC"].contains(&command.as_str()));
        assert_eq!(propagated, *effects, "{shown}");
        assert_eq!(producer.ok("GET k"), *left, "{shown}");
        assert_eq!(producer.info("jsonmerge_internal_errors"), 1, "{shown}");
        let mut other = Waiter::start(&server, "JSONMERGE.TAKE other BLOCK 0");
        producer.ok("JSONMERGE.APPEND other [9]");
        assert_eq!(other.reply(), "[9]", "{shown}");
    }
}
