//! Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::{ConnectionLike, RedisResult};
use serde_json::value::RawValue;
use signal_hook::consts::{SIGINT, SIGTERM};

mod connection;
mod events;
// The producer uses the other half.
#[allow(dead_code)]
mod jsonmerge;

use events::{Event, KEY};
use jsonmerge::{JsonmergeCommands, TakeOptions};

/// How many milliseconds to wait for events. This is also how long it takes to notice a signal, or events
/// that were written with SET.
const BLOCK: u64 = 1000;

/// Takes up to 100 elements. They are no longer on the server, so they are returned as text: an element that
/// is not an event must not lose the rest.
fn consume(connection: &mut impl ConnectionLike) -> RedisResult<Vec<Box<RawValue>>> {
    let options = TakeOptions::default().count(100).block(BLOCK);
    Ok(connection.jsonmerge_take(KEY, &options)?.unwrap_or_default())
}

fn main() -> Result<(), Box<dyn Error>> {
    // The signal ends the loop between two takes: what has been taken must not be lost.
    let is_stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&is_stopping))?;
    }
    // This connection only waits for events. It has no read timeout: one that is shorter than BLOCK would
    // lose arrays, and with any, the signal would interrupt the read.
    let mut connection = connection::connect()?;
    while !is_stopping.load(Ordering::Relaxed) {
        for element in consume(&mut connection)? {
            match serde_json::from_str::<Event>(element.get()) {
                Ok(event) => println!("{}", serde_json::to_string(&event)?),
                Err(error) => eprintln!("not an event: {element}: {error}"),
            }
        }
    }
    Ok(())
}
