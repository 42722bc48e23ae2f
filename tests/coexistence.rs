//! The commands beside what they replace: the Lua script and MULTI/GET/DEL on the same key.

use std::collections::HashSet;
use std::thread;

use crate::support::server::Server;

/// The script that teams ship today.
const SCRIPT: &str = "local value = redis.call('GET', KEYS[1])
    local input = ARGV[1]
    if value then
        local array = cjson.decode(value)
        for _, element in ipairs(cjson.decode(input)) do array[#array + 1] = element end
        input = cjson.encode(array)
    end
    redis.call('SET', KEYS[1], input)
    return input";

const ROUNDS: u32 = 400;

#[test]
fn script_and_command_on_one_key_lose_nothing() {
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
                    reply.expect("an append");
                }
            });
        }
        let consumers = [false, true].map(|native| {
            let mut client = server.client();
            scope.spawn(move || {
                let mut taken = Vec::new();
                for _ in 0..ROUNDS {
                    let reply = if native {
                        client.call("JSONMERGE.TAKE k").expect("a reply")
                    } else {
                        client.expect(&[("MULTI", "OK"), ("GET k", "QUEUED"), ("DEL k", "QUEUED")]);
                        let reply = client.ok("EXEC");
                        let (value, _) = reply.rsplit_once(" (integer)").expect("GET and DEL");
                        value.trim_start_matches('(').trim_end_matches(')').to_owned()
                    };
                    taken.extend(elements(&reply));
                }
                taken
            })
        });
        consumers.into_iter().flat_map(|consumer| consumer.join().expect("a consumer")).collect()
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

/// What the README says of the script and of the command.
#[test]
fn the_script_alters_what_the_command_keeps() {
    let server = Server::start();
    let mut client = server.client();
    for (stored, array, by_script, by_command) in [
        ("[]", "[]", "{}", "[]"),
        ("[{\"tags\":[]}]", "[1]", "[{\"tags\":{}},1]", "[{\"tags\":[]},1]"),
        ("[9007199254740993]", "[1]", "[9.007199254741e+15,1]", "[9007199254740993,1]"),
        ("[3.141592653589793]", "[1]", "[3.1415926535898,1]", "[3.141592653589793,1]"),
        ("[\"a/b\"]", "[1]", "[\"a\\/b\",1]", "[\"a/b\",1]"),
        ("[1.0]", "[1]", "[1,1]", "[1.0,1]"),
        ("[{\"a\":1,\"a\":2}]", "[1]", "[{\"a\":2},1]", "[{\"a\":1,\"a\":2},1]"),
    ] {
        let set = [b"SET", &b"k"[..], stored.as_bytes(), b"EX", b"100"];
        client.call_with(&set).expect("SET");
        let script = client.call_with(&[b"EVAL", SCRIPT.as_bytes(), b"1", b"k", array.as_bytes()]);
        assert_eq!(script, Ok(by_script.into()), "{stored} + {array}");
        assert_eq!(client.ok("TTL k"), "(integer) -1");

        client.call_with(&set).expect("SET");
        let command = client.call_with(&[b"JSONMERGE.APPEND", b"k", array.as_bytes()]);
        assert_eq!(command, Ok(by_command.into()), "{stored} + {array}");
        assert_ne!(client.ok("TTL k"), "(integer) -1");
    }
}
