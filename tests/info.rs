//! The module's section of INFO.

use std::collections::BTreeMap;

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

const FIELDS: [&str; 13] = [
    "elements_added",
    "elements_taken",
    "bytes_added",
    "refused_argument",
    "refused_stored",
    "cache_enabled",
    "cache_hits",
    "cache_misses",
    "cache_entries",
    "cache_bytes",
    "bytes_hashed",
    "bytes_validated",
    "internal_errors",
];

/// Returns the fields of the section, in its order, without their prefix.
fn fields(client: &mut Client) -> Vec<(String, i64)> {
    let section = client.ok("INFO jsonmerge");
    let mut lines = section.lines();
    assert_eq!(lines.next(), Some("# jsonmerge"));
    let field = |line: &str| {
        let (name, value) = line.split_once(':').expect("the line is a field");
        let name = name.strip_prefix("jsonmerge_").expect("the field has the module's prefix");
        (name.to_owned(), value.trim().parse().expect("the value is a number"))
    };
    lines.map(field).collect()
}

/// Returns one field.
pub fn field(client: &mut Client, name: &str) -> i64 {
    let mut fields = fields(client).into_iter();
    let field = fields.find(|(field, _)| field == name);
    field.unwrap_or_else(|| panic!("INFO jsonmerge has no field {name}")).1
}

/// Returns whether the module uses the validation cache: the processor may lack the instructions for it.
pub fn has_cache(client: &mut Client) -> bool {
    let has_cache = field(client, "cache_enabled") == 1;
    if !has_cache {
        println!("not tested: the validation cache, which this processor cannot use");
    }
    has_cache
}

/// Runs commands, and asserts which fields they change, and by how much.
#[track_caller]
fn assert_changes(client: &mut Client, commands: &[&str], expected: &[(&str, i64)]) {
    let before: BTreeMap<_, _> = fields(client).into_iter().collect();
    commands.iter().for_each(|command| _ = client.call(command));
    let mut changes = fields(client);
    changes.iter_mut().for_each(|(name, value)| *value -= before[name]);
    changes.retain(|(_, change)| *change != 0);
    changes.sort_unstable();
    let changes: Vec<_> = changes.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(changes, expected, "{commands:?}");
}

#[test]
fn info_has_these_fields_in_this_order() {
    let server = Server::start();
    let fields = fields(&mut server.client());
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, FIELDS);
    for (name, value) in &fields {
        assert!(*value == 0 || ["cache_enabled", "cache_bytes"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn info_counts_the_elements_and_bytes_appended_and_taken() {
    let server = Server::start();
    let mut client = server.client();
    for (command, changes) in [
        ("JSONMERGE.APPEND k [1,2]", &[("elements_added", 2), ("bytes_added", 5)][..]),
        // This writes `,"x"]` and validates `[1,2]`.
        (
            "JSONMERGE.APPEND k [\"x\"] REPLY LEN",
            &[("elements_added", 1), ("bytes_added", 5), ("bytes_validated", 5)],
        ),
        ("JSONMERGE.APPEND k [] TRUST REPLY SIZE", &[]),
        (
            "JSONMERGE.APPEND k [3] TRUST EX 100 REPLY SIZE",
            &[("elements_added", 1), ("bytes_added", 3)],
        ),
        ("JSONMERGE.TAKE k", &[("elements_taken", 4), ("bytes_validated", 11)]),
        ("JSONMERGE.TAKE k", &[]),
        ("JSONMERGE.APPEND k [1] PXAT 1", &[]),
        ("GET k", &[]),
        ("INFO", &[]),
    ] {
        assert_changes(&mut client, &[command], changes);
    }
}

#[test]
fn info_counts_refusals_by_what_is_invalid() {
    let server = Server::start();
    let mut client = server.client();
    client.expect(&[
        ("RPUSH list 1", "(integer) 1"),
        ("MSET text no object {} array []", "OK"),
        ("CONFIG SET proto-max-bulk-len 1mb", "OK"),
    ]);
    let large = format!("JSONMERGE.APPEND array [\"{}\"]", "x".repeat(1024 * 1024 - 10));
    for (commands, changes) in [
        (
            &["JSONMERGE.APPEND k no", "JSONMERGE.APPEND array [1"][..],
            &[("refused_argument", 2)][..],
        ),
        (&["JSONMERGE.APPEND k {}", "JSONMERGE.APPEND array 1"], &[("refused_argument", 2)]),
        (
            &["JSONMERGE.APPEND text [1]", "JSONMERGE.TAKE text"],
            &[("refused_stored", 2), ("bytes_validated", 4)],
        ),
        (
            &["JSONMERGE.APPEND object [1]", "JSONMERGE.TAKE object"],
            &[("refused_stored", 2), ("bytes_validated", 4)],
        ),
        // INFO errorstats counts these.
        (&["JSONMERGE.APPEND list [1]", "JSONMERGE.TAKE list"], &[]),
        (&["JSONMERGE.APPEND k [1] NO", "JSONMERGE.APPEND k [1] EX 0", "JSONMERGE.TAKE"], &[]),
    ] {
        assert_changes(&mut client, commands, changes);
    }
    client.ok(&large);
    assert_changes(&mut client, &["JSONMERGE.APPEND array [1234567] TRUST"], &[]);
}

#[test]
fn info_counts_hits_and_misses_of_the_validation_cache() {
    let server = Server::start();
    let mut client = server.client();
    if !has_cache(&mut client) {
        return;
    }
    let array = format!("[\"{}\"]", "x".repeat(996));
    let add = |bytes: i64| [("elements_added", 1), ("bytes_added", bytes)];
    // A created array is cached. All of it except the closing bracket is hashed.
    let created = [&add(1000)[..], &[("bytes_hashed", 999), ("cache_entries", 1)]].concat();
    assert_changes(&mut client, &[&format!("JSONMERGE.APPEND k {array}")], &created);
    // The result of an append is cached, too. The stored value is hashed once, then the new elements.
    for size in [999, 1001] {
        let hit = [&add(3)[..], &[("cache_hits", 1), ("bytes_hashed", size + 2)]].concat();
        assert_changes(&mut client, &["JSONMERGE.APPEND k [1] REPLY LEN"], &hit);
    }
    // A value that another command wrote is validated once.
    client.ok(&format!("SET k {array}"));
    client.ok("SETRANGE k 5 y");
    let miss = [("cache_misses", 1), ("bytes_hashed", 1001), ("bytes_validated", 1000)];
    let miss = [&add(3)[..], &miss, &[("cache_entries", 1)]].concat();
    assert_changes(&mut client, &["JSONMERGE.APPEND k [1] REPLY LEN"], &miss);
    let taken =
        [("elements_taken", 2), ("cache_hits", 1), ("bytes_hashed", 1001), ("cache_entries", -1)];
    assert_changes(&mut client, &["JSONMERGE.TAKE k"], &taken);
    // TRUST does not use the cache.
    client.ok(&format!("SET k {array}"));
    assert_changes(&mut client, &["JSONMERGE.APPEND k [1] TRUST REPLY SIZE"], &add(3));
}

#[test]
fn info_counts_validated_bytes_without_a_validation_cache() {
    let server = Settings::new().module().with("jsonmerge.validation-cache-entries 0").start();
    let mut client = server.client();
    assert_eq!(field(&mut client, "cache_enabled"), 0);
    client.ok(&format!("JSONMERGE.APPEND k [\"{}\"]", "x".repeat(996)));
    for _ in 0..2 {
        assert_changes(&mut client, &["JSONMERGE.APPEND k []"], &[("bytes_validated", 1000)]);
    }
}

#[test]
fn info_has_the_section_wherever_it_has_sections_of_modules() {
    let server = Server::start();
    for mut client in [server.client(), server.client_resp3()] {
        for section in ["INFO jsonmerge", "INFO modules", "INFO everything"] {
            assert!(client.ok(section).contains("jsonmerge_elements_added:0\r\n"), "{section}");
        }
        for section in ["INFO", "INFO all", "INFO stats"] {
            assert!(!client.ok(section).contains("jsonmerge_elements_added"), "{section}");
        }
    }
}
