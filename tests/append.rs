//! What APPEND stores, and what it replies.

use crate::support::server::Server;

#[test]
fn append_against_a_missing_key_creates_it_as_sent() {
    let server = Server::start();
    let mut client = server.client();
    for (row, array) in
        ["[]", "[1]", " [ 1 , 2 ] ", "\t[\n]\r\n", "[\"\u{e9}\\ud800\"]"].iter().enumerate()
    {
        let key = format!("k{row}");
        let append = [b"JSONMERGE.APPEND", key.as_bytes(), array.as_bytes()];
        assert_eq!(client.call_with(&append), Ok(array.to_string()), "{array:?}");
        assert_eq!(client.call(&format!("GET {key}")), Ok(array.to_string()), "{array:?}");
    }
}

/// The table of splices is in src/array.rs. These rows are data that the Lua script damages, and one row
/// with whitespace everywhere.
#[test]
fn append_against_an_array_splices_byte_for_byte() {
    let server = Server::start();
    let mut client = server.client();
    for (stored, array, merged) in [
        ("[{\"tags\":[]}]", "[1]", "[{\"tags\":[]},1]"),
        ("[9007199254740993]", "[3.141592653589793]", "[9007199254740993,3.141592653589793]"),
        ("[\"a/b\"]", "[1.0]", "[\"a/b\",1.0]"),
        ("[{\"b\":1,\"a\":2}]", "[{\"a\":1,\"a\":2}]", "[{\"b\":1,\"a\":2},{\"a\":1,\"a\":2}]"),
        ("[1e999999]", "[-0,\"\\ud800\"]", "[1e999999,-0,\"\\ud800\"]"),
        ("\n[ 1 ]      \n", "\n[ 2 , 3 ]\n", "\n[ 1 ,2 , 3]\n"),
    ] {
        let set = [b"SET", &b"k"[..], stored.as_bytes()];
        let append = [b"JSONMERGE.APPEND", &b"k"[..], array.as_bytes()];
        for append in [append.to_vec(), [append.as_slice(), &[b"TRUST"]].concat()] {
            client.call_with(&set).expect("SET succeeds");
            assert_eq!(client.call_with(&append), Ok(merged.into()), "{stored:?} + {array:?}");
            assert_eq!(client.call("GET k"), Ok(merged.into()), "{stored:?} + {array:?}");
        }
    }
}

#[test]
fn append_replies_with_what_the_reply_option_names() {
    let server = Server::start();
    server.client().expect(&[
        ("JSONMERGE.APPEND k [1,2] REPLY LEN", "(integer) 2"),
        ("JSONMERGE.APPEND k [3] REPLY LEN", "(integer) 3"),
        ("JSONMERGE.APPEND k [] REPLY LEN", "(integer) 3"),
        ("JSONMERGE.APPEND k [[4,5]] REPLY SIZE", "(integer) 13"),
        ("STRLEN k", "(integer) 13"),
        ("JSONMERGE.APPEND k [] REPLY SIZE", "(integer) 13"),
        ("JSONMERGE.APPEND k [] REPLY JSON", "[1,2,3,[4,5]]"),
        ("JSONMERGE.APPEND k [6]", "[1,2,3,[4,5],6]"),
        ("JSONMERGE.APPEND new [] REPLY LEN", "(integer) 0"),
        ("JSONMERGE.APPEND other [{}] REPLY SIZE", "(integer) 4"),
    ]);
}

#[test]
fn append_repeatedly_counts_every_element() {
    let server = Server::start();
    let mut client = server.client();
    for len in 1..=2000 {
        let reply = client.ok(&format!("JSONMERGE.APPEND k [{{\"n\":{len}}}] REPLY LEN"));
        assert_eq!(reply, format!("(integer) {len}"));
    }
    let expected: Vec<String> = (1..=2000).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert_eq!(client.ok("GET k"), format!("[{}]", expected.join(",")));
}
