//! Hostile input: the reply is an error, and the server keeps working.

use redis::{RedisResult, Value};
use serde_json::value::RawValue;

use crate::support::client::Client;
use crate::support::random::Seed;
use crate::support::server::Server;

fn append(client: &mut Client, array: &[u8]) -> Result<String, String> {
    client.call_with(&[b"JSONMERGE.APPEND", b"k", array, b"REPLY", b"LEN"])
}

#[test]
fn commands_against_ten_million_open_brackets_return_an_error() {
    let server = Server::start();
    let mut client = server.client();
    let levels = 10_000_000;
    let open = vec![b'['; levels];
    let error = Err(format!("BADJSON argument is not valid JSON: unexpected end at byte {levels}"));
    assert_eq!(append(&mut client, &open), error);
    let objects = "{\"a\":".repeat(levels / 5);
    append(&mut client, objects.as_bytes()).expect_err("the object does not end");

    client.call_with(&[b"SET", b"k", &open]).expect("SET succeeds");
    let stored = error.map_err(|text| text.replace("argument", "stored value"));
    assert_eq!(append(&mut client, b"[1]"), stored);
    assert_eq!(client.call("JSONMERGE.TAKE k"), stored);
    assert_eq!(client.ok("STRLEN k"), format!("(integer) {levels}"));

    client.ok("DEL k");
    let closed = [open, vec![b']'; levels]].concat();
    assert_eq!(append(&mut client, &closed), Ok("(integer) 1".into()));
    assert_eq!(append(&mut client, &closed), Ok("(integer) 2".into()));
    assert_eq!(client.ok("PING"), "PONG");
}

/// The table of reasons and offsets is in src/fault.rs. These rows show that any bytes reach the parser, and
/// that both commands report the same fault.
#[test]
fn commands_against_invalid_json_name_the_reason_and_the_byte() {
    let server = Server::start();
    let mut client = server.client();
    for (text, reason) in [
        (&b"\xef\xbb\xbf[]"[..], "expected a value at byte 0"),
        (b"[NaN]", "expected a value at byte 1"),
        (b"[1]// c", "trailing characters at byte 3"),
        (b"[\"a\nb\"]", "control character in string at byte 3"),
        (b"[\"\0\"]", "control character in string at byte 2"),
        (b"[1\0]", "expected ',' or ']' at byte 2"),
        (b"[\"a\"]\xff", "invalid UTF-8 at byte 5"),
        // A text that is not UTF-8 is reported as such, even if a syntax error comes first.
        (b"[x,\"\xc0\xaf\"]", "invalid UTF-8 at byte 4"),
    ] {
        let shown = text.escape_ascii();
        let expected = Err(format!("BADJSON argument is not valid JSON: {reason}"));
        assert_eq!(append(&mut client, text), expected, "{shown}");
        client.call_with(&[b"SET", b"s", text]).expect("SET succeeds");
        let stored = Err(format!("BADJSON stored value is not valid JSON: {reason}"));
        assert_eq!(client.call("JSONMERGE.TAKE s"), stored, "{shown}");
        assert_eq!(client.call("JSONMERGE.APPEND s []"), stored, "{shown}");
    }
    assert_eq!(client.ok("EXISTS k"), "(integer) 0");
}

#[test]
fn append_against_a_fault_deep_inside_a_large_array_returns_its_offset() {
    let server = Server::start();
    let mut client = server.client();
    let line = "  {\"id\": 1, \"name\": \"\u{e9}\u{20ac}\", \"tags\": [\"a\", \"b\"]},\n";
    let valid = format!("[\n{}  {{\"last\": null}}\n]\n", line.repeat(50_000));
    for (byte, reason) in [(b';', "expected ':'"), (0xff, "invalid UTF-8")] {
        let start = valid.len() / 2;
        let position = start + valid[start..].find("\": ").expect("each line has a colon") + 1;
        let mut broken = valid.clone().into_bytes();
        broken[position] = byte;
        let fault = format!("is not valid JSON: {reason} at byte {position}");
        assert_eq!(append(&mut client, &broken), Err(format!("BADJSON argument {fault}")));
    }
    assert_eq!(append(&mut client, valid.as_bytes()), Ok("(integer) 50001".into()));
}

/// Tries every prefix of a document, and the document with each byte replaced by every other byte.
#[test]
fn commands_against_corrupted_or_truncated_json_accept_only_what_is_valid() {
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
                    let error = refused.expect_err("the text is not a JSON array");
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
    assert!(inputs > 10_000);
}

/// Returns the number of elements if serde_json parses the text as an array.
fn elements(text: &[u8]) -> Option<i64> {
    let elements: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    i64::try_from(elements.len()).ok()
}

/// Returns the replies to APPEND and TAKE with this text as the stored value, and what they leave; then
/// the reply to APPEND with this text as the argument, and what it leaves.
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
        pipeline.ignore_errors().query(&mut client.0).expect("the server replies");
    let [_, _, _, len, taken, left, _, grown, stays] =
        replies.try_into().expect("there are nine replies");
    [len, taken, left, grown, stays]
}

#[test]
fn commands_against_keys_of_any_size_and_bytes_work() {
    let server = Server::start();
    let mut client = server.client();
    let mut random = Seed::print("hostile").rng(0);
    for size in [0, 1, 44, 45, 1000, 1024 * 1024] {
        let key: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
        let mut call = |words: &[&[u8]]| client.call_with(words);
        assert_eq!(call(&[b"JSONMERGE.APPEND", &key, b"[1]"]), Ok("[1]".into()), "{size}");
        assert_eq!(call(&[b"JSONMERGE.APPEND", &key, b"[2]", b"EX", b"9"]), Ok("[1,2]".into()));
        call(&[b"JSONMERGE.APPEND", &key, b"[3"]).expect_err("the array does not end");
        assert_eq!(call(&[b"GET", &key]), Ok("[1,2]".into()));
        assert_eq!(call(&[b"JSONMERGE.TAKE", &key]), Ok("[1,2]".into()));
        assert_eq!(call(&[b"JSONMERGE.TAKE", &key]), Ok("(nil)".into()));
    }
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
}
