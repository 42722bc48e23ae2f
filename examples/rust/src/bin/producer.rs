//! Appends the events on its standard input, one per line, as one batch: all of them or none. Prints the
//! number of events that now wait for the consumer.

use std::error::Error;
use std::io::stdin;

use jsonmerge_example::connection::connect;
use jsonmerge_example::events::{self, KEY};
use jsonmerge_example::jsonmerge::append;

fn main() -> Result<(), Box<dyn Error>> {
    let events = events::read(stdin().lock())?;
    let length = append(KEY, &events)?.reply_len().query(&mut connect()?)?;
    println!("{length}");
    Ok(())
}
