//! After a panic in the module, the server keeps running, and every write has been propagated. Only debug
//! builds have JSONMERGE.PANIC.

use crate::info::{field, has_cache};
use crate::support::client::Client;
use crate::support::pushes::Pushes;
use crate::support::server::Server;
use crate::support::stream::ReplicationStream;

/// Returns whether this build has JSONMERGE.PANIC.
fn can_panic(client: &mut Client) -> bool {
    let error = client.call("JSONMERGE.PANIC CACHE").err();
    if let Some(error) = &error {
        assert!(error.starts_with("ERR unknown command"), "{error}");
        println!("not tested: this is a release build of the module, without JSONMERGE.PANIC");
        return false;
    }
    // This command updates the cache, so it triggers the panic.
    client.ok("JSONMERGE.APPEND unused [1]");
    client.ok("DEL unused");
    true
}

#[test]
fn panic_before_the_reply_returns_an_error_and_logs_a_line() {
    let server = Server::start();
    let mut client = server.client();
    if can_panic(&mut client) {
        for _ in 0..3 {
            let error = Err("ERR internal error in 'jsonmerge.panic' command".into());
            assert_eq!(client.call("JSONMERGE.PANIC"), error);
        }
        let log = server.log();
        assert!(log.contains("src/command/panic.rs"), "{log}");
        assert!(log.contains("JSONMERGE.PANIC was called"), "{log}");
    }
    assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
}

/// (what makes the key `k`, the command that panics, its reply, what is replicated, the events, the value)
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const PANICS: &[Row] = &[
    ("DEL k", "JSONMERGE.APPEND k [1]", "[1]", &["SET k [1]"], &["jsonmerge.append k"], "[1]"),
    (
        "SET k [1]",
        "JSONMERGE.APPEND k [2]",
        "[1,2]",
        &["SETRANGE k 2 ,2]"],
        &["jsonmerge.append k"],
        "[1,2]",
    ),
    (
        "SET k [1]",
        "JSONMERGE.APPEND k [2] REPLY LEN PXAT 9999999999999",
        "(integer) 2",
        &["MULTI", "SETRANGE k 2 ,2]", "PEXPIREAT k 9999999999999", "EXEC"],
        &["jsonmerge.append k", "expire k"],
        "[1,2]",
    ),
    ("SET k [1]", "JSONMERGE.APPEND k [2] PXAT 1", "[1,2]", &["UNLINK k"], &["del k"], "(nil)"),
    ("SET k [1]", "JSONMERGE.TAKE k", "[1]", &["UNLINK k"], &["del k"], "(nil)"),
];

#[test]
fn panic_after_a_write_leaves_one_reply_and_the_whole_effect() {
    let server = Server::start();
    let mut client = server.client();
    if !can_panic(&mut client) {
        return;
    }
    let mut watcher = server.client();
    let mut events = Pushes::events(&server);
    let mut stream = ReplicationStream::attach(&server);
    let errors = field(&mut client, "internal_errors");
    for (panics, (setup, command, reply, replicated, raised, value)) in (1..).zip(PANICS) {
        client.ok(setup);
        watcher.ok("WATCH k");
        stream.commands(&mut client);
        events.drain();

        client.expect(&[
            ("JSONMERGE.PANIC CACHE", "(nil)"),
            (command, reply),
            // A second reply would be read as the one to PING.
            ("PING", "PONG"),
            ("GET k", value),
        ]);

        assert_eq!(field(&mut client, "internal_errors"), errors + panics, "{command}");
        assert_eq!(stream.commands(&mut client), *replicated, "{setup}; {command}");
        assert_eq!(events.drain(), *raised, "{setup}; {command}");
        watcher.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
    }
    // The commands and the cache still work.
    let array = format!("[\"{}\"]", "x".repeat(1000));
    client.ok(&format!("JSONMERGE.APPEND new {array}"));
    let hits = field(&mut client, "cache_hits");
    client.expect(&[("JSONMERGE.APPEND new [1] REPLY LEN", "(integer) 2")]);
    if has_cache(&mut client) {
        assert_eq!(field(&mut client, "cache_hits"), hits + 1);
    }
}

#[test]
fn panic_in_a_transaction_does_not_stop_the_other_commands() {
    let server = Server::start();
    let mut client = server.client();
    if !can_panic(&mut client) {
        return;
    }
    let mut stream = ReplicationStream::attach(&server);
    client.expect(&[
        ("JSONMERGE.PANIC CACHE", "(nil)"),
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND k [1]", "QUEUED"),
        ("JSONMERGE.APPEND k [2]", "QUEUED"),
        ("EXEC", "([1] [1,2])"),
        ("PING", "PONG"),
    ]);
    let effects = ["MULTI", "SET k [1]", "SETRANGE k 2 ,2]", "EXEC"];
    assert_eq!(stream.commands(&mut client), effects);
}
