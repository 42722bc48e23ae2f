//! The options of APPEND: syntax, TTL, TRUST.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::client::Client;
use crate::support::server::{Server, wait_until};

fn integer(reply: &str) -> i64 {
    reply.trim_start_matches("(integer) ").parse().expect("the reply is an integer")
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    i64::try_from(now.as_millis()).expect("the time fits into 64 bits")
}

#[track_caller]
fn assert_ttl_is_about(client: &mut Client, milliseconds: i64) {
    let ttl = integer(&client.ok("PTTL k"));
    assert!(
        (milliseconds - 10_000..=milliseconds).contains(&ttl),
        "the TTL is {ttl} ms, not {milliseconds}"
    );
}

#[test]
fn append_with_an_expire_option_sets_the_ttl() {
    let server = Server::start();
    let mut client = server.client();
    let (second, milli) = (now() / 1000 + 500, now() + 500_000);
    for option in ["EX 500", "PX 500000", &format!("EXAT {second}"), &format!("PXAT {milli}")] {
        for existing in [false, true] {
            client.ok("DEL k");
            if existing {
                client.ok("SET k [0] EX 5000");
            }
            client.ok(&format!("JSONMERGE.APPEND k [1] {option}"));
            assert_ttl_is_about(&mut client, 500_000);
        }
    }
    assert_eq!(client.ok(&format!("JSONMERGE.APPEND k [] PXAT {milli}")), "[0,1]");
    assert_eq!(integer(&client.ok("PEXPIRETIME k")), milli);
}

#[test]
fn append_without_an_expire_option_keeps_the_ttl() {
    let server = Server::start();
    let mut client = server.client();
    client.expect(&[
        ("SET k [0] PXAT 9999999999999", "OK"),
        ("JSONMERGE.APPEND k [1] REPLY LEN", "(integer) 2"),
        ("PEXPIRETIME k", "(integer) 9999999999999"),
        ("JSONMERGE.APPEND k [] TRUST REPLY SIZE", "(integer) 5"),
        ("PEXPIRETIME k", "(integer) 9999999999999"),
        ("JSONMERGE.APPEND new [1]", "[1]"),
        ("PTTL new", "(integer) -1"),
    ]);
}

#[test]
fn append_with_persist_removes_the_ttl() {
    let server = Server::start();
    server.client().expect(&[
        ("SET k [0] EX 500", "OK"),
        ("JSONMERGE.APPEND k [1] PERSIST", "[0,1]"),
        ("PTTL k", "(integer) -1"),
        ("JSONMERGE.APPEND k [] PERSIST", "[0,1]"),
        ("EXPIRE k 500", "(integer) 1"),
        ("JSONMERGE.APPEND k [] PERSIST", "[0,1]"),
        ("PTTL k", "(integer) -1"),
        ("JSONMERGE.APPEND new [] PERSIST", "[]"),
        ("PTTL new", "(integer) -1"),
    ]);
}

/// What is propagated, and the events, are in tests/effects.rs.
#[test]
fn append_with_an_expire_time_in_the_past_replies_and_deletes_the_key() {
    let server = Server::start();
    let mut client = server.client();
    // The command itself must delete the key, not the next lookup or the expire cycle.
    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    let missing: &[&str] = &["DEL k"];
    let short: &[&str] = &["DEL k", "SET k [0]"];
    let with_ttl: &[&str] = &["DEL k", "SET k [0] EX 500"];
    for (setup, options, reply) in [
        (short, "[1] PXAT 1", "[0,1]"),
        (short, "[1] EXAT 1 REPLY LEN", "(integer) 2"),
        (short, "[1] EXAT 1 REPLY SIZE", "(integer) 5"),
        (short, "[1] PXAT 1 REPLY JSON TRUST", "[0,1]"),
        (short, "[1] PXAT 1 REPLY SIZE TRUST", "(integer) 5"),
        (short, "[] PXAT 1", "[0]"),
        (with_ttl, "[1] PXAT 1", "[0,1]"),
        (with_ttl, "[] PXAT 1 REPLY LEN", "(integer) 1"),
        (missing, "[1] PXAT 1", "[1]"),
        (missing, "[1,2] PXAT 1 REPLY LEN", "(integer) 2"),
        (missing, "[1,2] PXAT 1 REPLY SIZE", "(integer) 5"),
        (missing, "[1] PXAT 1 REPLY SIZE TRUST", "(integer) 3"),
        (missing, "[] EXAT 1", "[]"),
    ] {
        setup.iter().for_each(|command| _ = client.ok(command));
        client.expect(&[
            (&format!("JSONMERGE.APPEND k {options}"), reply),
            ("DBSIZE", "(integer) 0"),
        ]);
    }
    assert_eq!(server.info("expired_keys"), 0);
}

#[test]
fn append_with_an_expire_time_in_the_past_against_every_encoding_replies_and_deletes_the_key() {
    let server = Server::start();
    let mut client = server.client();
    for size in [2, 44, 45, 128, 1000, 1_000_000] {
        for is_raw in [false, true] {
            let array = format!("[{}]", " ".repeat(size - 2));
            client.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET succeeds");
            if is_raw {
                client.ok("SETRANGE k 0 [");
            }
            let append = [b"JSONMERGE.APPEND", &b"k"[..], b"[]", b"PXAT", b"1"];
            assert_eq!(client.call_with(&append), Ok(array), "{size} {is_raw}");
            assert_eq!(client.ok("DBSIZE"), "(integer) 0");
        }
    }
}

/// A reload drops expired keys without propagating the deletion, so no expired key may be left.
#[test]
fn a_reload_after_an_expire_time_in_the_past_leaves_master_and_replica_equal() {
    let [master, replica] = [Server::start(), Server::plain()];
    replica.follow(&master);
    let mut client = master.client();
    client.expect(&[
        ("DEBUG SET-ACTIVE-EXPIRE 0", "OK"),
        ("MSET a [0] b [0] c [0]", "OK"),
        ("JSONMERGE.APPEND a [1] PXAT 1", "[0,1]"),
        ("JSONMERGE.APPEND b [] EXAT 1 REPLY LEN", "(integer) 1"),
        ("JSONMERGE.APPEND missing [1] EXAT 1", "[1]"),
        ("DEBUG RELOAD", "OK"),
        ("DBSIZE", "(integer) 1"),
        ("JSONMERGE.APPEND a [2]", "[2]"),
        ("WAIT 1 20000", "(integer) 1"),
    ]);
    let digest = client.ok("DEBUG DIGEST");
    replica.client().expect(&[("DBSIZE", "(integer) 2"), ("DEBUG DIGEST", &digest)]);
}

/// Since Redis 7.2, the time that SET and APPEND use does not advance while a script runs.
#[test]
fn append_in_a_script_uses_the_same_time_as_set() {
    let server = Server::start();
    let script = b"redis.call('SET', 'a', '[]', 'PX', 500000)
        redis.call('JSONMERGE.APPEND', 'b', '[]', 'PX', 500000)
        for _ = 1, 2000000 do end
        redis.call('SET', 'c', '[]', 'PX', 500000)
        redis.call('JSONMERGE.APPEND', 'd', '[]', 'PX', 500000)
        return 'done'";
    let mut client = server.client();
    client.call_with(&[b"EVAL", script, b"0"]).expect("EVAL");
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|key| client.ok(&format!("PEXPIRETIME {key}")));
    if a == c {
        assert_eq!([&b, &d], [&a, &a]);
    }
}

#[test]
fn append_against_an_expired_key_creates_it() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    client.ok("SET k [0] PX 1");
    wait_until("the key has expired", || server.client().ok("TTL k") == "(integer) -2");
    assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
    assert_eq!(client.ok("PTTL k"), "(integer) -1");
}

#[test]
fn append_accepts_options_in_any_order_and_case() {
    let server = Server::start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1] REPLY LEN EX 100", "(integer) 1"),
        ("JSONMERGE.APPEND k [2] reply size trust ex 100", "(integer) 5"),
        ("jsonmerge.append k [3] Trust Persist Reply Json", "[1,2,3]"),
        ("JsonMerge.Append k [4] pXaT 9999999999999 tRuSt", "[1,2,3,4]"),
        ("PEXPIRETIME k", "(integer) 9999999999999"),
    ]);
}

/// Compares which expire times are accepted, and what happens to the key.
#[test]
fn append_parses_an_expire_time_as_set_does() {
    let server = Server::start();
    let mut client = server.client();
    let times = [
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
        "9999999999",
        "99999999999999",
        "9223372036854775806",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551617",
        "99999999999999999999999999",
    ];
    for option in ["EX", "PX", "EXAT", "PXAT"] {
        for time in times {
            let [ours, cores] = ["JSONMERGE.APPEND", "SET"].map(|command| {
                let arguments = [command, "k", "[]", option, time].map(str::as_bytes);
                client.ok("DEL k");
                let refused = client.call_with(&arguments).err();
                let refused = refused.map(|error| error.replace(&command.to_lowercase(), "it"));
                (refused, client.ok("PEXPIRETIME k"))
            });
            assert_eq!(ours.0, cores.0, "{option} {time:?}");
            if option.ends_with("AT") {
                assert_eq!(ours.1, cores.1, "{option} {time:?}");
            }
        }
    }
}

#[test]
fn append_against_invalid_options_is_refused() {
    const SYNTAX: &str = "(error) ERR syntax error";
    const INTEGER: &str = "(error) ERR value is not an integer or out of range";
    const EXPIRE: &str = "(error) ERR invalid expire time in 'jsonmerge.append' command";
    const TRUST: &str = "(error) ERR TRUST does not count elements, use REPLY SIZE";
    let server = Server::start();
    let mut client = server.client();
    for (options, error) in [
        ("FOO", SYNTAX),
        ("", SYNTAX),
        ("TRUSTED", SYNTAX),
        ("NX", SYNTAX),
        ("KEEPTTL", SYNTAX),
        ("TRUST TRUST", SYNTAX),
        ("PERSIST PERSIST", SYNTAX),
        ("REPLY LEN REPLY LEN", SYNTAX),
        ("EX 1 EX 1", SYNTAX),
        ("EX 1 PX 1", SYNTAX),
        ("EX 1 PERSIST", SYNTAX),
        ("PERSIST PXAT 1", SYNTAX),
        ("EXAT 1 PXAT 1", SYNTAX),
        ("EX", SYNTAX),
        ("PX", SYNTAX),
        ("EXAT", SYNTAX),
        ("PXAT", SYNTAX),
        ("REPLY", SYNTAX),
        ("REPLY FOO", SYNTAX),
        ("REPLY TRUST", SYNTAX),
        ("EX abc FOO", SYNTAX),
        ("EX abc", INTEGER),
        ("EX 1.5", INTEGER),
        ("EX +1", INTEGER),
        ("EX 01", INTEGER),
        ("PX 9223372036854775808", INTEGER),
        ("EX TRUST", INTEGER),
        ("EX 0", EXPIRE),
        ("PX -1", EXPIRE),
        ("EXAT 0", EXPIRE),
        ("PXAT -9223372036854775808", EXPIRE),
        ("EX 9223372036854775807", EXPIRE),
        ("PX 9223372036854775807", EXPIRE),
        ("EXAT 9223372036854776", EXPIRE),
        ("TRUST REPLY LEN", TRUST),
        ("REPLY LEN EX 10 TRUST", TRUST),
        ("REPLY LEN TRUST EX 0", EXPIRE),
    ] {
        for setup in ["DEL k", "SET k [0]", "SET k nonsense"] {
            client.ok(setup);
            let command = format!("JSONMERGE.APPEND k [1] {options}");
            client.expect(&[(&command, error)]);
            assert_eq!(client.ok("EXISTS k") == "(integer) 0", setup == "DEL k", "{command}");
        }
    }
}

#[test]
fn append_with_trust_validates_only_the_first_and_last_byte() {
    let server = Server::start();
    server.client().expect(&[
        ("SET k [no,json]", "OK"),
        ("JSONMERGE.APPEND k [1] TRUST", "[no,json,1]"),
        ("SET k [1}", "OK"),
        (
            "JSONMERGE.APPEND k [1] TRUST",
            "(error) BADJSON stored value is not valid JSON: expected ',' or ']' at byte 2",
        ),
        ("SET k {\"a\":[]}", "OK"),
        (
            "JSONMERGE.APPEND k [1] TRUST",
            "(error) NOTARRAY stored value is a JSON object, expected an array",
        ),
        ("SET k \"[]\"", "OK"),
        (
            "JSONMERGE.APPEND k [1] TRUST",
            "(error) NOTARRAY stored value is a JSON string, expected an array",
        ),
        ("SET k [1]", "OK"),
        (
            "JSONMERGE.APPEND k [1 TRUST",
            "(error) BADJSON argument is not valid JSON: unexpected end at byte 2",
        ),
        ("GET k", "[1]"),
    ]);
}
