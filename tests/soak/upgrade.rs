//! The module is replaced under load, by a newer version and then by the older one again, as
//! docs/operations.md describes.
//!
//! `JSONMERGE_OLD_MODULE` names the file of the older version, which must have all options that the clients of
//! the ledger test use. By default, the module is replaced by itself: then these tests cover the procedure, but
//! no difference between two versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ledger::{STEPS, Scene};
use crate::block::Waiter;
use crate::support::random::Seed;
use crate::support::server::{Server, Settings, module_path, path_in, wait_until};

/// A server, and the file that it loads the module from.
struct Node {
    server: Server,
    file: PathBuf,
    _directory: TempDir,
}

#[test]
fn acknowledged_events_survive_an_upgrade_of_a_replica_and_its_master() {
    let name = "upgrade by failover";
    let seed = Seed::print(name);
    let mut random = seed.rng(0);
    let [mut master, mut replica] = [(); 2].map(|()| Node::start(Settings::new()));
    let scene = Scene::new(&master.server);
    replica.server.follow(&master.server);
    replica.server.client().ok("CONFIG REWRITE");
    let replacements = scene.run(seed, STEPS, || {
        repeat(super::duration(), |module| {
            super::sleep(&mut random, 50..300);
            replica.replace_module(module);
            replica.server.wait_until_synchronized();
            super::sleep(&mut random, 50..300);
            fail_over(&master.server, &replica.server);
            scene.port.store(replica.server.port, Relaxed);
            super::sleep(&mut random, 50..300);
            master.replace_module(module);
            master.server.wait_until_synchronized();
            std::mem::swap(&mut master, &mut replica);
            master.version()
        })
    });

    let mut client = master.server.client();
    let events = scene.assert_balanced(&mut client, &format!("{name}: {replacements}"));
    assert_eq!(events.in_lost_replies, 0, "FAILOVER loses no reply");
    let digest = client.ok("DEBUG DIGEST");
    wait_until("the replica has the data of the master", || {
        replica.server.client().ok("DEBUG DIGEST") == digest
    });
}

#[test]
fn acknowledged_events_survive_an_upgrade_by_restart() {
    for persistence in ["appendonly yes", "save 3600 1"] {
        let name = format!("upgrade by restart, {persistence}");
        let seed = Seed::print(&name);
        let mut random = seed.rng(0);
        let mut node = Node::start(Settings::new().with(persistence));
        let scene = Scene::new(&node.server);
        let replacements = scene.run(seed, STEPS, || {
            repeat(super::duration() / 2, |module| {
                super::sleep(&mut random, 200..800);
                node.replace_module(module);
                node.version()
            })
        });
        scene.assert_balanced(&mut node.server.client(), &format!("{name}: {replacements}"));
    }
}

fn old_module() -> PathBuf {
    path_in("JSONMERGE_OLD_MODULE").unwrap_or_else(module_path)
}

/// Calls `replace` with the new and the old module in turn, for this time. Describes how often it did, and
/// the versions that `replace` returned.
fn repeat(duration: Duration, mut replace: impl FnMut(&Path) -> String) -> String {
    let modules = [module_path(), old_module()];
    let end = Instant::now() + duration;
    let mut replacements = 0;
    loop {
        let [new, old] = modules.each_ref().map(|module| replace(module));
        replacements += 2;
        if Instant::now() >= end {
            return format!("{replacements} replacements, by {new} and by {old} in turn");
        }
    }
}

/// Makes the replica the master and the master its replica, and has both write this to redis.conf.
fn fail_over(master: &Server, replica: &Server) {
    let mut waiter = Waiter::start(master, "JSONMERGE.TAKE missing BLOCK 0");
    let fail_over = format!("FAILOVER TO 127.0.0.1 {} TIMEOUT 10000", replica.port);
    wait_until("the replica is online", || master.client().call(&fail_over).is_ok());
    master.wait_until_synchronized();
    let reply = waiter.reply();
    assert!(reply.starts_with("(error) UNBLOCKED "), "{reply}");
    for server in [master, replica] {
        server.client().ok("CONFIG REWRITE");
    }
}

impl Node {
    /// Starts a server with the old module.
    fn start(settings: Settings) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        let file = directory.path().join("libjsonmerge.so");
        install(&old_module(), &file);
        let server = settings.with(&format!("loadmodule {}", file.display())).start();
        Node { server, file, _directory: directory }
    }

    /// Replaces the file while the server uses it, and restarts the server.
    fn replace_module(&mut self, module: &Path) {
        install(module, &self.file);
        self.server.restart();
    }

    /// Returns the version and the commit that the module logged when it was loaded.
    fn version(&self) -> String {
        let log = self.server.log();
        let version = log.lines().rev().find_map(|line| line.split_once("<jsonmerge> version "));
        version.expect("the module logs its version").1.to_owned()
    }
}

/// Copies a module, and renames the copy into place.
fn install(module: &Path, file: &Path) {
    let new = file.with_extension("new");
    fs::copy(module, &new).expect("the module is copied");
    fs::rename(&new, file).expect("the copy is renamed");
}
