//! The module's section of INFO.

use std::collections::BTreeMap;

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

/// The counters that are not 0, without their prefix.
fn counters(client: &mut Client) -> BTreeMap<String, u64> {
    let section = client.ok("INFO jsonmerge");
    let mut lines = section.lines();
    assert_eq!(lines.next(), Some("# jsonmerge"));
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a field");
        let name = name.strip_prefix("jsonmerge_").expect("the module's prefix");
        (name.to_owned(), value.trim().parse().expect("a number"))
    });
    fields.filter(|(_, value)| *value != 0).collect()
}

/// Runs commands, and asserts which counters that changes, and by how much.
#[track_caller]
fn count(client: &mut Client, commands: &[&str], expected: &[(&str, u64)]) {
    let before = counters(client);
    commands.iter().for_each(|command| _ = client.call(command));
    let mut after = counters(client);
    for (name, value) in before {
        *after.entry(name).or_default() -= value;
    }
    after.retain(|_, value| *value != 0);
    let after: Vec<_> = after.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(after, expected, "{commands:?}");
}

#[test]
fn what_was_appended_and_taken_is_counted() {
    let server = Server::start();
    let mut client = server.client();
    count(&mut client, &[], &[]);
    count(
        &mut client,
        &["JSONMERGE.APPEND k [1,2]"],
        &[("appends", 1), ("elements_added", 2), ("bytes_added", 5)],
    );
    // `,"x"]`, and the check of `[1,2]`.
    count(
        &mut client,
        &["JSONMERGE.APPEND k [\"x\"] REPLY LEN"],
        &[("appends", 1), ("elements_added", 1), ("bytes_added", 5), ("bytes_scanned", 5)],
    );
    count(&mut client, &["JSONMERGE.APPEND k [] TRUST REPLY SIZE"], &[("appends", 1)]);
    count(&mut client, &["JSONMERGE.TAKE k"], &[("takes", 1), ("bytes_scanned", 9)]);
    count(&mut client, &["JSONMERGE.TAKE k", "GET k", "INFO"], &[]);
}

#[test]
fn refusals_are_counted_by_their_cause() {
    let server = Server::start();
    let mut client = server.client();
    client.expect(&[
        ("RPUSH list 1", "(integer) 1"),
        ("MSET text no object {} array []", "OK"),
        ("CONFIG SET proto-max-bulk-len 1mb", "OK"),
    ]);
    let large = format!("JSONMERGE.APPEND array [\"{}\"]", "x".repeat(1024 * 1024 - 10));
    for (commands, cause) in [
        (&["JSONMERGE.APPEND k no", "JSONMERGE.APPEND array [1"][..], "refused_badjson_argument"),
        (&["JSONMERGE.APPEND k {}", "JSONMERGE.APPEND array 1"], "refused_notarray_argument"),
        (&["JSONMERGE.APPEND list [1]", "JSONMERGE.TAKE list"], "refused_wrongtype"),
        (&["JSONMERGE.APPEND k [1] NO", "JSONMERGE.APPEND k [1] EX 0"], "refused_syntax"),
    ] {
        count(&mut client, commands, &[(cause, 2)]);
    }
    for (stored, cause) in
        [("text", "refused_badjson_stored"), ("object", "refused_notarray_stored")]
    {
        let commands =
            [format!("JSONMERGE.APPEND {stored} [1]"), format!("JSONMERGE.TAKE {stored}")];
        count(
            &mut client,
            &commands.each_ref().map(String::as_str),
            &[(cause, 2), ("bytes_scanned", 4)],
        );
    }
    client.ok(&large);
    count(&mut client, &["JSONMERGE.APPEND array [1234567] TRUST"], &[("refused_too_large", 1)]);
}

#[test]
fn the_memo_is_filled_by_whatever_is_checked() {
    let server = Server::start();
    let mut client = server.client();
    let array = format!("[\"{}\"]", "x".repeat(996));
    let append = [("appends", 1), ("elements_added", 1), ("bytes_added", 3)];
    let hit = [&append[..], &[("memo_hits", 1)]].concat();
    let miss = [&append[..], &[("memo_misses", 1)]].concat();
    // What was created is known; what was hashed to remember it is all but the closing bracket.
    let created =
        [("appends", 1), ("elements_added", 1), ("bytes_added", 1000), ("bytes_hashed", 999)];
    count(&mut client, &[&format!("JSONMERGE.APPEND k {array}")], &created);
    // What was appended to is known.
    for size in [999, 1001] {
        let hashed = [("bytes_hashed", size + 2)];
        count(&mut client, &["JSONMERGE.APPEND k [1] REPLY LEN"], &[&hit[..], &hashed].concat());
    }
    // What somebody else wrote is not, until it was looked at once.
    client.ok(&format!("SET k {array}"));
    client.ok("SETRANGE k 5 y");
    let first = [("bytes_hashed", 1001), ("bytes_scanned", 1000)];
    count(&mut client, &["JSONMERGE.APPEND k [1] REPLY LEN"], &[&miss[..], &first].concat());
    let taken = [("takes", 1), ("memo_hits", 1), ("bytes_hashed", 1001)];
    count(&mut client, &["JSONMERGE.TAKE k"], &taken);
    // TRUST neither asks nor tells the memo.
    client.ok(&format!("SET k {array}"));
    count(&mut client, &["JSONMERGE.APPEND k [1] TRUST REPLY SIZE"], &append);
}

#[test]
fn without_slots_everything_is_scanned() {
    let server = Settings::new().module().with("jsonmerge.verified-slots 0").start();
    let mut client = server.client();
    client.ok(&format!("JSONMERGE.APPEND k [\"{}\"]", "x".repeat(996)));
    for _ in 0..2 {
        count(&mut client, &["JSONMERGE.APPEND k []"], &[("appends", 1), ("bytes_scanned", 1000)]);
    }
}

#[test]
fn the_section_stands_where_sections_of_modules_stand() {
    let server = Server::start();
    for mut client in [server.client(), server.client_resp3()] {
        for section in ["INFO jsonmerge", "INFO modules", "INFO everything"] {
            assert!(client.ok(section).contains("jsonmerge_appends:0\r\n"), "{section}");
        }
        for section in ["INFO", "INFO all", "INFO stats"] {
            assert!(!client.ok(section).contains("jsonmerge_appends"), "{section}");
        }
    }
}
