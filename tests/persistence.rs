//! Files written with the module are read without it, for its values are plain strings.

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
