//! Replays the README's sessions, and compares them with what redis-cli prints.

use crate::support::client::Client;
use crate::support::server::{Server, Settings};
use crate::support::session::{blocks, replay};

const README: &str = include_str!("../README.md");

#[test]
fn sessions_agree_with_the_server() {
    let sessions = blocks(README, "redis");
    assert_eq!(sessions.len(), 2);
    sessions.into_iter().for_each(replay);
}

#[test]
fn the_table_of_damage_agrees_with_the_server() {
    let script = include_str!("../examples/merge.lua").as_bytes();
    let server = Server::start();
    let mut client = server.client();
    let table = README.split_once("## What the script does to data").expect("the chapter").1;
    let rows = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let mut count = 0;
    for row in rows.take_while(|line| line.starts_with("| `") || line.starts_with("| nothing")) {
        let cells: Vec<Option<&str>> =
            row.split(" | ").map(|cell| cell.split('`').nth(1)).collect();
        let [stored, added, by_script, by_us] = cells[..] else { panic!("{row}") };
        let added = added.expect("an argument").as_bytes();
        let set = |client: &mut Client| match stored {
            Some(stored) => {
                client.call_with(&[b"SET", b"k", stored.as_bytes(), b"EX", b"100"]).expect("SET")
            }
            None => client.ok("DEL k"),
        };
        set(&mut client);
        client.call_with(&[b"EVAL", script, b"1", b"k", added]).expect("the script does not fail");
        assert_eq!(client.ok("GET k"), by_script.expect("a value"), "{row}");
        assert_eq!(client.ok("TTL k"), "(integer) -1", "{row}");
        set(&mut client);
        let reply = client.call_with(&[b"JSONMERGE.APPEND", b"k", added]);
        assert_eq!(reply.is_err(), row.contains("an error"), "{row}");
        assert_eq!(client.ok("GET k"), by_us.unwrap_or("(nil)"), "{row}");
        assert_eq!(client.ok("TTL k") == "(integer) -2", stored.is_none(), "{row}");
        assert_ne!(client.ok("TTL k"), "(integer) -1", "{row}");
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn the_table_of_errors_agrees_with_the_server() {
    let table = README.split_once("### Errors").expect("the chapter").1;
    let server = Server::start();
    let mut client = server.client();
    client.ok("RPUSH list 1");
    client.ok("SET broken [");
    for command in [
        "JSONMERGE.APPEND k [",
        "JSONMERGE.APPEND broken [1]",
        "JSONMERGE.APPEND k {}",
        "JSONMERGE.APPEND list [1]",
        "JSONMERGE.APPEND k [1] TRUST REPLY LEN",
    ] {
        let error = client.call(command).expect_err(command);
        let shown = error.split(": ").next().expect("a line");
        assert!(table.contains(&format!("| `{shown}")), "{shown}");
    }
}

#[test]
fn a_server_with_redis_conf_persists_and_never_evicts() {
    let conf = concat!(env!("CARGO_MANIFEST_DIR"), "/redis.conf");
    let server = Settings::from_file(conf).module().start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1]", "[1]"),
        ("CONFIG GET appendonly", "(appendonly yes)"),
        ("CONFIG GET maxmemory-policy", "(maxmemory-policy noeviction)"),
        ("CONFIG GET proto-max-bulk-len", "(proto-max-bulk-len 536870912)"),
    ]);
}
