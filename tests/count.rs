//! TAKE with COUNT: what it returns, and what it leaves.

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

/// In a value above this size, spaces replace what was taken, as long as they are not more than half of it.
const COMPACT: usize = 4096;

/// Sends TAKE for the key `k`. Options are separated by single spaces.
fn take(client: &mut Client, options: &str) -> Result<String, String> {
    client.call(format!("JSONMERGE.TAKE k {options}").trim_end())
}

fn set(client: &mut Client, value: &str) {
    client.call_with(&[b"SET", b"k", value.as_bytes()]).expect("SET");
}

/// (stored, options, reply, what is left of a small value)
const TAKES: &[(&str, &str, &str, &str)] = &[
    // COUNT is less than, equal to or greater than the number of elements.
    ("[1,2,3]", "COUNT 1", "[1]", "[2,3]"),
    ("[1,2,3]", "COUNT 2", "[1,2]", "[3]"),
    ("[1,2,3]", "COUNT 3", "[1,2,3]", "(nil)"),
    ("[1,2,3]", "COUNT 4", "[1,2,3]", "(nil)"),
    ("[1,2,3]", "COUNT 9223372036854775807", "[1,2,3]", "(nil)"),
    ("[1]", "COUNT 1", "[1]", "(nil)"),
    ("[]", "COUNT 1", "[]", "(nil)"),
    (" [ ] ", "COUNT 5", " [ ] ", "(nil)"),
    // Whitespace around the elements taken is removed. Whitespace within them and within the rest stays.
    (" \t\r\n[ \t\r\n1 , 2 ]", "COUNT 1", "[1]", "[2 ]"),
    ("[1 \t\r\n, \t\r\n2 \t\r\n, \t\r\n3]\n", "COUNT 1", "[1]", "[2 \t\r\n, \t\r\n3]\n"),
    ("[1 \t\r\n, \t\r\n2 \t\r\n, \t\r\n3]\n", "COUNT 2", "[1 \t\r\n, \t\r\n2]", "[3]\n"),
    ("\n[\n1\n,\n2\n]\n", "COUNT 2", "\n[\n1\n,\n2\n]\n", "(nil)"),
    // Bytes that look like the end of an element but are not.
    ("[[1,[2,3]],4]", "COUNT 1", "[[1,[2,3]]]", "[4]"),
    ("[[],{}]", "COUNT 1", "[[]]", "[{}]"),
    ("[{\"a\":[1,{}],\"b,]\":2},3]", "COUNT 1", "[{\"a\":[1,{}],\"b,]\":2}]", "[3]"),
    ("[\"],[\",\"\\\"],[\\\\\",3]", "COUNT 1", "[\"],[\"]", "[\"\\\"],[\\\\\",3]"),
    ("[\"],[\",\"\\\"],[\\\\\",3]", "COUNT 2", "[\"],[\",\"\\\"],[\\\\\"]", "[3]"),
    ("[\"\u{20ac},\u{1f600}\",\"\u{e9}\"]", "COUNT 1", "[\"\u{20ac},\u{1f600}\"]", "[\"\u{e9}\"]"),
    ("[-1.50e+3,true,null,1e999]", "COUNT 3", "[-1.50e+3,true,null]", "[1e999]"),
    (
        "[9007199254740993,{\"b\":1,\"a\":2,\"a\":3},\"\\ud800\"]",
        "COUNT 2",
        "[9007199254740993,{\"b\":1,\"a\":2,\"a\":3}]",
        "[\"\\ud800\"]",
    ),
    // COUNT takes the same elements with TRUST.
    ("[ 1 , 2 ]", "COUNT 1 TRUST", "[1]", "[2 ]"),
    ("[1,2]", "TRUST COUNT 2", "[1,2]", "(nil)"),
];

#[test]
fn take_count_returns_the_first_elements_and_leaves_the_rest() {
    let server = Server::start();
    let mut client = server.client();
    for (stored, options, reply, left) in TAKES {
        set(&mut client, stored);
        assert_eq!(take(&mut client, options).as_deref(), Ok(*reply), "{stored:?} {options}");
        assert_eq!(client.ok("GET k"), *left, "{stored:?} {options}");
    }
}

/// The same values, followed by an element so long that the elements taken are overwritten with spaces.
#[test]
fn take_count_against_a_large_value_overwrites_the_elements_with_spaces() {
    let server = Server::start();
    let mut client = server.client();
    let long = format!(",\"{}\"]", "x".repeat(COMPACT));
    for (stored, options, reply, left) in TAKES.iter().filter(|(.., left)| *left != "(nil)") {
        let enlarge = |text: &str| text.trim_end().trim_end_matches(']').to_owned() + &long;
        let (stored, left) = (enlarge(stored), enlarge(left));
        set(&mut client, &stored);
        assert_eq!(take(&mut client, options).as_deref(), Ok(*reply), "{stored:?} {options}");
        let rest = &left[1..];
        let first = &reply[1..reply.len() - 1];
        let open = stored.find('[').expect("a bracket") + 1;
        let start = open + stored[open..].find(first).expect("the elements");
        let spaces = " ".repeat(stored.len() - rest.len() - start);
        let expected = [&stored[..start], &spaces, rest].concat();
        assert_eq!(client.ok("GET k"), expected, "{stored:?} {options}");
    }
}

#[test]
fn take_count_compacts_when_spaces_would_exceed_half_of_the_value() {
    let server = Server::start();
    let mut client = server.client();
    // Each element takes 8 bytes with its comma.
    let elements: Vec<_> = (0..1000).map(|n| format!("\"{n:05}\"")).collect();
    let value = format!("[{}]", elements.join(","));
    assert_eq!(value.len(), 8001);
    let rest = |from: usize| format!("{}]", elements[from..].join(","));
    let spaces = |from: usize| format!("[{}{}", " ".repeat(8 * from), rest(from));
    for (count, left) in [
        (1, spaces(1)),
        (500, spaces(500)),
        (501, format!("[{}", rest(501))),
        (999, format!("[{}", rest(999))),
    ] {
        for check in ["", " TRUST"] {
            set(&mut client, &value);
            let taken = take(&mut client, &format!("COUNT {count}{check}"));
            assert_eq!(taken, Ok(format!("[{}]", elements[..count].join(","))), "{count}{check}");
            assert_eq!(client.ok("GET k"), left, "{count}{check}");
        }
    }
    // The spaces left by several calls add up.
    set(&mut client, &value);
    for (call, left) in [(1, spaces(400)), (2, format!("[{}", rest(800)))] {
        take(&mut client, "COUNT 400").expect("elements");
        assert_eq!(client.ok("GET k"), left, "call {call}");
    }
    // No spaces are left in a value of at most 4096 bytes.
    for size in [COMPACT, COMPACT + 1] {
        set(&mut client, &format!("[1,\"{}\"]", "x".repeat(size - 6)));
        take(&mut client, "COUNT 1").expect("an element");
        let left = if size > COMPACT { size } else { size - 2 };
        assert_eq!(client.ok("STRLEN k"), format!("(integer) {left}"));
    }
}

/// (stored, options, reply, what is left)
///
/// With TRUST, a fault after the elements taken is neither reported nor repaired.
const UNTRUE: &[(&str, &str, Result<&str, &str>, &str)] = &[
    ("[1,x]", "COUNT 1 TRUST", Ok("[1]"), "[x]"),
    ("[x]", "COUNT 1 TRUST", Err("expected a value at byte 1"), "[x]"),
    ("[1,x]", "COUNT 2 TRUST", Err("expected a value at byte 3"), "[1,x]"),
    ("[1,]", "COUNT 1 TRUST", Ok("[1]"), "[,]"),
    ("[1 , \n ]", "COUNT 1 TRUST", Ok("[1]"), "[ , \n ]"),
    ("[,]", "COUNT 1 TRUST", Err("expected a value at byte 1"), "[,]"),
    ("[1,]", "COUNT 2 TRUST", Err("expected a value at byte 3"), "[1,]"),
    ("[1,,2]", "COUNT 1 TRUST", Ok("[1]"), "[,2]"),
    ("[1,[2]", "COUNT 1 TRUST", Ok("[1]"), "[[2]"),
    ("[1,\"]", "COUNT 1 TRUST", Ok("[1]"), "[\"]"),
    ("[1 2]", "COUNT 1 TRUST", Err("expected ',' or ']' at byte 3"), "[1 2]"),
    ("[1]]", "COUNT 1 TRUST", Err("expected ',' or ']' at byte 2"), "[1]]"),
    ("[01,2]", "COUNT 1 TRUST", Err("invalid number at byte 2"), "[01,2]"),
    ("[1,2}", "COUNT 1 TRUST", Err("expected ',' or ']' at byte 4"), "[1,2}"),
    ("[1,2", "COUNT 1 TRUST", Err("unexpected end at byte 4"), "[1,2"),
    ("[1,2]x", "COUNT 1 TRUST", Err("trailing characters at byte 5"), "[1,2]x"),
    // Without COUNT, only the brackets are checked.
    ("[1,x]", "TRUST", Ok("[1,x]"), "(nil)"),
    // Without TRUST, the whole value is validated.
    ("[1,x]", "COUNT 1", Err("expected a value at byte 3"), "[1,x]"),
    ("[1,]", "COUNT 1", Err("trailing comma at byte 3"), "[1,]"),
    ("[1,\"]", "COUNT 1", Err("unexpected end at byte 5"), "[1,\"]"),
];

#[test]
fn take_count_trust_against_a_fault_after_the_elements_returns_them_and_keeps_the_fault() {
    let server = Server::start();
    let mut client = server.client();
    for (stored, options, reply, left) in UNTRUE {
        client.call_with(&[b"SET", b"k", stored.as_bytes(), b"EX", b"500"]).expect("SET");
        let reply = reply.map(str::to_owned);
        let reply =
            reply.map_err(|fault| format!("BADJSON stored value is not valid JSON: {fault}"));
        assert_eq!(take(&mut client, options), reply, "{stored:?} {options}");
        assert_eq!(client.ok("GET k"), *left, "{stored:?} {options}");
    }
}

/// In a large value, the comma is not overwritten with a space.
#[test]
fn take_count_trust_against_a_trailing_comma_in_a_large_value_keeps_it() {
    let server = Server::start();
    let mut client = server.client();
    let spaces = " ".repeat(2 * COMPACT);
    set(&mut client, &format!("[1,{spaces}]"));
    assert_eq!(take(&mut client, "COUNT 1 TRUST").as_deref(), Ok("[1]"));
    assert_eq!(client.ok("GET k"), format!("[ ,{spaces}]"));
    let fault = "BADJSON stored value is not valid JSON: expected a value at byte 2";
    assert_eq!(take(&mut client, "COUNT 1"), Err(fault.into()));
    assert_eq!(take(&mut client, "COUNT 1 TRUST"), Err(fault.into()));
}

#[test]
fn take_count_trust_against_invalid_utf8_fails_only_if_it_is_in_the_elements_taken() {
    let server = Server::start();
    let mut client = server.client();
    client.call_with(&[b"SET", b"k", b"[1,\"\xff\"]"]).expect("SET");
    let fault = Err("BADJSON stored value is not valid JSON: invalid UTF-8 at byte 4".into());
    assert_eq!(take(&mut client, "COUNT 2 TRUST"), fault);
    assert_eq!(take(&mut client, "COUNT 1"), fault);
    assert_eq!(take(&mut client, "COUNT 1 TRUST").as_deref(), Ok("[1]"));
    assert_eq!(client.ok("STRLEN k"), "(integer) 5");
}

#[test]
fn take_count_keeps_the_ttl_until_nothing_is_left() {
    let server = Server::start();
    let mut client = server.client();
    let large = format!("[1,2,\"{}\"]", "x".repeat(COMPACT));
    for value in ["[1,2,3]", &large] {
        for check in ["", " TRUST"] {
            let [set, k, pxat, time] = [b"SET", &b"k"[..], b"PXAT", b"9999999999999"];
            client.call_with(&[set, k, value.as_bytes(), pxat, time]).expect("SET");
            for (count, ttl) in [
                (1, "(integer) 9999999999999"),
                (1, "(integer) 9999999999999"),
                (9, "(integer) -2"),
            ] {
                take(&mut client, &format!("COUNT {count}{check}")).expect("elements");
                assert_eq!(client.ok("PEXPIRETIME k"), ttl, "{count}{check}");
            }
        }
    }
}

/// The server stores integers and short strings differently from long ones.
#[test]
fn take_count_against_every_encoding_of_a_string_takes_the_first_element() {
    let server = Server::start();
    let mut client = server.client();
    let padded = |size: usize| format!("[1,\"{}\"]", "x".repeat(size - 6));
    for value in [padded(44), padded(45), padded(128), padded(129)] {
        for grow in [false, true] {
            set(&mut client, &value[..value.len() - 1]);
            if grow {
                client.ok("APPEND k ]");
            } else {
                set(&mut client, &value);
            }
            client.ok("COPY k copy REPLACE");
            assert_eq!(take(&mut client, "COUNT 1").as_deref(), Ok("[1]"), "{value}");
            assert_eq!(client.ok("GET k"), value.replace("1,", ""));
            assert_eq!(client.ok("GET copy"), value);
        }
    }
    client.ok("SET k 12345");
    for options in ["COUNT 1", "COUNT 1 TRUST"] {
        let error = "NOTARRAY stored value is a JSON number, expected an array";
        assert_eq!(take(&mut client, options), Err(error.into()));
    }
}

/// A value above the limit can still be taken in parts, because it never grows.
#[test]
fn take_count_against_a_lower_proto_max_bulk_len_is_not_refused() {
    let server = Settings::new().module().start();
    let plain = Server::plain();
    plain.follow(&server);
    let mut client = server.client();
    let [more, less] = [1_700_000, 1_500_000].map(|size| "x".repeat(size));
    set(&mut client, &format!("[1,\"{more}\",\"{less}\",2]"));
    client.ok("CONFIG SET proto-max-bulk-len 1048576");
    let too_large = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    client.expect(&[
        ("JSONMERGE.APPEND k [9]", too_large),
        // The first TAKE leaves spaces, the second one moves the rest, and the rest is still too large.
        ("JSONMERGE.TAKE k COUNT 1", "[1]"),
        ("STRLEN k", "(integer) 3200011"),
        ("JSONMERGE.TAKE k COUNT 1", &format!("[\"{more}\"]")),
        ("STRLEN k", "(integer) 1500006"),
        ("JSONMERGE.APPEND k [9]", too_large),
        ("JSONMERGE.TAKE k COUNT 1 TRUST", &format!("[\"{less}\"]")),
        ("GET k", "[2]"),
        ("JSONMERGE.APPEND k [9]", "[2,9]"),
        ("JSONMERGE.TAKE k COUNT 9", "[2,9]"),
        ("WAIT 1 20000", "(integer) 1"),
    ]);
    assert_eq!(client.ok("DEBUG DIGEST"), plain.client().ok("DEBUG DIGEST"));
}

#[test]
fn take_count_works_in_a_script_and_a_transaction() {
    let server = Server::start();
    let mut client = server.client();
    let script = b"redis.call('JSONMERGE.APPEND', KEYS[1], '[1,2,3,4]')
        return {redis.call('JSONMERGE.TAKE', KEYS[1], 'COUNT', 1), redis.call('JSONMERGE.TAKE', KEYS[1], 'COUNT', '1', 'TRUST')}";
    assert_eq!(client.call_with(&[b"EVAL", script, b"1", b"k"]).as_deref(), Ok("([1] [2])"));
    client.expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.TAKE k COUNT 1", "QUEUED"),
        ("JSONMERGE.APPEND k [5]", "QUEUED"),
        ("JSONMERGE.TAKE k COUNT 2", "QUEUED"),
        ("JSONMERGE.TAKE k COUNT 2", "QUEUED"),
        ("EXEC", "([3] [4,5] [4,5] (nil))"),
    ]);
}

/// Returns how much some counters of INFO grow while `run` runs.
fn growth<const N: usize>(
    client: &mut Client,
    fields: [&str; N],
    run: impl FnOnce(&mut Client),
) -> [u64; N] {
    let before = fields.map(|field| client.info(field));
    run(client);
    let mut after = fields.map(|field| client.info(field));
    after.iter_mut().zip(before).for_each(|(after, before)| *after -= before);
    after
}

#[test]
fn info_counts_the_elements_taken() {
    let server = Server::start();
    let mut client = server.client();
    let large = format!("[1,2,3,\"{}\"]", "x".repeat(COMPACT));
    for (stored, options, taken) in [
        ("[1,2,3]", "COUNT 2", 2),
        ("[1,2,3]", "COUNT 3", 3),
        ("[1,2,3]", "COUNT 9", 3),
        ("[1,2,3]", "", 3),
        ("[1,2,3]", "COUNT 2 TRUST", 2),
        ("[1,2,3]", "COUNT 9 TRUST", 3),
        (large.as_str(), "COUNT 2", 2),
        (&large, "COUNT 2 TRUST", 2),
        ("[]", "COUNT 2", 0),
        // These elements are not counted.
        ("[1,2,3]", "TRUST", 0),
        // Refused.
        ("[1,2,x]", "COUNT 2", 0),
        ("[x]", "COUNT 2 TRUST", 0),
    ] {
        set(&mut client, stored);
        let counted = growth(&mut client, ["jsonmerge_elements_taken"], |client| {
            _ = take(client, options);
        });
        assert_eq!(counted, [taken], "{stored:.20} {options}");
    }
}

/// The validation cache has an entry for what a strict take leaves, so nothing is validated again.
#[test]
fn take_count_keeps_the_validation_cache_up_to_date() {
    let server = Server::start();
    let mut client = server.client();
    if client.info("jsonmerge_cache_enabled") == 0 {
        return println!("no validation cache on this machine");
    }
    let fields = ["jsonmerge_cache_hits", "jsonmerge_cache_misses", "jsonmerge_bytes_validated"];
    for pad in [1000, 2 * COMPACT] {
        let value = format!("[{}\"{}\"]", "1,".repeat(100), "x".repeat(pad));
        client.ok("DEL k");
        client.ok(&format!("JSONMERGE.APPEND k {value} REPLY LEN"));
        let entries = client.info("jsonmerge_cache_entries");
        let grown = growth(&mut client, fields, |client| {
            for round in 0..10 {
                let len = format!("(integer) {}", 101 - 4 * (round + 1) + round + 1);
                client.expect(&[
                    ("JSONMERGE.TAKE k COUNT 3", "[1,1,1]"),
                    ("JSONMERGE.TAKE k COUNT 1", "[1]"),
                    ("JSONMERGE.APPEND k [2] REPLY LEN", &len),
                ]);
            }
        });
        assert_eq!(grown, [30, 0, 0], "{pad}");
        assert_eq!(client.info("jsonmerge_cache_entries"), entries, "an entry for each array");
        client.ok("JSONMERGE.TAKE k COUNT 1000");
        assert_eq!(client.info("jsonmerge_cache_entries"), entries - 1);
    }
}
