//! The README's sessions, tables and figures agree with the server and with the record of the benchmarks.

use crate::support::client::Client;
use crate::support::record::{Record, cell, rows};
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

#[test]
fn costs_agree_with_the_record() {
    let record = Record::of(README);
    let costs = README.split_once("## What an append costs").expect("the chapter").1;
    let costs = costs.split("\n## ").next().expect("the chapter");
    let appends = record.table("Append 70 bytes, 16 in a pipeline");
    let columns = [
        "Lua script, EVALSHA",
        "JSON.ARRAPPEND",
        "JSONMERGE.APPEND",
        "JSONMERGE.APPEND REPLY LEN",
        "JSONMERGE.APPEND TRUST REPLY SIZE",
    ];
    let shown = rows(costs);
    assert_eq!(shown.len(), 6);
    for row in shown {
        let measured = columns.map(|by| cell(&appends, &[row[0], by], 2));
        assert_eq!(row[1..], measured, "{}", row[0]);
    }
    let server = record.condition("Server").split(". ").next().expect("the server");
    assert!(costs.contains(server), "{server}");
    let bytes = record.table("Append 70 bytes onto 98 KB: bytes to the AOF, memory of the value");
    let [script, ours] =
        ["Lua script, EVALSHA", "JSONMERGE.APPEND"].map(|by| cell(&bytes, &[by], 1));
    let traffic = format!("{ours} bytes instead of the script's {script}");
    assert!(costs.contains(&traffic), "{traffic}");
}

#[test]
fn the_chart_is_that_of_the_record() {
    let chart = include_str!("../benches/record/append.svg");
    let path = Record::of(README).path;
    assert!(chart.contains(&path), "draw it: cargo bench --bench server -- {path}");
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
