//! Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jsonmerge_example::connection::connect;
use jsonmerge_example::events::{self, BLOCK, KEY};
use jsonmerge_example::jsonmerge::{Array, take};
use signal_hook::consts::{SIGINT, SIGTERM};

fn main() -> Result<(), Box<dyn Error>> {
    // The signal ends the loop between two takes: what has been taken must not be lost.
    let is_stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_stopping))?;
    }
    // This connection only waits for events. It has no read timeout: one that is shorter than BLOCK would
    // lose arrays, and with any, the signal would interrupt the read.
    let mut connection = connect()?;
    let take = take(KEY).count(100).block(BLOCK);
    while !is_stopping.load(Ordering::Relaxed) {
        if let Some(Array(elements)) = take.query(&mut connection)? {
            events::print(&elements);
        }
    }
    Ok(())
}
