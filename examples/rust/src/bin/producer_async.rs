//! The producer with an asynchronous connection.

use std::error::Error;
use std::io::stdin;

use jsonmerge_example::connection::connect_async;
use jsonmerge_example::events::{self, KEY};
use jsonmerge_example::jsonmerge::append;
use redis::AsyncConnectionConfig;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let events = events::read(stdin().lock())?;
    let mut connection = connect_async(&AsyncConnectionConfig::new()).await?;
    let length = append(KEY, &events)?.reply_len().query_async(&mut connection).await?;
    println!("{length}");
    Ok(())
}
