//! Every error has the documented text, and a refused command changes nothing.

use crate::support::client::Client;
use crate::support::pushes::Pushes;
use crate::support::server::Server;
use crate::support::stream::ReplicationStream;

const WRONGTYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

/// (what makes the key `k`, the refused command, its error)
///
/// The table of reasons and offsets of BADJSON is in src/fault.rs.
const REFUSED: &[(&str, &str, &str)] = &[
    ("RPUSH k 1", "JSONMERGE.APPEND k [1]", WRONGTYPE),
    ("RPUSH k 1", "JSONMERGE.APPEND k not-json", WRONGTYPE),
    ("HSET k f 1", "JSONMERGE.APPEND k [1] TRUST", WRONGTYPE),
    ("RPUSH k 1", "JSONMERGE.APPEND k [1] PXAT 1", WRONGTYPE),
    ("SADD k 1", "JSONMERGE.TAKE k", WRONGTYPE),
    ("ZADD k 1 a", "JSONMERGE.TAKE k", WRONGTYPE),
    ("XADD k 1-1 a b", "JSONMERGE.TAKE k", WRONGTYPE),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k [1,]",
        "BADJSON argument is not valid JSON: trailing comma at byte 3",
    ),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k ",
        "BADJSON argument is not valid JSON: unexpected end at byte 0",
    ),
    ("SET k [0] EX 500", "JSONMERGE.APPEND k [1] EX 9 x", "ERR syntax error"),
    ("SET k [0]", "JSONMERGE.APPEND k {}", "NOTARRAY argument is a JSON object, expected an array"),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k \"[]\"",
        "NOTARRAY argument is a JSON string, expected an array",
    ),
    ("SET k [0]", "JSONMERGE.APPEND k -1", "NOTARRAY argument is a JSON number, expected an array"),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k true",
        "NOTARRAY argument is a JSON boolean, expected an array",
    ),
    ("SET k [0]", "JSONMERGE.APPEND k null", "NOTARRAY argument is a JSON null, expected an array"),
    (
        "SET k [0] EX 500",
        "JSONMERGE.APPEND k {} EX 9",
        "NOTARRAY argument is a JSON object, expected an array",
    ),
    (
        "SET k [0] EX 500",
        "JSONMERGE.APPEND k {} PXAT 1",
        "NOTARRAY argument is a JSON object, expected an array",
    ),
    (
        "SET k [0] EX 500",
        "JSONMERGE.APPEND k [1] EX 0",
        "ERR invalid expire time in 'jsonmerge.append' command",
    ),
    ("SET k [0] EX 500", "JSONMERGE.APPEND k [1] PERSIST EX", "ERR syntax error"),
    ("SET k [0]", "JSONMERGE.APPEND k [1] PX x", "ERR value is not an integer or out of range"),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k [1] TRUST REPLY LEN",
        "ERR TRUST does not count elements, use REPLY SIZE",
    ),
    (
        "SET k 12345",
        "JSONMERGE.APPEND k [1]",
        "NOTARRAY stored value is a JSON number, expected an array",
    ),
    (
        "SET k 12345",
        "JSONMERGE.APPEND k []",
        "NOTARRAY stored value is a JSON number, expected an array",
    ),
    (
        "SET k 12345",
        "JSONMERGE.APPEND k [1] TRUST",
        "NOTARRAY stored value is a JSON number, expected an array",
    ),
    (
        "SET k 12345",
        "JSONMERGE.TAKE k",
        "NOTARRAY stored value is a JSON number, expected an array",
    ),
    (
        "SET k -9223372036854775808",
        "JSONMERGE.TAKE k",
        "NOTARRAY stored value is a JSON number, expected an array",
    ),
    (
        "SET k {}",
        "JSONMERGE.APPEND k [1]",
        "NOTARRAY stored value is a JSON object, expected an array",
    ),
    (
        "SET k {}",
        "JSONMERGE.APPEND k [1] PERSIST",
        "NOTARRAY stored value is a JSON object, expected an array",
    ),
    (
        "SET k {} EX 500",
        "JSONMERGE.APPEND k [1] PXAT 1",
        "NOTARRAY stored value is a JSON object, expected an array",
    ),
    (
        "SET k ",
        "JSONMERGE.TAKE k",
        "BADJSON stored value is not valid JSON: unexpected end at byte 0",
    ),
    // The longest string that Redis embeds, and a longer one that Valkey 9 embeds.
    (
        "SET k [\"embedded_strings_end_here_with_44_bytes_in",
        "JSONMERGE.APPEND k [1]",
        "BADJSON stored value is not valid JSON: unexpected end at byte 44",
    ),
    (
        "SET k [1,2xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "JSONMERGE.TAKE k",
        "BADJSON stored value is not valid JSON: expected ',' or ']' at byte 4",
    ),
    (
        "SET k [0]",
        "JSONMERGE.APPEND k",
        "ERR wrong number of arguments for 'jsonmerge.append' command",
    ),
    (
        "SET k [0]",
        "JSONMERGE.APPEND",
        "ERR wrong number of arguments for 'jsonmerge.append' command",
    ),
    ("SET k [0]", "JSONMERGE.TAKE", "ERR wrong number of arguments for 'jsonmerge.take' command"),
    ("SET k [0]", "JSONMERGE.TAKE k k", "ERR syntax error"),
];

/// Returns everything that a client can see of the key except the encoding, which may become raw for a short
/// string.
fn state(client: &mut Client) -> [String; 3] {
    ["TYPE k", "PEXPIRETIME k", "DUMP k"].map(|command| client.ok(command))
}

#[test]
fn refused_commands_change_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let mut watcher = server.client();
    let mut events = Pushes::events(&server);
    let mut cache = Pushes::tracking(&server);
    let mut stream = ReplicationStream::attach(&server);
    for (setup, command, error) in REFUSED {
        client.ok("DEL k");
        client.ok(setup);
        let before = state(&mut client);
        watcher.ok("WATCH k");
        cache.ok("DUMP k");
        stream.commands(&mut client);
        events.drain();
        cache.drain();

        assert_eq!(client.call(command), Err(error.to_string()), "{setup}; {command}");

        assert_eq!(state(&mut client), before, "{setup}; {command}");
        assert_eq!(stream.commands(&mut client), [""; 0], "replicated: {setup}; {command}");
        assert_eq!(events.drain(), [""; 0], "events: {setup}; {command}");
        assert_eq!(cache.drain(), [""; 0], "invalidated: {setup}; {command}");
        watcher.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(PONG)")]);
    }
}

#[test]
fn errorstats_counts_errors_by_their_code() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("CONFIG RESETSTAT");
    for command in ["JSONMERGE.APPEND k {}", "JSONMERGE.APPEND k [", "JSONMERGE.APPEND k [] FOO"] {
        client.call(command).expect_err(command);
    }
    let stats = client.ok("INFO errorstats");
    for code in ["BADJSON", "NOTARRAY", "ERR"] {
        assert!(stats.contains(&format!("errorstat_{code}:count=1")), "{stats}");
    }
}

#[test]
fn errors_do_not_echo_stored_data() {
    let server = Server::start();
    let mut client = server.client();
    let secret = "hunter2";
    for stored in [
        "hunter2",
        "\"hunter2\"",
        "[hunter2]",
        "[\"hunter2\",]",
        "[\"hunter2\"",
        "{\"hunter2\":1}",
        "{\"hunter2\" 1}",
        "[\"hunter2\\x\"]",
        "[\"hunter2\\u12\"]",
        "[\"hunter2\"]hunter2",
        "[truehunter2]",
        "[1hunter2]",
    ] {
        for padding in [0, 1000] {
            let value = format!("{stored}{}", " ".repeat(padding));
            client.call_with(&[b"SET", b"k", value.as_bytes()]).expect("SET succeeds");
            for command in [
                "JSONMERGE.APPEND k [1]",
                "JSONMERGE.APPEND k [] REPLY LEN EX 1",
                "JSONMERGE.TAKE k",
            ] {
                let error = client.call(command).expect_err(stored);
                assert!(!error.contains(secret), "{stored}: {error}");
            }
        }
    }
    assert!(!server.log().contains(secret));
}

#[test]
fn errors_report_the_argument_before_the_stored_value() {
    let server = Server::start();
    server.client().expect(&[
        ("SET k nonsense", "OK"),
        ("JSONMERGE.APPEND k {}", "(error) NOTARRAY argument is a JSON object, expected an array"),
    ]);
}
