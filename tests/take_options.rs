//! The options of TAKE: order, case, syntax and numbers.

use crate::support::server::Server;

const SYNTAX: &str = "ERR syntax error";
const COUNT: &str = "ERR count should be greater than 0";
const NOT_INTEGER: &str = "ERR timeout is not an integer or out of range";
const NEGATIVE: &str = "ERR timeout is negative";
const RANGE: &str = "ERR timeout is out of range";

#[test]
fn take_accepts_options_in_any_order_and_case() {
    let server = Server::start();
    let mut client = server.client();
    let options = ["COUNT 1", "trust", "Block 0"];
    for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let command = ["JSONMERGE.TAKE k", options[a], options[b], options[c]].join(" ");
        client.ok("SET k [1,x]");
        client.expect(&[(&command, "[1]"), ("GET k", "[x]")]);
    }
    client.expect(&[
        ("SET k [1,2,3]", "OK"),
        ("jsonmerge.take k count 1", "[1]"),
        ("JsonMerge.Take k cOUNT 9223372036854775807 bLoCk 9", "[2,3]"),
        ("JSONMERGE.TAKE k TRUST", "(nil)"),
        ("JSONMERGE.TAKE k COUNT 1", "(nil)"),
        ("JSONMERGE.TAKE k BLOCK 1 COUNT 1 TRUST", "(nil)"),
        // A key may have the name of an option.
        ("SET BLOCK [1]", "OK"),
        ("JSONMERGE.TAKE BLOCK", "[1]"),
        ("SET TRUST [1,2]", "OK"),
        ("JSONMERGE.TAKE TRUST COUNT 1", "[1]"),
    ]);
}

#[test]
fn take_against_invalid_options_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    for (options, error) in [
        ("k", SYNTAX),
        ("", SYNTAX),
        ("COUNT", SYNTAX),
        ("BLOCK", SYNTAX),
        ("TRUST COUNT", SYNTAX),
        ("TRUSTED", SYNTAX),
        ("COUN 1", SYNTAX),
        ("COUNT 1 2", SYNTAX),
        ("REPLY LEN", SYNTAX),
        ("EX 1", SYNTAX),
        ("COUNT 1 COUNT 1", SYNTAX),
        ("COUNT 1 BLOCK 1 COUNT 2", SYNTAX),
        ("TRUST TRUST", SYNTAX),
        ("TRUST BLOCK 1 trust", SYNTAX),
        ("BLOCK 0 BLOCK 0", SYNTAX),
        ("COUNT 0", COUNT),
        ("COUNT -1", COUNT),
        ("COUNT x", COUNT),
        ("COUNT ", COUNT),
        ("COUNT 1.5", COUNT),
        ("COUNT 01", COUNT),
        ("COUNT +1", COUNT),
        ("COUNT TRUST", COUNT),
        ("COUNT 9223372036854775808", COUNT),
        ("BLOCK x", NOT_INTEGER),
        ("BLOCK ", NOT_INTEGER),
        ("BLOCK 0.5", NOT_INTEGER),
        ("BLOCK 00", NOT_INTEGER),
        ("BLOCK -0", NOT_INTEGER),
        ("BLOCK COUNT", NOT_INTEGER),
        ("BLOCK 9223372036854775808", NOT_INTEGER),
        ("BLOCK -9223372036854775809", NOT_INTEGER),
        ("BLOCK -1", NEGATIVE),
        ("BLOCK -9223372036854775808", NEGATIVE),
        ("BLOCK 9223372036854775807", RANGE),
        ("BLOCK 9223372036000000000", RANGE),
        // The first error from left to right is reported.
        ("COUNT 0 FOO", COUNT),
        ("FOO COUNT 0", SYNTAX),
        ("BLOCK -1 COUNT 0", NEGATIVE),
        ("COUNT 0 BLOCK -1", COUNT),
        ("TRUST BLOCK x TRUST", NOT_INTEGER),
        ("COUNT 1 COUNT 0", COUNT),
    ] {
        // Options are checked before the key.
        for setup in ["DEL k", "SET k [0]", "SET k nonsense", "LPUSH k 1"] {
            client.ok("DEL k");
            client.ok(setup);
            let command = format!("JSONMERGE.TAKE k {options}");
            assert_eq!(client.call(&command), Err(error.into()), "{setup}; {command:?}");
            assert_eq!(client.ok("EXISTS k") == "(integer) 0", setup == "DEL k", "{command:?}");
        }
    }
    let arity = "ERR wrong number of arguments for 'jsonmerge.take' command";
    assert_eq!(client.call("JSONMERGE.TAKE"), Err(arity.into()));
}

/// TAKE accepts the same counts as LMPOP, and the same timeouts as XREAD.
#[test]
fn take_parses_numbers_as_core_does() {
    let server = Server::start();
    let mut client = server.client();
    client.expect(&[("RPUSH list 1", "(integer) 1"), ("XADD stream 1-1 a b", "1-1")]);
    let mut call = |words: &[&str]| {
        client.call_with(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>()).err()
    };
    for number in [
        "",
        "0",
        "1",
        "-1",
        "-0",
        "+1",
        "01",
        "00",
        "--1",
        "-",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "0x10",
        "1\n",
        "1\0",
        "\u{661}",
        "9223372036854775806",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551617",
        "99999999999999999999999999",
    ] {
        // The key is missing, so nothing is popped or taken.
        let count = call(&["LMPOP", "1", "none", "LEFT", "COUNT", number]);
        assert_eq!(call(&["JSONMERGE.TAKE", "none", "COUNT", number]), count, "COUNT {number:?}");
        // The stream has an entry and the key has an array, so neither command waits.
        let timeout = call(&["XREAD", "BLOCK", number, "STREAMS", "stream", "0"]);
        call(&["SET", "k", "[]"]);
        let ours = call(&["JSONMERGE.TAKE", "k", "BLOCK", number]);
        // Redis 7.0 does not check the time for overflow.
        if timeout.is_some() || ours.as_deref() != Some(RANGE) {
            assert_eq!(ours, timeout, "BLOCK {number:?}");
        }
    }
}
