//! What values cost, and what happens where memory runs out.

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

const MEGABYTE: u64 = 1024 * 1024;

fn memory_usage(client: &mut Client, key: &str) -> u64 {
    let usage = client.ok(&format!("MEMORY USAGE {key}"));
    usage.trim_start_matches("(integer) ").parse().expect("bytes")
}

/// Appends leave room for more, as core's APPEND does: as much again as there is, up to a megabyte.
#[test]
fn a_value_takes_little_more_than_the_same_bytes_written_by_set() {
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
        assert!(ours <= 2 * same + 100, "{ours} bytes for {same}");
        assert!(ours <= cores + cores / 4, "{ours} bytes where APPEND takes {cores}");
        // Created by us and never appended to, it has no such room.
        client.ok(&format!("JSONMERGE.APPEND created {value}"));
        assert!(memory_usage(&mut client, "created") <= same + same / 4 + 100);
    }
}

#[test]
fn every_eviction_policy_keeps_whole_arrays_or_none() {
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
