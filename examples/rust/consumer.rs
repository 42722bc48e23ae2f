//! Takes the events that have gathered, and prints them, one a line.

use std::error::Error;

use redis::{ConnectionLike, RedisResult};
use serde_json::value::RawValue;

mod connection;
mod events;
// The producer has the other half.
#[allow(dead_code)]
mod jsonmerge;

use events::{Event, KEY};
use jsonmerge::JsonmergeCommands;

/// What has gathered. Once it is taken it is nowhere else, so it comes as text: one element that is no
/// event must not lose the rest.
fn consume(connection: &mut impl ConnectionLike) -> RedisResult<Vec<Box<RawValue>>> {
    Ok(connection.jsonmerge_take(KEY)?.unwrap_or_default())
}

fn main() -> Result<(), Box<dyn Error>> {
    for element in consume(&mut connection::connect()?)? {
        match serde_json::from_str::<Event>(element.get()) {
            Ok(event) => println!("{}", serde_json::to_string(&event)?),
            Err(error) => eprintln!("no event: {element}: {error}"),
        }
    }
    Ok(())
}
