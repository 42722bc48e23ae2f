//! What ends a wait without an array: timeouts, CLIENT UNBLOCK, lost connections, changes of role.

use std::io::{BufReader, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::{Parser, Value};

use super::{Waiter, wait_for_waiters};
use crate::support::client::{tcp, text};
use crate::support::server::{Server, wait_until};

#[test]
fn take_block_returns_null_when_the_timeout_ends() {
    let server = Server::start();
    for mut client in [server.client(), server.client_resp3()] {
        for (timeout, options) in [(1, ""), (50, ""), (50, " COUNT 1 TRUST")] {
            let start = Instant::now();
            assert_eq!(client.ok(&format!("JSONMERGE.TAKE k BLOCK {timeout}{options}")), "(nil)");
            assert!(start.elapsed() >= Duration::from_millis(timeout), "{:?}", start.elapsed());
        }
        assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
        assert_eq!(client.ok("GET k"), "[1]", "no client waits any longer");
        assert_eq!(client.ok("JSONMERGE.TAKE k"), "[1]");
    }
}

/// The timeout also ends while the key holds a different type.
#[test]
fn take_block_against_a_key_of_a_different_type_times_out() {
    let server = Server::start();
    let mut waiter = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 300");
    server.client().ok("RPUSH k 1");
    assert_eq!(waiter.reply(), "(nil)");
}

/// The timeout is checked only when the client begins to wait. By the time the client is served, the end of
/// the timeout would overflow.
#[test]
fn take_block_with_the_longest_timeout_is_served() {
    let server = Server::start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
    let longest = i64::MAX - i64::try_from(now).expect("a date before the year 292 million") - 1000;
    let mut waiter = Waiter::start(&server, &format!("JSONMERGE.TAKE k BLOCK {longest}"));
    std::thread::sleep(Duration::from_millis(1500));
    server.client().ok("JSONMERGE.APPEND k [1]");
    assert_eq!(waiter.reply(), "[1]");
}

#[test]
fn client_unblock_ends_the_wait() {
    let server = Server::start();
    let mut admin = server.client();
    for (how, reply) in [
        ("", "(nil)"),
        (" TIMEOUT", "(nil)"),
        (" ERROR", "(error) UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        for client in [server.client(), server.client_resp3()] {
            let mut waiter = Waiter::of(&server, client, "JSONMERGE.TAKE k BLOCK 0");
            assert_eq!(admin.ok(&format!("CLIENT UNBLOCK {}{how}", waiter.id)), "(integer) 1");
            assert_eq!(waiter.reply(), reply, "{how}");
            assert_eq!(admin.ok("JSONMERGE.APPEND k [1]"), "[1]");
            assert_eq!(admin.ok("JSONMERGE.TAKE k"), "[1]", "{how}");
        }
    }
}

/// Returns the replies that a waiting client gets if these commands arrive together.
fn replies_to(server: &Server, commands: impl Fn(&str) -> String) -> Vec<String> {
    let (mut waiter, mut parser) = (BufReader::new(tcp(server.port)), Parser::new());
    waiter.get_mut().write_all(b"CLIENT ID\r\n").expect("the server reads");
    let id = text(&parser.parse_value(&mut waiter).expect("a number")).replace("(integer) ", "");
    waiter.get_mut().write_all(b"JSONMERGE.TAKE k BLOCK 0\r\n").expect("the server reads");
    wait_for_waiters(server, 1);
    let mut producer = tcp(server.port);
    producer.write_all(commands(&id).as_bytes()).expect("the server reads");
    wait_for_waiters(server, 0);
    waiter.get_mut().write_all(b"PING\r\n").expect("the server reads");
    let mut replies = Vec::new();
    while replies.last().is_none_or(|reply| reply != "PONG") {
        replies.push(match parser.parse_value(&mut waiter) {
            Ok(Value::ServerError(error)) => error.code().to_owned(),
            Ok(reply) => text(&reply),
            Err(error) => error.to_string(),
        });
    }
    replies.pop();
    replies
}

/// This is a known bug in the server: UNBLOCK ERROR adds an error to the reply of a client that was served in
/// the same iteration of the event loop. UNBLOCK TIMEOUT does not. If this test fails, the server has fixed
/// the bug, and the documentation needs an update.
#[test]
fn client_unblock_error_right_after_the_append_replies_twice() {
    let server = Server::start();
    for (unblock, replies) in [
        ("CLIENT UNBLOCK ID TIMEOUT", &["[1]"][..]),
        ("CLIENT UNBLOCK ID ERROR", &["[1]", "UNBLOCKED"]),
    ] {
        let commands =
            |id: &str| format!("JSONMERGE.APPEND k [1]\r\n{}\r\n", unblock.replace("ID", id));
        assert_eq!(replies_to(&server, commands), replies, "{unblock}");
        server.client().ok("DEL k");
    }
    // In the opposite order, no client is left to serve.
    let commands = |id: &str| format!("CLIENT UNBLOCK {id} ERROR\r\nJSONMERGE.APPEND k [1]\r\n");
    assert_eq!(replies_to(&server, commands), ["UNBLOCKED"]);
    assert_eq!(server.client().ok("GET k"), "[1]");
}

#[test]
fn take_block_against_a_lost_connection_leaves_the_array_for_the_next_client() {
    let server = Server::start();
    let mut other = server.client();
    let start = || Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    let (closed, killed, mut third) = (start(), start(), start());
    let number = killed.id.clone();
    drop(closed);
    other.ok(&format!("CLIENT KILL ID {number}"));
    wait_for_waiters(&server, 1);
    other.expect(&[("JSONMERGE.APPEND k [1]", "[1]")]);
    assert_eq!(third.reply(), "[1]");
    drop(start());
    wait_for_waiters(&server, 0);
    other.expect(&[("JSONMERGE.APPEND k [2]", "[2]"), ("GET k", "[2]")]);
}

/// Core's own blocking commands do the same, from Redis 7.2 on.
#[test]
fn take_block_against_revoked_permissions_is_refused_and_leaves_the_array() {
    let server = Server::start();
    let mut admin = server.client();
    for revoke in ["-jsonmerge.take", "resetkeys"] {
        admin.ok("DEL k");
        admin.ok("ACL SETUSER waiting reset on nopass ~* +jsonmerge.take +auth +ping +client");
        let mut client = server.client();
        client.ok("AUTH waiting any");
        let mut waiter = Waiter::of(&server, client, "JSONMERGE.TAKE k BLOCK 0");
        admin.ok(&format!("ACL SETUSER waiting {revoke}"));
        admin.ok("JSONMERGE.APPEND k [1]");
        let error =
            "(error) NOPERM this user has no permissions to run the 'jsonmerge.take' command";
        assert_eq!(waiter.reply(), error, "{revoke}");
        assert_eq!(admin.ok("GET k"), "[1]", "{revoke}");
    }
}

#[test]
fn take_block_on_a_read_only_replica_is_refused_at_once() {
    let [master, replica] = [Server::start(), Server::start()];
    replica.follow(&master);
    let error = "(error) READONLY You can't write against a read only replica.";
    replica
        .client()
        .expect(&[("JSONMERGE.TAKE k BLOCK 0", error), ("JSONMERGE.TAKE k COUNT 1", error)]);
}

#[test]
fn take_block_ends_when_the_server_becomes_a_replica() {
    let [master, server] = [Server::start(), Server::start()];
    let mut waiter = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    server.follow(&master);
    let reply = waiter.reply();
    assert!(
        reply.starts_with("(error) UNBLOCKED force unblock from blocking operation"),
        "{reply}"
    );
    wait_for_waiters(&server, 0);
    master.client().ok("JSONMERGE.APPEND k [1]");
    let mut replica = server.client();
    wait_until("the replica has the key", || replica.ok("GET k") == "[1]");
    // The server serves clients again once it is a master.
    replica.expect(&[("REPLICAOF NO ONE", "OK"), ("JSONMERGE.TAKE k BLOCK 0", "[1]")]);
    let mut waiter = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    replica.ok("JSONMERGE.APPEND k [2]");
    assert_eq!(waiter.reply(), "[2]");
}
