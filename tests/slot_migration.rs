//! Atomic slot migration, which a server disables if a module does not support it. Valkey 9 has CLUSTER
//! MIGRATESLOTS, Redis 8.4 has CLUSTER MIGRATION.

use crate::support::client::Client;
use crate::support::cluster::id;
use crate::support::server::{Server, Settings, wait_until};

/// The slot of every key with the hash tag `{t}`.
const SLOT: u16 = 15891;

const KEYS: usize = 1000;

/// How a server migrates a slot.
enum Migration {
    /// `CLUSTER MIGRATESLOTS`, which the source runs.
    Migrateslots,
    /// `CLUSTER MIGRATION IMPORT`, which the target runs.
    Import,
}

impl Migration {
    fn of(client: &mut Client) -> Option<Self> {
        let mut has = |command: &str| {
            let info = client.ok(&format!("COMMAND INFO {command}"));
            info.contains(command)
        };
        if has("cluster|migrateslots") {
            Some(Migration::Migrateslots)
        } else if has("cluster|migration") {
            Some(Migration::Import)
        } else {
            None
        }
    }

    fn start(&self, source: &Server, target: &Server) {
        match self {
            Migration::Migrateslots => {
                let node = id(target);
                let migrate = format!("CLUSTER MIGRATESLOTS SLOTSRANGE {SLOT} {SLOT} NODE {node}");
                source.client().ok(&migrate);
            }
            Migration::Import => {
                target.client().ok(&format!("CLUSTER MIGRATION IMPORT {SLOT} {SLOT}"));
            }
        }
    }
}

/// Starts two nodes with the module. The first one has all slots.
fn nodes() -> [Server; 2] {
    let node = || Settings::new().module().cluster_node().with("cluster-node-timeout 2000").start();
    let nodes = [node(), node()];
    let [first, second] = &nodes;
    first.client().ok("CLUSTER ADDSLOTSRANGE 0 16383");
    for (epoch, node) in (1..).zip(&nodes) {
        node.client().ok(&format!("CLUSTER SET-CONFIG-EPOCH {epoch}"));
    }
    let bus = second.client().ok("CONFIG GET cluster-port");
    let bus = bus.trim_start_matches("(cluster-port ").trim_end_matches(')');
    first.client().ok(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", second.port));
    for node in &nodes {
        let mut client = node.client();
        wait_until("both nodes know the cluster", || {
            client.ok("CLUSTER INFO").contains("cluster_state:ok")
                && client.ok("CLUSTER NODES").matches("connected").count() == 2
                && !client.ok("CLUSTER NODES").contains("handshake")
        });
    }
    nodes
}

#[test]
fn a_slot_with_keys_migrates_between_nodes_with_the_module() {
    let [source, target] = nodes();
    let mut client = source.client();
    let Some(migration) = Migration::of(&mut client) else {
        println!("not tested: this server has no atomic slot migration");
        return;
    };
    assert_eq!(client.ok("CLUSTER KEYSLOT {t}"), format!("(integer) {SLOT}"));
    for key in 0..KEYS {
        client.ok(&format!("JSONMERGE.APPEND {{t}}:{key} [{key}] REPLY LEN"));
        client.ok(&format!("JSONMERGE.APPEND {{t}}:{key} [[]] PXAT 9999999999999 REPLY LEN"));
    }

    migration.start(&source, &target);
    let mut moved = target.client();
    // Appends while the slot migrates reach the target as effects.
    let mut appended = 0;
    wait_until("the slot has moved", || {
        let append = format!("JSONMERGE.APPEND {{t}}:0 [{appended}] REPLY LEN");
        match client.call(&append) {
            Ok(_) => {
                appended += 1;
                false
            }
            Err(error) => {
                let is_moved = error.starts_with("MOVED");
                assert!(is_moved || error.starts_with("TRYAGAIN"), "{error}");
                is_moved
            }
        }
    });

    wait_until("the target serves the slot", || {
        moved.call("JSONMERGE.APPEND {t}:1 [] REPLY LEN") == Ok("(integer) 2".into())
    });
    let appended: Vec<String> = (0..appended).map(|number| format!(",{number}")).collect();
    moved.expect(&[("GET {t}:0", &format!("[0,[]{}]", appended.concat()))]);
    for key in 1..KEYS {
        moved.expect(&[
            (&format!("PEXPIRETIME {{t}}:{key}"), "(integer) 9999999999999"),
            (&format!("JSONMERGE.TAKE {{t}}:{key}"), &format!("[{key},[]]")),
        ]);
    }
    for node in [&source, &target] {
        let log = node.log();
        assert!(!log.contains("does not support atomic slot migration"), "{log}");
    }
}
