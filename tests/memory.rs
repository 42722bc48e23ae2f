//! The memory that values take, eviction, and leaks.

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

const MEGABYTE: u64 = 1024 * 1024;

fn memory_usage(client: &mut Client, key: &str) -> u64 {
    let usage = client.ok(&format!("MEMORY USAGE {key}"));
    usage.trim_start_matches("(integer) ").parse().expect("the reply is a number")
}

/// Like core's APPEND, an append preallocates: it doubles the size of the value, or adds a megabyte if
/// that is less.
#[test]
fn a_value_takes_about_as_much_memory_as_one_that_core_commands_wrote() {
    let server = Server::start();
    let mut client = server.client();
    for (element, appends) in [(1, 100), (50, 20), (50, 5000), (30_000, 100)] {
        client.ok("FLUSHALL");
        let array = format!("[\"{}\"]", "x".repeat(element));
        for _ in 0..appends {
            client.ok(&format!("JSONMERGE.APPEND ours {array} REPLY LEN"));
            client.ok(&format!("APPEND cores {array}"));
        }
        let value = client.ok("GET ours");
        client.ok(&format!("SET same {value}"));
        let [ours, cores, same] =
            ["ours", "cores", "same"].map(|key| memory_usage(&mut client, key));
        assert!(ours <= 2 * same + 100, "{ours} bytes, and {same} with SET");
        assert!(ours <= cores + cores / 4, "{ours} bytes, and {cores} with APPEND");
        // A value that the module created has no preallocated memory before the first append to it.
        client.ok(&format!("JSONMERGE.APPEND created {value}"));
        assert!(memory_usage(&mut client, "created") <= same + same / 4 + 100);
    }
}

#[test]
fn every_eviction_policy_keeps_or_evicts_whole_arrays() {
    for policy in [
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
    ] {
        let server = Settings::new().module().with(&format!("maxmemory-policy {policy}")).start();
        let mut client = server.client();
        let limit = server.info("used_memory") + 4 * MEGABYTE;
        client.ok(&format!("CONFIG SET maxmemory {limit}"));
        let element = format!("\"{}\"", "x".repeat(10_000));
        let (mut stored, mut refused) = (0, 0);
        for n in 0..2000 {
            let append =
                format!("JSONMERGE.APPEND k{} [{element}] REPLY LEN EX {}", n % 100, 1000 + n);
            match client.call(&append) {
                Ok(_) => stored += 1,
                Err(error) => {
                    assert_eq!(error, "OOM command not allowed when used memory > 'maxmemory'.");
                    refused += 1;
                }
            }
        }
        let evicted = server.info("evicted_keys");
        assert_eq!(
            (refused == 0, evicted > 0),
            (policy != "noeviction", policy != "noeviction"),
            "{policy}: {stored} stored, {refused} refused, {evicted} evicted"
        );
        assert!(server.info("used_memory") < limit + 2 * MEGABYTE, "{policy}");

        let mut left = 0;
        for key in 0..100 {
            let array = client.ok(&format!("JSONMERGE.TAKE k{key}"));
            if array != "(nil)" {
                let elements: Vec<&str> = array[1..array.len() - 1].split(',').collect();
                assert!(elements.iter().all(|taken| *taken == element), "{policy}");
                left += elements.len();
            }
        }
        assert!(left > 100 && left <= stored, "{policy}: {left} of {stored} left");
        assert_eq!(left == stored, evicted == 0, "{policy}");
    }
}

#[test]
fn calls_leak_no_memory() {
    let server = Server::start();
    let mut client = server.client();
    let rounds = |client: &mut Client| {
        let mut pipeline = redis::pipe();
        for _ in 0..5000 {
            for command in [
                "APPEND k [1]",
                "APPEND k [2] EX 100",
                "APPEND k []",
                "APPEND k [",
                "TAKE k",
                "APPEND k [1] PXAT 1",
            ] {
                let mut words = command.split(' ');
                pipeline.cmd(&format!("JSONMERGE.{}", words.next().unwrap_or_default()));
                words.for_each(|word| _ = pipeline.arg(word));
                pipeline.ignore();
            }
        }
        pipeline.ignore_errors().exec(&mut client.0).expect("the server replies");
    };
    rounds(&mut client);
    let before = server.info("used_memory");
    rounds(&mut client);
    let growth = server.info("used_memory").saturating_sub(before);
    assert!(growth < 300_000, "{growth} bytes in 30,000 calls");
}
