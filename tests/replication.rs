//! What a replica needs of the module: nothing to follow, and nothing that stands in its way.

use crate::support::server::{Settings, wait_until};

/// A server with any module loads a snapshot beside the data that it serves only if the module says
/// that it can stand it.
#[test]
fn a_replica_serves_its_old_data_while_it_loads_from_the_link() {
    let master = Settings::new()
        .module()
        .with("repl-diskless-sync yes")
        .with("repl-backlog-size 16kb")
        .start();
    let replica = Settings::new()
        .module()
        .with("repl-diskless-load swapdb")
        // Slowly, and with an eye to its clients.
        .with("key-load-delay 1000")
        .with("loading-process-events-interval-bytes 1024")
        .start();
    let (mut writer, mut reader) = (master.client(), replica.client());
    for key in 0..1000 {
        writer.ok(&format!("JSONMERGE.APPEND k{key} [\"{}\"]", "x".repeat(100)));
    }
    replica.follow(&master);

    // More than the backlog holds, before the replica can ask for it.
    let mut pipeline = redis::pipe();
    pipeline.cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").ignore();
    for key in 0..1000 {
        let key = format!("k{key}");
        pipeline.cmd("JSONMERGE.APPEND").arg(key).arg("[1]").arg("REPLY").arg("LEN").ignore();
    }
    pipeline.exec(&mut writer.0).expect("replies");

    wait_until("the replica loads", || reader.ok("INFO persistence").contains("async_loading:1"));
    assert_eq!(reader.ok("STRLEN k999"), "(integer) 104", "the old data");
    let refused = reader.call("JSONMERGE.TAKE k1").expect_err("a replica");
    assert!(refused.starts_with("READONLY"), "{refused}");
    let digest = writer.ok("DEBUG DIGEST");
    wait_until("the replica has the new data", || {
        reader.call("DEBUG DIGEST") == Ok(digest.clone())
    });
    assert!(!replica.log().contains("Skipping diskless-load"), "{}", replica.log());
}
