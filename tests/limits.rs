//! Limits of the server: string size, memory, read-only replicas.

use crate::support::server::{Server, Settings, wait_until};

const TOO_LARGE: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

fn array_of(size: usize) -> Vec<u8> {
    format!("[\"{}\"]", "x".repeat(size - 4)).into_bytes()
}

#[test]
fn append_over_proto_max_bulk_len_is_refused() {
    let megabyte = 1024 * 1024;
    let server = Server::start();
    let mut client = server.client();
    client.call_with(&[b"SET", b"k", &array_of(megabyte - 4)]).expect("SET succeeds");
    client.call_with(&[b"SET", b"other", &array_of(megabyte)]).expect("SET succeeds");
    client.expect(&[
        // The module first reads the config for a value of more than 1 MB, and again after each change.
        ("JSONMERGE.APPEND other [1] REPLY SIZE", "(integer) 1048578"),
        ("CONFIG SET proto-max-bulk-len 1048576", "OK"),
    ]);
    let before = client.ok("DEBUG DIGEST-VALUE k");
    for command in ["JSONMERGE.APPEND k [1234]", "JSONMERGE.APPEND k [1234] TRUST EX 100"] {
        assert_eq!(client.call(command), Err(TOO_LARGE.into()), "{command}");
    }
    assert_eq!(client.ok("DEBUG DIGEST-VALUE k"), before);
    client.expect(&[
        ("TTL k", "(integer) -1"),
        ("JSONMERGE.APPEND k [123] REPLY SIZE", "(integer) 1048576"),
        ("CONFIG SET proto-max-bulk-len 2097152", "OK"),
        ("JSONMERGE.APPEND k [1234] REPLY SIZE", "(integer) 1048581"),
        ("JSONMERGE.APPEND k [1234] TRUST REPLY SIZE", "(integer) 1048586"),
    ]);
}

#[test]
fn append_against_a_lower_limit_succeeds_if_the_new_end_is_below_it() {
    let server = Server::start();
    let mut client = server.client();
    let array = format!("[1]{}", " ".repeat(2_000_000));
    client.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET succeeds");
    client.expect(&[
        ("CONFIG SET proto-max-bulk-len 1048576", "OK"),
        ("SETRANGE k 4 \n", "(integer) 2000003"),
        ("JSONMERGE.APPEND k [2] REPLY SIZE", "(integer) 2000003"),
        ("JSONMERGE.APPEND k [] REPLY LEN", "(integer) 2"),
    ]);
}

#[test]
fn both_commands_against_a_value_of_512_mb_succeed() {
    let server = Server::start();
    let mut client = server.client();
    let array = array_of(512 * 1024 * 1024);
    let append = [b"JSONMERGE.APPEND", &b"k"[..], &array, b"REPLY", b"SIZE"];
    assert_eq!(client.call_with(&append), Ok("(integer) 536870912".into()));
    client.expect(&[
        ("JSONMERGE.APPEND k [] REPLY LEN", "(integer) 1"),
        ("JSONMERGE.APPEND k [1] REPLY LEN", &format!("(error) {TOO_LARGE}")),
        ("JSONMERGE.APPEND k [1] TRUST", &format!("(error) {TOO_LARGE}")),
        ("STRLEN k", "(integer) 536870912"),
    ]);
    let taken = client.value_of(&[b"JSONMERGE.TAKE", b"k"]).expect("TAKE succeeds");
    assert!(taken == redis::Value::BulkString(array));
    assert_eq!(client.ok("EXISTS k"), "(integer) 0");
}

/// The module API does not grow a string beyond 512 MB, whatever the config says.
#[test]
fn append_over_512_mb_is_refused() {
    let server = Settings::new().module().with("proto-max-bulk-len 2gb").start();
    let mut client = server.client();
    let last = 512 * 1024 * 1024 - 1;
    client.expect(&[
        ("SET k [", "OK"),
        (&format!("SETRANGE k {} ]", last - 3), &format!("(integer) {}", last - 2)),
        ("JSONMERGE.APPEND k [1] TRUST REPLY SIZE", &format!("(integer) {last}")),
        ("JSONMERGE.APPEND k [1] TRUST REPLY SIZE", &format!("(error) {TOO_LARGE}")),
        ("STRLEN k", &format!("(integer) {last}")),
        ("DEL k", "(integer) 1"),
    ]);
    let append = [b"JSONMERGE.APPEND", &b"k"[..], &array_of(last + 2)];
    assert_eq!(client.call_with(&append), Err(TOO_LARGE.into()));
    assert_eq!(client.ok("EXISTS k"), "(integer) 0");
}

#[test]
fn append_in_a_script_over_the_limit_is_refused() {
    let server = Settings::new().module().with("proto-max-bulk-len 1mb").start();
    let mut client = server.client();
    let script = b"return redis.call('JSONMERGE.APPEND', KEYS[1], '[\"' .. string.rep('x', 1048573) .. '\"]')";
    let refused = client.call_with(&[b"EVAL", script, b"1", b"k"]);
    assert!(
        refused.clone().is_err_and(|error| error.contains("maximum allowed size")),
        "{refused:?}"
    );
    assert_eq!(client.ok("EXISTS k"), "(integer) 0");
}

#[test]
fn append_over_maxmemory_is_refused_and_take_succeeds() {
    let server = Settings::new().module().with("maxmemory-policy noeviction").start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1]", "[1]"),
        ("CONFIG SET maxmemory 1", "OK"),
        (
            "JSONMERGE.APPEND k [2]",
            "(error) OOM command not allowed when used memory > 'maxmemory'.",
        ),
        (
            "JSONMERGE.APPEND new [2]",
            "(error) OOM command not allowed when used memory > 'maxmemory'.",
        ),
        ("JSONMERGE.TAKE k", "[1]"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn both_commands_against_a_read_only_replica_are_refused() {
    let master = Server::start();
    let replica = Server::start();
    master.client().ok("JSONMERGE.APPEND k [1]");
    let mut client = replica.client();
    client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
    wait_until("the replica has the key", || client.call("GET k") == Ok("[1]".into()));
    client.expect(&[
        ("JSONMERGE.APPEND k [2]", "(error) READONLY You can't write against a read only replica."),
        ("JSONMERGE.TAKE k", "(error) READONLY You can't write against a read only replica."),
        ("GET k", "[1]"),
    ]);
}
