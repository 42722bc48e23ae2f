//! What TAKE replies, and what it leaves.

use crate::support::server::Server;

#[test]
fn take_against_an_array_returns_and_deletes_it() {
    let server = Server::start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1,{\"a\":[]}]", "[1,{\"a\":[]}]"),
        ("JSONMERGE.TAKE k", "[1,{\"a\":[]}]"),
        ("EXISTS k", "(integer) 0"),
        ("SET k [] EX 100", "OK"),
        ("JSONMERGE.TAKE k", "[]"),
        ("TTL k", "(integer) -2"),
    ]);
}

#[test]
fn take_against_a_missing_key_returns_null() {
    let server = Server::start();
    server.client().expect(&[("JSONMERGE.TAKE k", "(nil)"), ("EXISTS k", "(integer) 0")]);
}

#[test]
fn take_against_anything_but_an_array_returns_an_error_and_leaves_it() {
    let server = Server::start();
    server.client().expect(&[
        ("SET k {}", "OK"),
        ("JSONMERGE.TAKE k", "(error) NOTARRAY stored value is a JSON object, expected an array"),
        ("GET k", "{}"),
        ("SET k [1,", "OK"),
        (
            "JSONMERGE.TAKE k",
            "(error) BADJSON stored value is not valid JSON: unexpected end at byte 3",
        ),
        ("GET k", "[1,"),
        ("RPUSH list 1", "(integer) 1"),
        (
            "JSONMERGE.TAKE list",
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("LLEN list", "(integer) 1"),
    ]);
}

#[test]
fn take_against_whitespace_around_the_array_returns_it() {
    let server = Server::start();
    let mut client = server.client();
    client.call_with(&[b"SET", b"k", b"\n [1] \t"]).expect("SET succeeds");
    assert_eq!(client.ok("JSONMERGE.TAKE k"), "\n [1] \t");
}
