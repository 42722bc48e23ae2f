//! The README's sessions, tables and figures agree with the server and with the record of the benchmarks.

use std::fs;

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
    assert_eq!(count, 7);
}

/// Returns the cells of the rows of a Markdown table.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn costs_agree_with_the_record() {
    let costs = README.split_once("## What an append costs").expect("the chapter").1;
    let name = costs.split_once("](benches/record/").expect("a link to the record").1;
    let name = name.split_once(')').expect("the link ends").0;
    let path = format!("{}/benches/record/{name}", env!("CARGO_MANIFEST_DIR"));
    let record = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let section = |title: &str| {
        let from = record.split_once(title).unwrap_or_else(|| panic!("no section {title}")).1;
        from.split("\n## ").next().unwrap_or_default()
    };
    let appends = section("## Append 70 bytes, 16 in a pipeline\n");
    let columns = [
        "Lua script, EVALSHA",
        "JSON.ARRAPPEND",
        "JSONMERGE.APPEND",
        "JSONMERGE.APPEND REPLY LEN",
        "JSONMERGE.APPEND TRUST REPLY SIZE",
    ];
    let mut count = 0;
    for row in rows(costs.split("\n## ").next().expect("the chapter")).skip(1) {
        let measured = columns.map(|by| {
            let found = rows(appends).find(|cells| cells[..2] == [row[0], by]);
            found.unwrap_or_else(|| panic!("{} is not in the record, at {}", by, row[0]))[2]
        });
        assert_eq!(row[1..], measured, "{}", row[0]);
        count += 1;
    }
    assert_eq!(count, 6);
    let server =
        record.split_once("Server: ").expect("the server").1.split_once(". ").expect("it").0;
    assert!(costs.contains(server), "{server}");
    let bytes = section("## Append 70 bytes onto 98 KB: bytes to the AOF, memory of the value\n");
    let [script, ours] = ["Lua script, EVALSHA", "JSONMERGE.APPEND"]
        .map(|by| rows(bytes).find(|cells| cells[0] == by).expect("the record has it")[1]);
    let traffic = format!("{ours} bytes instead of the script's {script}");
    assert!(costs.contains(&traffic), "{traffic}");
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
