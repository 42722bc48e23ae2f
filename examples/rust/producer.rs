//! Appends the events on its standard input, one per line, as one batch: all of them or none.

use std::error::Error;
use std::io::stdin;

use redis::{ConnectionLike, RedisResult};

mod connection;
mod events;
// The consumer uses the other half.
#[allow(dead_code)]
mod jsonmerge;

use events::{Event, KEY};
use jsonmerge::{AppendOptions, JsonmergeCommands, Reply};

/// Returns the number of events that now wait for the consumer.
fn produce(connection: &mut impl ConnectionLike, events: &[Event]) -> RedisResult<usize> {
    connection.jsonmerge_append(KEY, events, &AppendOptions::default().reply(Reply::Len))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut events = Vec::new();
    for line in stdin().lines() {
        let event: Event = serde_json::from_str(&line?)?;
        if event.name.is_empty() {
            return Err(format!("event {} has no name", event.id).into());
        }
        events.push(event);
    }
    println!("{}", produce(&mut connection::connect()?, &events)?);
    Ok(())
}
