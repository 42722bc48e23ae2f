//! Long tests of what can go wrong: servers that crash, links that break, clients that disconnect, damaged
//! commands. Each prints what it did.
//!
//! - `SOAK_SECONDS`: how long each test runs, except for its set-up. Default: 4. `make soak` sets 60.
//! - `JSONMERGE_OLD_MODULE`: an older version of the module. See [`upgrade`].
//! - `JSONMERGE_SEED`: the seed of the random numbers. See [`crate::support::random`].

mod cluster;
mod crash;
mod failover;
mod garbage;
mod ledger;
mod loading;
mod memory;
mod replication;
mod upgrade;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::is_ready;

/// Returns how long a test runs.
fn duration() -> Duration {
    Duration::from_secs(soak_seconds().unwrap_or(4))
}

fn soak_seconds() -> Option<u64> {
    let seconds = std::env::var("SOAK_SECONDS").ok()?;
    Some(seconds.parse().expect("SOAK_SECONDS is a number of seconds"))
}

/// Calls `step` until `is_over`. Connects again when the connection is lost or the server is a replica, and
/// panics at any other error.
fn repeat(
    is_over: &AtomicBool,
    port: impl Fn() -> u16,
    mut random: Rng,
    mut step: impl FnMut(&mut Client, &mut Rng) -> Result<(), String>,
) {
    while !is_over.load(Relaxed) {
        let port = port();
        if !is_ready(port) {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        let protocol = random.choice(["resp2", "resp3"]).unwrap_or_default();
        let Ok(mut client) = Client::connect(port, protocol) else { continue };
        let error = loop {
            match step(&mut client, &mut random) {
                Ok(()) if is_over.load(Relaxed) => return,
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert!(error.starts_with("no reply") || is_from_replica(&error), "{error}");
    }
}

/// Returns whether this is the reply of a server that has become a replica.
fn is_from_replica(error: &str) -> bool {
    let refusals = ["READONLY", "UNBLOCKED", "ERR WAIT cannot be used with replica"];
    refusals.iter().any(|refusal| error.starts_with(refusal))
}

/// Sets the flag when it is dropped, so that the threads of a test end even if the main thread panics.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Sleeps for a random number of milliseconds.
fn sleep(random: &mut Rng, milliseconds: std::ops::Range<u64>) {
    thread::sleep(Duration::from_millis(random.u64(milliseconds)));
}
