//! What an event is. The producers send nothing else.

use std::error::Error;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Where the events are kept.
pub const KEY: &str = "events";

/// How many milliseconds a consumer waits for events. This is also how long it takes to notice a signal, or
/// events that were written with SET.
pub const BLOCK: u64 = 1000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    /// Any JSON, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<RawValue>>,
}

/// Reads events, one per line.
pub fn read(input: impl BufRead) -> Result<Vec<Event>, Box<dyn Error>> {
    let mut events = Vec::new();
    for line in input.lines() {
        let event: Event = serde_json::from_str(&line?)?;
        if event.name.is_empty() {
            return Err(format!("event {} has no name", event.id).into());
        }
        events.push(event);
    }
    Ok(events)
}

/// Prints what has been taken, one event per line. It is no longer on the server, so it is taken as text: an
/// element that is not an event must not lose the rest.
pub fn print(elements: &[Box<RawValue>]) {
    for element in elements {
        let line = serde_json::from_str::<Event>(element.get())
            .and_then(|event| serde_json::to_string(&event));
        match line {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("not an event: {element}: {error}"),
        }
    }
}
