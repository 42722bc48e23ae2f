//! Input that means harm: an error, and a server that goes on.

use fastrand::Rng;
use redis::{RedisResult, Value};
use serde_json::value::RawValue;

use crate::support::client::Client;
use crate::support::server::Server;

fn append(client: &mut Client, array: &[u8]) -> Result<String, String> {
    client.call_with(&[b"JSONMERGE.APPEND", b"k", array, b"REPLY", b"LEN"])
}

#[test]
fn ten_million_levels_are_an_error_and_no_crash() {
    let server = Server::start();
    let mut client = server.client();
    let levels = 10_000_000;
    let open = vec![b'['; levels];
    let eof = Err(format!(
        "BADJSON argument is not valid JSON: EOF while parsing a list at byte {levels}"
    ));
    assert_eq!(append(&mut client, &open), eof);
    let objects = "{\"a\":".repeat(levels / 5);
    append(&mut client, objects.as_bytes()).expect_err("no end");

    client.call_with(&[b"SET", b"k", &open]).expect("SET");
    let stored = eof.map_err(|error| error.replace("argument", "stored value"));
    assert_eq!(append(&mut client, b"[1]"), stored);
    assert_eq!(client.call("JSONMERGE.TAKE k"), stored);
    assert_eq!(client.ok("STRLEN k"), format!("(integer) {levels}"));

    client.ok("DEL k");
    let closed = [open, vec![b']'; levels]].concat();
    assert_eq!(append(&mut client, &closed), Ok("(integer) 1".into()));
    assert_eq!(append(&mut client, &closed), Ok("(integer) 2".into()));
    assert_eq!(client.ok("PING"), "PONG");
}

#[test]
fn what_rfc_8259_does_not_have_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    for (text, reason) in [
        (&b"\xef\xbb\xbf[]"[..], "expected value at byte 0"),
        (b"[NaN]", "expected value at byte 1"),
        (b"[Infinity]", "expected value at byte 1"),
        (b"[-Infinity]", "invalid number at byte 2"),
        (b"[0x1]", "expected `,` or `]` at byte 2"),
        (b"[01]", "invalid number at byte 2"),
        (b"[-01]", "invalid number at byte 3"),
        (b"[+1]", "expected value at byte 1"),
        (b"[.5]", "expected value at byte 1"),
        (b"[1.]", "invalid number at byte 3"),
        (b"[1e]", "invalid number at byte 3"),
        (b"[1,]", "trailing comma at byte 3"),
        (b"[[1,]]", "expected value at byte 4"),
        (b"[{\"a\":1,}]", "key must be a string at byte 8"),
        (b"[,1]", "expected value at byte 1"),
        (b"[1 2]", "expected `,` or `]` at byte 3"),
        (b"[1]// c", "trailing characters at byte 3"),
        (b"[/* c */1]", "expected value at byte 1"),
        (b"['a']", "expected value at byte 1"),
        (b"[{a:1}]", "key must be a string at byte 2"),
        (b"[{\"a\" 1}]", "expected `:` at byte 6"),
        (b"[True]", "expected value at byte 1"),
        (b"[nul]", "expected ident at byte 4"),
        (
            b"[\"a\nb\"]",
            "control character (\\u0000-\\u001F) found while parsing a string at byte 3",
        ),
        (b"[\"\0\"]", "control character (\\u0000-\\u001F) found while parsing a string at byte 2"),
        (b"[\"\\x41\"]", "invalid escape at byte 3"),
        (b"[\"\\u00g0\"]", "invalid escape at byte 6"),
        (b"[\"\\u\"]", "invalid escape at byte 4"),
        (b"[1\x0b]", "expected `,` or `]` at byte 2"),
        (b"[1\x00]", "expected `,` or `]` at byte 2"),
        (b"[\"\xff\"]", "invalid UTF-8 at byte 2"),
        (b"[\"\xc0\xaf\"]", "invalid UTF-8 at byte 2"),
        (b"[\"\xed\xa0\x80\"]", "invalid UTF-8 at byte 2"),
        (b"[\"\xf4\x90\x80\x80\"]", "invalid UTF-8 at byte 2"),
        (b"[\"a\"]\xff", "invalid UTF-8 at byte 5"),
    ] {
        let expected = Err(format!("BADJSON argument is not valid JSON: {reason}"));
        assert_eq!(append(&mut client, text), expected, "{:?}", text.escape_ascii().to_string());
        client.call_with(&[b"SET", b"s", text]).expect("SET");
        let stored = Err(format!("BADJSON stored value is not valid JSON: {reason}"));
        assert_eq!(
            client.call("JSONMERGE.TAKE s"),
            stored,
            "{:?}",
            text.escape_ascii().to_string()
        );
        assert_eq!(client.call("JSONMERGE.APPEND s []"), stored);
    }
    assert_eq!(client.ok("EXISTS k"), "(integer) 0");
}

#[test]
fn the_offset_is_right_deep_inside_a_large_array_of_many_lines() {
    let server = Server::start();
    let mut client = server.client();
    let line = "  {\"id\": 1, \"name\": \"\u{e9}\u{20ac}\", \"tags\": [\"a\", \"b\"]},\n";
    let valid = format!("[\n{}  {{\"last\": null}}\n]\n", line.repeat(50_000));
    for position in [2, 100_003, 1_234_567, valid.len() - 20] {
        let position = position + valid[position..].find("\": ").expect("a colon in each line") + 1;
        let mut broken = valid.clone().into_bytes();
        broken[position] = b';';
        let fault = format!("is not valid JSON: expected `:` at byte {position}");
        assert_eq!(append(&mut client, &broken), Err(format!("BADJSON argument {fault}")));
        client.call_with(&[b"SET", b"s", &broken]).expect("SET");
        assert_eq!(client.call("JSONMERGE.TAKE s"), Err(format!("BADJSON stored value {fault}")));
    }
    for position in [70_000, valid.len() - 20] {
        let position = position + valid[position..].find('"').expect("a string in each line") + 1;
        let mut broken = valid.clone().into_bytes();
        broken[position] = 0xff;
        let fault = format!("is not valid JSON: invalid UTF-8 at byte {position}");
        assert_eq!(append(&mut client, &broken), Err(format!("BADJSON argument {fault}")));
    }
    assert_eq!(append(&mut client, valid.as_bytes()), Ok("(integer) 50001".into()));
}

/// Every byte of a document in turn made every other byte, and every prefix of it.
#[test]
fn every_corruption_and_truncation_is_refused_if_it_must_be_and_changes_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let sample = "[1,-2.5e+3, 0.10,\"\\u00e9\\n\u{e9}\u{1f600}\",{\"a\":[true,false],\"\":null}\n]"
        .as_bytes();
    let truncated = (0..sample.len()).map(|size| sample[..size].to_vec());
    let corrupted = (0..sample.len()).flat_map(|at| {
        (0..=255).map(move |byte| [&sample[..at], &[byte], &sample[at + 1..]].concat())
    });
    let mut inputs = 0;
    for text in truncated.chain(corrupted) {
        let [len, taken, left, grown, stays] = as_stored_value_and_as_argument(&mut client, &text);
        let shown = text.escape_ascii();
        match elements(&text) {
            Some(elements) => {
                assert_eq!(len, Ok(Value::Int(elements)), "{shown}");
                assert_eq!(taken, Ok(Value::BulkString(text.clone())), "{shown}");
                assert_eq!(left, Ok(Value::Nil), "{shown}");
                assert_eq!(grown, Ok(Value::Int(elements + 1)), "{shown}");
            }
            None => {
                for refused in [len, taken, grown] {
                    let error = refused.expect_err("no JSON array");
                    assert!(
                        error.code().is_some_and(|code| code == "BADJSON" || code == "NOTARRAY")
                    );
                }
                assert_eq!(left, Ok(Value::BulkString(text.clone())), "{shown}");
                assert_eq!(stays, Ok(Value::BulkString(b"[0]".into())), "{shown}");
            }
        }
        inputs += 1;
    }
    println!("corruption: {inputs} texts, each as argument and as stored value");
    assert!(inputs > 10_000);
}

/// The number of elements, according to an oracle.
fn elements(text: &[u8]) -> Option<i64> {
    let elements: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    i64::try_from(elements.len()).ok()
}

/// The replies of APPEND and TAKE with this text at the key, what that leaves there; of APPEND with
/// this argument, and what that leaves.
fn as_stored_value_and_as_argument(client: &mut Client, text: &[u8]) -> [RedisResult<Value>; 5] {
    let mut pipeline = redis::pipe();
    let mut add = |name: &str, arguments: &[&[u8]]| _ = pipeline.cmd(name).arg(arguments);
    add("SET", &[b"trusted", text]);
    add("JSONMERGE.APPEND", &[b"trusted", b"[1]", b"TRUST"]);
    add("SET", &[b"stored", text]);
    add("JSONMERGE.APPEND", &[b"stored", b"[]", b"REPLY", b"LEN"]);
    add("JSONMERGE.TAKE", &[b"stored"]);
    add("GET", &[b"stored"]);
    add("SET", &[b"stays", b"[0]"]);
    add("JSONMERGE.APPEND", &[b"stays", text, b"REPLY", b"LEN"]);
    add("GET", &[b"stays"]);
    let replies: Vec<RedisResult<Value>> =
        pipeline.ignore_errors().query(&mut client.0).expect("replies");
    let [_, _, _, len, taken, left, _, grown, stays] = replies.try_into().expect("nine replies");
    [len, taken, left, grown, stays]
}

#[test]
fn keys_may_be_large_and_of_any_bytes() {
    let server = Server::start();
    let mut client = server.client();
    let mut random = Rng::new();
    for size in [0, 1, 44, 45, 1000, 1024 * 1024] {
        let key: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
        let mut call = |words: &[&[u8]]| client.call_with(words);
        assert_eq!(call(&[b"JSONMERGE.APPEND", &key, b"[1]"]), Ok("[1]".into()), "{size}");
        assert_eq!(call(&[b"JSONMERGE.APPEND", &key, b"[2]", b"EX", b"9"]), Ok("[1,2]".into()));
        call(&[b"JSONMERGE.APPEND", &key, b"[3"]).expect_err("no JSON");
        assert_eq!(call(&[b"GET", &key]), Ok("[1,2]".into()));
        assert_eq!(call(&[b"JSONMERGE.TAKE", &key]), Ok("[1,2]".into()));
        assert_eq!(call(&[b"JSONMERGE.TAKE", &key]), Ok("(nil)".into()));
    }
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
}

#[test]
fn a_panic_becomes_an_error_and_a_line_in_the_log() {
    let server = Server::start();
    let mut client = server.client();
    if cfg!(debug_assertions) && std::env::var_os("JSONMERGE_MODULE").is_none() {
        for _ in 0..3 {
            let error = Err("ERR internal error in 'jsonmerge.panic' command".into());
            assert_eq!(client.call("JSONMERGE.PANIC"), error);
        }
        assert!(server.log().contains("src/command/panic.rs"), "{}", server.log());
        assert!(server.log().contains("on purpose"), "{}", server.log());
    } else {
        let unknown = client.call("JSONMERGE.PANIC").expect_err("not in a release");
        assert!(unknown.starts_with("ERR unknown command"), "{unknown}");
    }
    assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
}
