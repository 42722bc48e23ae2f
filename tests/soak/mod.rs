//! Servers that die, links that break, clients that hang up: for some seconds each in `make test`, as
//! long as one likes in `make soak`. What was done and seen is printed.

mod cluster;
mod crash;
mod failover;
mod garbage;
mod ledger;
mod memory;
mod reload;
mod replication;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::is_ready;

/// How long each of these tests makes trouble: `SOAK_SECONDS`, or 4 seconds.
fn span() -> Duration {
    Duration::from_secs(soak_seconds().unwrap_or(4))
}

fn soak_seconds() -> Option<u64> {
    let seconds = std::env::var("SOAK_SECONDS").ok()?;
    Some(seconds.parse().expect("SOAK_SECONDS must be a number of seconds"))
}

/// Does something over and over until it is over: on one connection until that breaks, then on the
/// next. Only a lost connection may make it fail.
fn repeat(
    is_over: &AtomicBool,
    port: impl Fn() -> u16,
    mut step: impl FnMut(&mut Client, &mut Rng) -> Result<(), String>,
) {
    let mut random = Rng::new();
    while !is_over.load(Relaxed) {
        let port = port();
        if !is_ready(port) {
            thread::sleep(Duration::from_millis(5));
            continue;
        }
        let Ok(mut client) = Client::connect(port, "resp2") else { continue };
        let error = loop {
            match step(&mut client, &mut random) {
                Ok(()) if is_over.load(Relaxed) => return,
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert!(error.starts_with("no reply"), "{error}");
    }
}
