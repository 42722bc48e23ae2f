//! The commands work on values in every encoding of a string, and on keys of any bytes.

use crate::support::server::Server;

#[test]
fn both_commands_against_every_encoding_of_a_string_work() {
    let server = Server::start();
    let mut client = server.client();
    for size in [2, 20, 43, 44, 45, 64, 100, 1000, 100_000] {
        let stored = format!("[{}]", " ".repeat(size - 2));
        let merged = format!("[{}1]", " ".repeat(size - 2));
        for raw in [false, true] {
            client.call_with(&[b"SET", b"k", stored.as_bytes()]).expect("SET succeeds");
            if raw {
                client.call_with(&[b"APPEND", b"k", b" "]).expect("APPEND succeeds");
                client.call_with(&[b"SETRANGE", b"k", b"0", b"["]).expect("SETRANGE succeeds");
            }
            let stored_now = client.ok("GET k");
            assert_eq!(client.ok("JSONMERGE.APPEND k []"), stored_now, "{size} {raw}");
            let len = client.ok("JSONMERGE.APPEND k [1] REPLY LEN");
            assert_eq!(len, "(integer) 1", "{size} {raw}");
            assert_eq!(client.ok("GET k").trim_end(), merged, "{size} {raw}");
            assert_eq!(client.ok("JSONMERGE.TAKE k").trim_end(), merged, "{size} {raw}");
        }
    }
}

#[test]
fn append_that_creates_a_short_value_leaves_it_embedded() {
    let server = Server::start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1]", "[1]"),
        ("OBJECT ENCODING k", "embstr"),
        ("JSONMERGE.APPEND trusted [1] TRUST REPLY SIZE EX 100", "(integer) 3"),
        ("OBJECT ENCODING trusted", "embstr"),
    ]);
}

#[test]
fn append_does_not_change_a_copy_of_the_value() {
    let server = Server::start();
    let mut client = server.client();
    let array = format!("[{}0]", "0,".repeat(50_000));
    client.call_with(&[b"JSONMERGE.APPEND", b"a", array.as_bytes()]).expect("APPEND succeeds");
    client.ok("COPY a b");
    client.ok("JSONMERGE.APPEND a [1] REPLY LEN");
    assert_eq!(client.ok("GET b"), array);
    client.ok("JSONMERGE.TAKE a");
    assert_eq!(client.ok("GET b"), array);
}

#[test]
fn append_of_one_argument_to_several_keys_stores_a_copy_at_each() {
    let server = Server::start();
    let mut client = server.client();
    let script = b"for _, key in ipairs(KEYS) do redis.call('JSONMERGE.APPEND', key, ARGV[1]) end
        redis.call('JSONMERGE.APPEND', KEYS[1], '[2]')
        return redis.call('MGET', KEYS[1], KEYS[2])";
    for array in ["[1]".to_owned(), format!("[{}1]", " ".repeat(200))] {
        let reply = client.call_with(&[b"EVAL", script, b"2", b"a", b"b", array.as_bytes()]);
        let merged = array.replace("1]", "1,2]");
        assert_eq!(reply, Ok(format!("({merged} {array})")));
        client.ok("DEL a b");
    }
}

#[test]
fn both_commands_against_keys_of_any_bytes_work() {
    let server = Server::start();
    let mut client = server.client();
    let long = vec![b'k'; 100_000];
    for key in [&b""[..], b"\0", b"a b\r\nc", b"\xff\xfe", b"%s%n", &long] {
        assert_eq!(client.call_with(&[b"JSONMERGE.APPEND", key, b"[1]"]), Ok("[1]".into()));
        assert_eq!(client.call_with(&[b"JSONMERGE.APPEND", key, b"[2]"]), Ok("[1,2]".into()));
        assert_eq!(client.call_with(&[b"GET", key]), Ok("[1,2]".into()));
        assert_eq!(client.call_with(&[b"JSONMERGE.TAKE", key]), Ok("[1,2]".into()));
        assert_eq!(client.ok("DBSIZE"), "(integer) 0");
    }
}

#[test]
fn both_commands_against_values_over_a_megabyte_work() {
    let server = Server::start();
    let mut client = server.client();
    let element = format!("\"{}\"", "x".repeat(700));
    let elements = vec![element.as_str(); 5000].join(",");
    let array = format!("[{elements}]");
    for len in [5000, 10_000, 15_000] {
        let append = [b"JSONMERGE.APPEND", &b"k"[..], array.as_bytes(), b"REPLY", b"LEN"];
        assert_eq!(client.call_with(&append), Ok(format!("(integer) {len}")));
    }
    let size = 3 * (elements.len() + 1) + 1;
    assert_eq!(client.ok("JSONMERGE.APPEND k [] TRUST REPLY SIZE"), format!("(integer) {size}"));
    let merged = format!("[{elements},{elements},{elements}]");
    assert!(client.ok("JSONMERGE.APPEND k []") == merged);
    assert!(client.ok("JSONMERGE.TAKE k") == merged);
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
}

#[test]
fn commands_use_the_selected_database() {
    let server = Server::start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [0]", "[0]"),
        ("SELECT 3", "OK"),
        ("JSONMERGE.APPEND k [3]", "[3]"),
        ("JSONMERGE.TAKE k", "[3]"),
        ("SELECT 0", "OK"),
        ("JSONMERGE.TAKE k", "[0]"),
    ]);
}
