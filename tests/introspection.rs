//! What the server reports about the commands: arity, flags, keys, categories, documentation.

use redis::Value;

use crate::support::client::text;
use crate::support::server::Server;

#[test]
fn command_info_has_arity_flags_and_key() {
    let server = Server::start();
    let mut client = server.client();
    let blocking = if server.has_categories() { " blocking" } else { "" };
    let take_flags = format!("write module{blocking}");
    for (command, arity, flags, key_flags) in [
        ("jsonmerge.append", "(integer) -3", "write denyoom module", "RW access insert"),
        ("jsonmerge.take", "(integer) -2", &take_flags, "RW access delete"),
    ] {
        let reply = client
            .value_of(&[b"COMMAND", b"INFO", command.as_bytes()])
            .expect("COMMAND INFO succeeds");
        let Value::Array(commands) = reply else { panic!("{reply:?}") };
        let Value::Array(info) = &commands[0] else { panic!("{commands:?}") };
        assert_eq!(text(&info[0]), command);
        assert_eq!(text(&info[1]), arity);
        assert_eq!(text(&info[2]), format!("({flags})"));
        assert_eq!([text(&info[3]), text(&info[4]), text(&info[5])], ["(integer) 1"; 3]);
        let specs = text(&info[8]);
        let begin = "begin_search (type index spec (index (integer) 1))";
        assert!(specs.contains(&format!("flags ({key_flags}) {begin}")), "{specs}");
        assert!(specs.contains("lastkey (integer) 0 keystep (integer) 1"), "{specs}");
        let categories = text(&info[6]);
        for category in ["@write", "@string"] {
            assert_eq!(categories.contains(category), server.has_categories(), "{categories}");
        }
        let is_blocking = server.has_categories() && command == "jsonmerge.take";
        assert_eq!(categories.contains("@blocking"), is_blocking, "{categories}");
    }
}

#[test]
fn command_getkeys_finds_only_the_key() {
    let server = Server::start();
    server.client().expect(&[
        ("COMMAND GETKEYS JSONMERGE.APPEND k [1] EX 10 REPLY LEN", "(k)"),
        ("COMMAND GETKEYS JSONMERGE.TAKE k", "(k)"),
        ("COMMAND GETKEYSANDFLAGS JSONMERGE.APPEND k [1]", "((k (RW access insert)))"),
        ("COMMAND GETKEYSANDFLAGS JSONMERGE.TAKE k", "((k (RW access delete)))"),
    ]);
}

/// Removes the display_text that Redis 7.2 and Valkey add to each argument.
fn without_display_text(reply: Value) -> Value {
    let Value::Array(items) = reply else { return reply };
    let mut kept = Vec::new();
    let mut items = items.into_iter().map(without_display_text);
    while let Some(item) = items.next() {
        match text(&item).as_str() {
            "display_text" => _ = items.next(),
            _ => kept.push(item),
        }
    }
    Value::Array(kept)
}

#[test]
fn command_docs_have_summary_complexity_since_and_arguments() {
    let append = "(jsonmerge.append (\
        summary Appends the elements of a JSON array to the array stored at a key. \
        Creates the key if it doesn't exist. \
        since 0.1.0 \
        group module \
        complexity O(N+M) where N is the size of the stored value in bytes and M is the size of \
        the array; O(M) with TRUST and REPLY SIZE. \
        module jsonmerge \
        arguments (\
        (name key type key key_spec_index (integer) 0) \
        (name array type string) \
        (name trust type pure-token token TRUST flags (optional)) \
        (name expiration type oneof flags (optional) arguments (\
        (name seconds type integer token EX) \
        (name milliseconds type integer token PX) \
        (name unix-time-seconds type unix-time token EXAT) \
        (name unix-time-milliseconds type unix-time token PXAT) \
        (name persist type pure-token token PERSIST))) \
        (name reply type oneof token REPLY flags (optional) arguments (\
        (name json type pure-token token JSON) \
        (name len type pure-token token LEN) \
        (name size type pure-token token SIZE))))))";
    let take = "(jsonmerge.take (\
        summary Returns the JSON array stored at a key after deleting the key, or returns and removes \
        its first elements. Waits for the key if it doesn't exist and BLOCK is given. \
        since 0.1.0 \
        group module \
        complexity O(N) where N is the size of the stored value in bytes; with COUNT and TRUST O(M+S) \
        where M is the size of the elements returned and S is the number of spaces that earlier takes \
        have left. \
        module jsonmerge \
        arguments (\
        (name key type key key_spec_index (integer) 0) \
        (name count type integer token COUNT flags (optional)) \
        (name trust type pure-token token TRUST flags (optional)) \
        (name milliseconds type integer token BLOCK flags (optional)))))";
    let server = Server::start();
    let mut client = server.client();
    for (command, docs) in [("JSONMERGE.APPEND", append), ("JSONMERGE.TAKE", take)] {
        let reply = client
            .value_of(&[b"COMMAND", b"DOCS", command.as_bytes()])
            .expect("COMMAND DOCS succeeds");
        assert_eq!(text(&without_display_text(reply)), docs);
    }
}

#[test]
fn module_list_has_name_and_version() {
    let server = Server::start();
    let list = server.client().ok("MODULE LIST");
    assert!(list.contains("name jsonmerge ver (integer) 100"), "{list}");
}
