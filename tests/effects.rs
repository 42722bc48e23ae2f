//! How a change is announced to replicas, the AOF, WATCH, client-side caches and subscribers.

use crate::support::pushes::Pushes;
use crate::support::server::{Server, Settings, wait_until};
use crate::support::stream::{ReplicationStream, aof};

/// (what makes the key `k`, the command, what is replicated, the events)
const CHANGES: &[(&str, &str, &[&str], &[&str])] = &[
    ("DEL k", "JSONMERGE.APPEND k [1]", &["SET k [1]"], &["new k", "jsonmerge.append k"]),
    ("DEL k", "JSONMERGE.APPEND k []", &["SET k []"], &["new k", "jsonmerge.append k"]),
    (
        "DEL k",
        "JSONMERGE.APPEND k [1] PXAT 9999999999999",
        &["MULTI", "SET k [1]", "PEXPIREAT k 9999999999999", "EXEC"],
        &["new k", "jsonmerge.append k", "expire k"],
    ),
    ("DEL k", "JSONMERGE.APPEND k [1] PERSIST", &["SET k [1]"], &["new k", "jsonmerge.append k"]),
    ("SET k [1]", "JSONMERGE.APPEND k [2]", &["SETRANGE k 2 ,2]"], &["jsonmerge.append k"]),
    ("SET k []", "JSONMERGE.APPEND k [1,2]", &["SETRANGE k 1 1,2]"], &["jsonmerge.append k"]),
    (
        "SET k [1]",
        "JSONMERGE.APPEND k [2] TRUST REPLY SIZE",
        &["SETRANGE k 2 ,2]"],
        &["jsonmerge.append k"],
    ),
    ("SET k [1] EX 500", "JSONMERGE.APPEND k [2]", &["SETRANGE k 2 ,2]"], &["jsonmerge.append k"]),
    (
        "SET k [1]",
        "JSONMERGE.APPEND k [2] EXAT 9999999999",
        &["MULTI", "SETRANGE k 2 ,2]", "PEXPIREAT k 9999999999000", "EXEC"],
        &["jsonmerge.append k", "expire k"],
    ),
    (
        "SET k [1] EX 500",
        "JSONMERGE.APPEND k [2] PERSIST",
        &["MULTI", "SETRANGE k 2 ,2]", "PERSIST k", "EXEC"],
        &["jsonmerge.append k", "persist k"],
    ),
    ("SET k [1]", "JSONMERGE.APPEND k [2] PERSIST", &["SETRANGE k 2 ,2]"], &["jsonmerge.append k"]),
    ("SET k [1] EX 500", "JSONMERGE.APPEND k [] PERSIST", &["PERSIST k"], &["persist k"]),
    (
        "SET k [1]",
        "JSONMERGE.APPEND k [] PXAT 9999999999999",
        &["PEXPIREAT k 9999999999999"],
        &["expire k"],
    ),
    ("SET k [1]", "JSONMERGE.TAKE k", &["UNLINK k"], &["del k"]),
    ("SET k [] EX 500", "JSONMERGE.TAKE k", &["UNLINK k"], &["del k"]),
    // An expire time in the past deletes the key at once.
    ("SET k [1]", "JSONMERGE.APPEND k [2] PXAT 1", &["UNLINK k"], &["del k"]),
    ("SET k [1] EX 500", "JSONMERGE.APPEND k [] EXAT 1", &["UNLINK k"], &["del k"]),
    ("SET k [1]", "JSONMERGE.APPEND k [2] TRUST PXAT 1 REPLY SIZE", &["UNLINK k"], &["del k"]),
    ("DEL k", "JSONMERGE.APPEND k [1] PXAT 1", &[], &[]),
    ("DEL k", "JSONMERGE.APPEND k [] EXAT 1 REPLY LEN", &[], &[]),
    // Nothing changes.
    ("SET k [1]", "JSONMERGE.APPEND k []", &[], &[]),
    ("SET k [1]", "JSONMERGE.APPEND k [] PERSIST", &[], &[]),
    ("SET k [1] EX 500", "JSONMERGE.APPEND k [] TRUST", &[], &[]),
    ("DEL k", "JSONMERGE.TAKE k", &[], &[]),
];

#[test]
fn commands_propagate_their_effects_and_signal_a_change_once() {
    let server = Server::start();
    let mut client = server.client();
    let mut watcher = server.client();
    let mut events = Pushes::events(&server);
    events.ok("CONFIG SET notify-keyspace-events KEAn");
    let mut cache = Pushes::tracking(&server);
    let mut stream = ReplicationStream::attach(&server);
    for (setup, command, replicated, raised) in CHANGES {
        client.ok(setup);
        watcher.ok("WATCH k");
        cache.ok("GET k");
        stream.commands(&mut client);
        events.drain();
        cache.drain();

        client.ok(command);

        assert_eq!(stream.commands(&mut client), *replicated, "{setup}; {command}");
        assert_eq!(events.drain(), *raised, "{setup}; {command}");
        let changed = !replicated.is_empty();
        let invalidated: &[&str] = if changed { &["invalidate (k)"] } else { &[] };
        assert_eq!(cache.drain(), invalidated, "{setup}; {command}");
        let exec = if changed { "(nil)" } else { "(PONG)" };
        watcher.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", exec)]);
    }
}

#[test]
fn events_have_their_class() {
    let server = Server::start();
    let mut client = server.client();
    let mut events = Pushes::events(&server);
    for (classes, raised) in [
        ("E$", &["jsonmerge.append k", "jsonmerge.append k"][..]),
        ("Eg", &["expire k", "persist k", "del k"]),
        ("Ex", &[]),
    ] {
        client.ok(&format!("CONFIG SET notify-keyspace-events {classes}"));
        client.ok("JSONMERGE.APPEND k [1] EX 100");
        client.ok("JSONMERGE.APPEND k [2] PERSIST");
        client.ok("JSONMERGE.TAKE k");
        assert_eq!(events.drain(), raised, "{classes}");
    }
}

#[test]
fn append_with_a_relative_ttl_propagates_a_unix_time() {
    let server = Server::start();
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    client.ok("JSONMERGE.APPEND k [1] EX 500");
    let expected = client.ok("PEXPIRETIME k").replace("(integer) ", "PEXPIREAT k ");
    assert_eq!(stream.commands(&mut client), ["MULTI", "SET k [1]", &expected, "EXEC"]);
}

#[test]
fn transactions_and_scripts_propagate_the_effects_of_their_commands() {
    let server = Server::start();
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    let effects = ["MULTI", "SET k [1]", "SETRANGE k 2 ,2]", "UNLINK k", "EXEC"];
    client.expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND k [1]", "QUEUED"),
        ("JSONMERGE.APPEND k [2] REPLY LEN", "QUEUED"),
        ("JSONMERGE.TAKE k", "QUEUED"),
        ("EXEC", "([1] (integer) 2 [1,2])"),
    ]);
    assert_eq!(stream.commands(&mut client), effects);

    let script = b"redis.call('JSONMERGE.APPEND', KEYS[1], '[1]')
        redis.call('JSONMERGE.APPEND', KEYS[1], '[2]')
        return redis.call('JSONMERGE.TAKE', KEYS[1])";
    assert_eq!(client.call_with(&[b"EVAL", script, b"1", b"k"]), Ok("[1,2]".into()));
    assert_eq!(stream.commands(&mut client), effects);
}

#[test]
fn append_against_a_large_value_propagates_only_the_new_tail() {
    let server = Server::start();
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    let large = format!("[{}0]", "0,".repeat(500_000));
    client
        .call_with(&[b"JSONMERGE.APPEND", b"k", large.as_bytes(), b"REPLY", b"LEN"])
        .expect("APPEND succeeds");
    stream.commands(&mut client);
    client.ok("JSONMERGE.APPEND k [1] REPLY LEN");
    assert_eq!(stream.commands(&mut client), [format!("SETRANGE k {} ,1]", large.len() - 1)]);
}

#[test]
fn the_aof_contains_the_effects() {
    let server = Settings::new().module().with("appendonly yes").with("appendfsync always").start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1]", "[1]"),
        ("JSONMERGE.APPEND k [2]", "[1,2]"),
        ("JSONMERGE.APPEND k []", "[1,2]"),
        ("JSONMERGE.APPEND k [3] PXAT 9999999999999", "[1,2,3]"),
        ("JSONMERGE.APPEND k [] PERSIST", "[1,2,3]"),
        ("JSONMERGE.TAKE k", "[1,2,3]"),
    ]);
    let effects = [
        "SET k [1]",
        "SETRANGE k 2 ,2]",
        "MULTI",
        "SETRANGE k 4 ,3]",
        "PEXPIREAT k 9999999999999",
        "EXEC",
        "PERSIST k",
        "UNLINK k",
    ];
    assert_eq!(aof(&server), effects);
}

#[test]
fn a_replica_without_the_module_gets_identical_bytes() {
    let master = Server::start();
    let replica = Server::plain();
    replica.client().ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    wait_until("the replica is connected to its master", || {
        replica.client().ok("INFO replication").contains("master_link_status:up")
    });
    let mut client = master.client();
    for n in 0..300 {
        let key = format!("k{}", n % 7);
        client.ok(&format!("JSONMERGE.APPEND {key} [{n},{{\"n\":{n}}}] REPLY LEN"));
        if n % 50 == 49 {
            client.ok(&format!("JSONMERGE.TAKE {key}"));
            client.call_with(&[b"SET", key.as_bytes(), b" [ 1 ]   \n "]).expect("SET succeeds");
        }
        if n % 37 == 0 {
            client.ok(&format!("JSONMERGE.APPEND {key} [] PXAT 1"));
        }
        if n % 11 == 0 {
            client.ok(&format!("JSONMERGE.APPEND {key} [] PXAT 9999999999999"));
        }
    }
    assert_eq!(client.ok("WAIT 1 20000"), "(integer) 1");
    let mut other = replica.client();
    for key in (0..7).map(|n| format!("k{n}")) {
        for look in ["GET", "PEXPIRETIME"] {
            assert_eq!(
                other.ok(&format!("{look} {key}")),
                client.ok(&format!("{look} {key}")),
                "{key}"
            );
        }
    }
    assert_eq!(client.ok("DEBUG DIGEST"), other.ok("DEBUG DIGEST"));
}
