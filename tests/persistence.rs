//! Values are plain strings: a server without the module loads RDB and AOF files, and RESTORE accepts dumps.

use crate::support::server::{Server, Settings};

fn fill(server: &Server) -> String {
    let mut client = server.client();
    for n in 0..200 {
        client.ok(&format!("JSONMERGE.APPEND k{} [{n},[]] REPLY LEN", n % 5));
    }
    client.ok("JSONMERGE.APPEND k0 [] PXAT 9999999999999");
    client.ok("JSONMERGE.TAKE k1");
    client.ok("DEBUG DIGEST")
}

#[test]
fn an_aof_written_with_the_module_loads_without_it() {
    let settings = || Settings::new().with("appendonly yes").with("appendfsync always");
    for preamble in ["aof-use-rdb-preamble yes", "aof-use-rdb-preamble no"] {
        let server = settings().with(preamble).module().start();
        let digest = fill(&server);
        let plain = server.restart_as(settings().with(preamble));
        assert_eq!(plain.client().ok("DBSIZE"), "(integer) 4");
        assert_eq!(plain.client().ok("DEBUG DIGEST"), digest, "{preamble}");
        assert!(plain.client().call("JSONMERGE.TAKE k0").is_err());
    }
}

#[test]
fn an_rdb_written_with_the_module_loads_without_it() {
    let server = Server::start();
    let digest = fill(&server);
    server.client().ok("SAVE");
    let plain = server.restart_as(Settings::new());
    assert_eq!(plain.client().ok("DBSIZE"), "(integer) 4");
    assert_eq!(plain.client().ok("DEBUG DIGEST"), digest);
}

#[test]
fn a_dumped_or_copied_value_is_a_plain_string() {
    let [server, plain] = [Server::start(), Server::plain()];
    let (mut client, mut elsewhere) = (server.client(), plain.client());
    for elements in [1, 20, 2000] {
        client.ok("FLUSHALL");
        elsewhere.ok("FLUSHALL");
        for n in 0..elements {
            client.ok(&format!("JSONMERGE.APPEND k [{n}] REPLY SIZE"));
        }
        let array = client.ok("GET k");
        client.ok(&format!("SET same {array}"));
        let [dump, same] = ["k", "same"].map(|key| client.value_of(&[b"DUMP", key.as_bytes()]));
        let dump = dump.expect("DUMP succeeds");
        assert_eq!(dump, same.expect("DUMP succeeds"));

        let redis::Value::BulkString(dump) = dump else { panic!("{dump:?}") };
        elsewhere.call_with(&[b"RESTORE", b"k", b"0", &dump]).expect("RESTORE succeeds");
        assert_eq!(elsewhere.ok("GET k"), array);
        elsewhere
            .call_with(&[b"RESTORE", b"k", b"0", &dump, b"REPLACE"])
            .expect("RESTORE succeeds");
        client.ok(&format!("MIGRATE 127.0.0.1 {} k 0 5000 COPY REPLACE", plain.port));
        assert_eq!(elsewhere.ok("GET k"), array);

        // An append to a copy does not change the original.
        client.expect(&[
            ("COPY k copy", "(integer) 1"),
            ("JSONMERGE.APPEND copy [[]] REPLY LEN", &format!("(integer) {}", elements + 1)),
            ("GET k", &array),
            ("JSONMERGE.TAKE k", &array),
            ("STRLEN copy", &format!("(integer) {}", array.len() + 3)),
        ]);
    }
}

#[test]
fn append_works_on_values_that_were_reloaded() {
    let server = Server::start();
    let mut client = server.client();
    for round in 1..4 {
        for key in ["a", "b"] {
            client.ok(&format!("JSONMERGE.APPEND {key} [{round},\"{}\"] EX 1000", "x".repeat(300)));
        }
        let digest = client.ok("DEBUG DIGEST");
        client.ok("DEBUG RELOAD");
        assert_eq!(client.ok("DEBUG DIGEST"), digest);
        let len = format!("(integer) {}", 2 * round);
        client.expect(&[("JSONMERGE.APPEND a [] REPLY LEN", &len), ("PERSIST a", "(integer) 1")]);
    }
}
