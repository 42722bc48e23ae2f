//! Contexts in which TAKE cannot wait, and users that may not call it.

use std::env;
use std::path::PathBuf;

use super::Waiter;
use crate::support::server::{Server, Settings};
use crate::support::stream::ReplicationStream;

/// If the key exists, BLOCK changes no error.
#[test]
fn take_block_against_an_invalid_value_returns_the_error_at_once() {
    let server = Server::start();
    let mut client = server.client();
    for (setup, error) in [
        ("RPUSH k 1", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSET k f 1", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SET k [x]", "BADJSON stored value is not valid JSON: expected a value at byte 1"),
        ("SET k ", "BADJSON stored value is not valid JSON: unexpected end at byte 0"),
        ("SET k {}", "NOTARRAY stored value is a JSON object, expected an array"),
        ("SET k 12", "NOTARRAY stored value is a JSON number, expected an array"),
    ] {
        for options in ["", " COUNT 1", " COUNT 1 TRUST"] {
            client.ok("DEL k");
            client.ok(setup);
            let command = format!("JSONMERGE.TAKE k BLOCK 0{options}");
            assert_eq!(client.call(&command), Err(error.into()), "{setup}; {command}");
            assert_eq!(client.ok("EXISTS k"), "(integer) 1");
        }
    }
}

#[test]
fn take_block_in_a_transaction_script_or_function_returns_null_at_once() {
    let server = Server::start();
    let mut client = server.client();
    client.expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.TAKE k BLOCK 0", "QUEUED"),
        ("JSONMERGE.TAKE k BLOCK 0 COUNT 1", "QUEUED"),
        ("JSONMERGE.APPEND k [1,2]", "QUEUED"),
        ("JSONMERGE.TAKE k BLOCK 0 COUNT 1", "QUEUED"),
        ("EXEC", "((nil) (nil) [1,2] [1])"),
        ("DEL k", "(integer) 1"),
        ("EVAL return{redis.call('JSONMERGE.TAKE','k','BLOCK','0')==false} 0", "((integer) 1)"),
        ("EVAL return(redis.call('JSONMERGE.TAKE','k','BLOCK','0')) 0", "(nil)"),
    ]);
    let library = b"#!lua name=lib
        redis.register_function('take', function(keys) return redis.call('JSONMERGE.TAKE', keys[1], 'BLOCK', '0') end)";
    client.call_with(&[b"FUNCTION", b"LOAD", library]).expect("FUNCTION LOAD");
    client.expect(&[
        ("FCALL take 1 k", "(nil)"),
        ("SET k [1]", "OK"),
        ("FCALL take 1 k", "[1]"),
        ("SET k [x]", "OK"),
    ]);
    let error = client.call("FCALL take 1 k").expect_err("an invalid value");
    assert!(error.contains("stored value is not valid JSON"), "{error}");
    assert_eq!(client.info("blocked_clients"), 0);
}

/// Returns the path of the module of `tests/modules/caller.rs`, which cargo builds as an example.
fn caller() -> PathBuf {
    let program = env::current_exe().expect("the program has a path");
    let name = format!("{}caller{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let mut found = program.ancestors().map(|directory| directory.join("examples").join(&name));
    found.find(|path| path.exists()).expect("run `cargo build --examples` first")
}

#[test]
fn take_block_called_by_a_module_returns_null_at_once() {
    let load = format!("loadmodule \"{}\"", caller().display());
    let server = Settings::new().module().with(&load).start();
    server.client().expect(&[
        ("CALLER.CALL JSONMERGE.TAKE k BLOCK 0", "(nil)"),
        ("JSONMERGE.APPEND k [1,2]", "[1,2]"),
        ("CALLER.CALL JSONMERGE.TAKE k BLOCK 0 COUNT 1", "[1]"),
        ("CALLER.CALL JSONMERGE.TAKE k BLOCK 0", "[2]"),
        ("CALLER.CALL JSONMERGE.TAKE k BLOCK 0", "(nil)"),
    ]);
    // An append that a module calls also serves clients.
    let mut waiter = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    assert_eq!(server.client().ok("CALLER.CALL JSONMERGE.APPEND k [3]"), "[3]");
    assert_eq!(waiter.reply(), "[3]");
}

/// Since Redis 7.2, a module can allow a command that it calls to block.
#[test]
fn take_block_called_by_a_module_that_allows_it_waits() {
    let load = format!("loadmodule \"{}\"", caller().display());
    let server = Settings::new().module().with(&load).start();
    if server.version_is_7_0() {
        return;
    }
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    let mut waiter = Waiter::start(&server, "CALLER.WAIT JSONMERGE.TAKE k BLOCK 0 COUNT 1");
    client.ok("JSONMERGE.APPEND k [1,2]");
    assert_eq!(waiter.reply(), "[1]");
    client.expect(&[
        ("CALLER.WAIT JSONMERGE.TAKE k BLOCK 0", "[2]"),
        ("CALLER.WAIT JSONMERGE.TAKE k BLOCK 50", "(nil)"),
    ]);
    let effects = ["SET k [1,2]", "SET k [2] KEEPTTL", "UNLINK k"];
    assert_eq!(stream.commands(&mut client), effects);
}

/// Valkey does not let a subscriber wait from 8.1 on; earlier versions and Redis do.
#[test]
fn take_block_by_a_resp3_subscriber_replies() {
    let server = Server::start();
    let mut client = server.client_resp3();
    client.0.subscribe_resp3("channel").expect("the server accepts the subscription");
    assert_eq!(client.ok("JSONMERGE.TAKE k BLOCK 100"), "(nil)");
    let mut waiter = Waiter::send(client, "JSONMERGE.TAKE k BLOCK 0");
    let waits = (0..20).any(|_| waiter.is_waiting(&server));
    let info = server.client().ok("INFO server");
    let valkey = info.split_once("valkey_version:").map(|(_, version)| version);
    let lets_wait =
        valkey.is_none_or(|version| ["7.2.", "8.0."].iter().any(|v| version.starts_with(v)));
    assert_eq!(waits, lets_wait);
    server.client().ok("JSONMERGE.APPEND k [1]");
    assert_eq!(waiter.reply(), if waits { "[1]" } else { "(nil)" });
}

/// Redis 7.0 has no categories for the commands of modules.
#[test]
fn take_is_in_the_acl_category_blocking() {
    let server = Server::start();
    let has_categories = server.has_categories();
    let mut admin = server.client();
    for (rules, allowed) in [
        ("+@all", true),
        ("+@all -@blocking", !has_categories),
        ("+@all -@blocking +jsonmerge.take", true),
        ("+@blocking", has_categories),
        ("+@blocking -jsonmerge.take", false),
        ("+jsonmerge.take", true),
    ] {
        admin.ok(&format!("ACL SETUSER user reset on >secret ~* {rules}"));
        let mut client = server.client();
        client.ok("AUTH user secret");
        for command in ["JSONMERGE.TAKE k", "JSONMERGE.TAKE k BLOCK 1"] {
            let reply = client.call(command);
            match allowed {
                true => assert_eq!(reply.as_deref(), Ok("(nil)"), "{rules}: {command}"),
                false => assert!(
                    reply.is_err_and(|error| error.starts_with("NOPERM")),
                    "{rules}: {command}"
                ),
            }
        }
    }
    let info = admin.ok("COMMAND INFO JSONMERGE.TAKE JSONMERGE.APPEND");
    let (take, append) = info.split_once("jsonmerge.append").expect("both commands");
    assert_eq!(take.contains("blocking"), has_categories, "{take}");
    assert!(!append.contains("blocking"), "{append}");
}

/// Waiting needs the same permissions as taking: to read and to write the key.
#[test]
fn take_block_needs_read_and_write_permission_for_the_key() {
    let server = Server::start();
    let mut admin = server.client();
    for (keys, allowed) in
        [("%RW~k", true), ("%R~k %W~k", true), ("%R~k", false), ("%W~k", false), ("~other", false)]
    {
        admin.ok(&format!("ACL SETUSER user reset on >secret +jsonmerge.take {keys}"));
        let mut client = server.client();
        client.ok("AUTH user secret");
        let reply = client.call("JSONMERGE.TAKE k BLOCK 1 COUNT 1");
        assert_eq!(reply.is_ok(), allowed, "{keys}: {reply:?}");
    }
}
