//! A second module responds to the events of this one by changing the key.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use crate::support::server::{Server, Settings};
use crate::support::stream::ReplicationStream;

/// Returns the path of the module of tests/modules/listener.rs. Cargo builds it with all tests. If only some
/// tests were built, builds it.
fn listener_path() -> PathBuf {
    let program = env::current_exe().expect("the program has a path");
    let name = format!("{}listener{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let find = || {
        let mut candidates = program.ancestors().map(|path| path.join("examples").join(&name));
        candidates.find(|path| path.exists())
    };
    find().unwrap_or_else(|| {
        let build = ["build", "--quiet", "--locked", "--example", "listener"];
        let status = Command::new(env!("CARGO"))
            .args(build)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "cargo {build:?} failed");
        find().unwrap_or_else(|| panic!("{name} is not in a directory above {program:?}"))
    })
}

fn server() -> Server {
    let path = fs::canonicalize(listener_path()).expect("the module exists");
    Settings::new().module().with(&format!("loadmodule \"{}\"", path.display())).start()
}

/// (what makes the key, the command, its reply, what is replicated, the value that is left)
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

const ROWS: &[Row] = &[
    (
        "FLUSHALL",
        "JSONMERGE.APPEND set:k [1]",
        "[1]",
        &["SET set:k [1]", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    (
        "SET set:k [1]",
        "JSONMERGE.APPEND set:k [2]",
        "[1,2]",
        &["SETRANGE set:k 2 ,2]", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    (
        "SET set:k [1]",
        "JSONMERGE.APPEND set:k [2] REPLY LEN",
        "(integer) 2",
        &["SETRANGE set:k 2 ,2]", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    (
        "SET set:k [1]",
        "JSONMERGE.APPEND set:k [2] TRUST REPLY SIZE",
        "(integer) 5",
        &["SETRANGE set:k 2 ,2]", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    // The command sets the TTL before it calls the listener, and the listener's SET removes it.
    (
        "SET set:k [1]",
        "JSONMERGE.APPEND set:k [2] PXAT 9999999999999",
        "[1,2]",
        &["SETRANGE set:k 2 ,2]", "PEXPIREAT set:k 9999999999999", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    (
        "FLUSHALL",
        "JSONMERGE.APPEND append:k [1] PXAT 9999999999999",
        "[1]",
        &["SET append:k [1]", "PEXPIREAT append:k 9999999999999", "APPEND append:k x"],
        "[1]x",
    ),
    (
        "SET append:k [1] EX 500",
        "JSONMERGE.APPEND append:k [2] PERSIST",
        "[1,2]",
        &["SETRANGE append:k 2 ,2]", "PERSIST append:k", "APPEND append:k x"],
        "[1,2]x",
    ),
    ("FLUSHALL", "JSONMERGE.APPEND del:k [1]", "[1]", &["SET del:k [1]", "DEL del:k"], "(nil)"),
    (
        "SET del:k [1]",
        "JSONMERGE.APPEND del:k [2] PXAT 9999999999999",
        "[1,2]",
        &["SETRANGE del:k 2 ,2]", "PEXPIREAT del:k 9999999999999", "DEL del:k"],
        "(nil)",
    ),
    (
        "SET set:k [1]",
        "JSONMERGE.TAKE set:k",
        "[1]",
        &["UNLINK set:k", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
    (
        "SET set:k [1]",
        "JSONMERGE.APPEND set:k [2] PXAT 1",
        "[1,2]",
        &["UNLINK set:k", "SET set:k [\"listener\"]"],
        "[\"listener\"]",
    ),
];

#[test]
fn commands_against_a_module_that_changes_the_key_in_their_event_propagate_both_changes() {
    let server = server();
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    for (setup, command, reply, replicated, value) in ROWS {
        client.ok(setup);
        stream.commands(&mut client);
        let key = command.split(' ').nth(1).expect("the command has a key");

        client.expect(&[(command, reply), ("PING", "PONG"), (&format!("GET {key}"), value)]);

        let mut commands = stream.commands(&mut client);
        commands.retain(|command| !["MULTI", "EXEC"].contains(&command.as_str()));
        assert_eq!(commands, *replicated, "{setup}; {command}");
    }
}

/// The reply must not be read from the value after the event, because the listener has freed it.
#[test]
fn append_against_a_module_that_frees_the_value_replies_with_the_merged_array() {
    let server = server();
    let mut client = server.client();
    for size in [10, 100, 1000, 100_000, 10_000_000] {
        let array = format!("[{}1]", " ".repeat(size));
        let merged = array.replace("1]", "1,2]");
        for action in ["set", "append", "del"] {
            let key = format!("{action}:k");
            let mut call = |words: &[&[u8]]| client.call_with(words);
            call(&[b"FLUSHALL"]).expect("FLUSHALL succeeds");
            let created = call(&[b"JSONMERGE.APPEND", key.as_bytes(), array.as_bytes()]);
            assert!(
                created.as_ref() == Ok(&array),
                "{action} {size}: {:.100}",
                created.unwrap_or_else(|error| error)
            );
            call(&[b"SET", key.as_bytes(), array.as_bytes()]).expect("SET succeeds");
            let spliced = call(&[b"JSONMERGE.APPEND", key.as_bytes(), b"[2]"]);
            assert!(
                spliced.as_ref() == Ok(&merged),
                "{action} {size}: {:.100}",
                spliced.unwrap_or_else(|error| error)
            );
        }
        client.call_with(&[b"SET", b"set:k", array.as_bytes()]).expect("SET succeeds");
        assert!(client.call("JSONMERGE.TAKE set:k") == Ok(array), "{size}");
        client.expect(&[("GET set:k", "[\"listener\"]"), ("PING", "PONG")]);
    }
}
