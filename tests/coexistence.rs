//! The commands share a key with what they replace: the Lua script and MULTI/GET/DEL.

use std::collections::HashSet;
use std::thread;

use crate::support::server::Server;

/// The script that the commands replace.
const SCRIPT: &str = include_str!("../examples/merge.lua");

const ROUNDS: u32 = 400;

#[test]
fn script_and_commands_on_the_same_key_lose_nothing() {
    let server = Server::start();
    let mut taken: Vec<u32> = thread::scope(|scope| {
        for producer in 0..4 {
            let mut client = server.client();
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let array = format!("[{}]", producer * ROUNDS + round);
                    let array = array.as_bytes();
                    let reply = if producer % 2 == 0 {
                        client.call_with(&[b"JSONMERGE.APPEND", b"k", array])
                    } else {
                        client.call_with(&[b"EVAL", SCRIPT.as_bytes(), b"1", b"k", array])
                    };
                    reply.expect("the append succeeds");
                }
            });
        }
        let consumers = [false, true].map(|native| {
            let mut client = server.client();
            scope.spawn(move || {
                let mut taken = Vec::new();
                for _ in 0..ROUNDS {
                    let reply = if native {
                        client.call("JSONMERGE.TAKE k").expect("TAKE succeeds")
                    } else {
                        client.expect(&[("MULTI", "OK"), ("GET k", "QUEUED"), ("DEL k", "QUEUED")]);
                        let reply = client.ok("EXEC");
                        let (value, _) =
                            reply.rsplit_once(" (integer)").expect("EXEC returns two replies");
                        value.trim_start_matches('(').trim_end_matches(')').to_owned()
                    };
                    taken.extend(elements(&reply));
                }
                taken
            })
        });
        consumers
            .into_iter()
            .flat_map(|consumer| consumer.join().expect("the consumer does not panic"))
            .collect()
    });
    taken.extend(elements(&server.client().ok("JSONMERGE.TAKE k")));

    assert_eq!(
        taken.len(),
        taken.iter().collect::<HashSet<_>>().len(),
        "an element was taken twice"
    );
    taken.sort_unstable();
    assert_eq!(taken, (0..4 * ROUNDS).collect::<Vec<_>>());
}

fn elements(array: &str) -> Vec<u32> {
    match array {
        "(nil)" | "nil" => Vec::new(),
        array => serde_json::from_str(array).unwrap_or_else(|error| panic!("{array}: {error}")),
    }
}
