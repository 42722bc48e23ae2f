//! Full resynchronization of a replica that has the module.

use crate::support::server::{Settings, wait_until};

/// A server can serve its old data while it loads a snapshot only if all of its modules support it.
#[test]
fn a_replica_serves_its_old_data_during_a_diskless_load() {
    let master = Settings::new()
        .module()
        .with("repl-diskless-sync yes")
        .with("repl-backlog-size 16kb")
        .start();
    let replica = Settings::new()
        .module()
        .with("repl-diskless-load swapdb")
        // Load slowly, and serve clients at the same time.
        .with("key-load-delay 1000")
        .with("loading-process-events-interval-bytes 1024")
        .start();
    let (mut writer, mut reader) = (master.client(), replica.client());
    for key in 0..1000 {
        writer.ok(&format!("JSONMERGE.APPEND k{key} [\"{}\"]", "x".repeat(100)));
    }
    replica.follow(&master);

    // Write more than the backlog holds before the replica reconnects. In a transaction, because otherwise a
    // server with I/O threads may accept the replica between two commands.
    let mut pipeline = redis::pipe();
    pipeline.atomic().cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").ignore();
    for key in 0..1000 {
        let key = format!("k{key}");
        pipeline.cmd("JSONMERGE.APPEND").arg(key).arg("[1]").arg("REPLY").arg("LEN").ignore();
    }
    pipeline.exec(&mut writer.0).expect("the server replies");

    wait_until("the replica is loading", || {
        reader.ok("INFO persistence").contains("async_loading:1")
    });
    assert_eq!(reader.ok("STRLEN k999"), "(integer) 104", "the old data");
    let refused = reader.call("JSONMERGE.TAKE k1").expect_err("the replica is read-only");
    assert!(refused.starts_with("READONLY"), "{refused}");
    let digest = writer.ok("DEBUG DIGEST");
    wait_until("the replica has the new data", || {
        reader.call("DEBUG DIGEST") == Ok(digest.clone())
    });
    assert!(!replica.log().contains("Skipping diskless-load"), "{}", replica.log());
}
