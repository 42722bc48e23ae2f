//! Servers that die, links that break, clients that hang up: for some seconds each in `make test`, as
//! long as one likes in `make soak`. What was done and seen is printed.

mod ledger;

use std::time::Duration;

/// How long each of these tests makes trouble: `SOAK_SECONDS`, or 4 seconds.
fn span() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().map(|seconds| seconds.parse());
    let seconds = seconds.transpose().expect("SOAK_SECONDS must be a number of seconds");
    Duration::from_secs(seconds.unwrap_or(4))
}
