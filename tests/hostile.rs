//! Input that means harm: an error, and a server that goes on.

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

#[test]
fn every_truncation_and_corruption_leaves_the_server_up_and_the_key_alone() {
    let server = Server::start();
    let mut client = server.client();
    let sample = "[1,-2.5e3,\"\\u00e9\u{e9}\",{\"a\":[true,null]}]".as_bytes();
    client.ok("SET stays [0]");
    let truncated = (0..sample.len()).map(|size| sample[..size].to_vec());
    let corrupted = (0..sample.len()).flat_map(|at| {
        [0x00, b'"', b',', b']', b'\\', 0x80, 0xff].map(|byte| {
            let mut text = sample.to_vec();
            text[at] = byte;
            text
        })
    });
    for text in truncated.chain(corrupted) {
        let valid = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(&text).is_ok();
        client.call_with(&[b"SET", b"s", &text]).expect("SET");
        let appended = client.call_with(&[b"JSONMERGE.APPEND", b"s", b"[]"]);
        assert_eq!(appended.is_ok(), valid, "{:?}", text.escape_ascii().to_string());
        let appended = client.call_with(&[b"JSONMERGE.APPEND", b"stays", &text]);
        assert_eq!(appended.is_ok(), valid, "{:?}", text.escape_ascii().to_string());
        if valid {
            client.ok("SET stays [0]");
        }
        assert_eq!(client.ok("GET stays"), "[0]");
    }
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
