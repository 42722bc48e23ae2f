//! The consumer with an asynchronous connection.

use std::error::Error;
use std::time::Duration;

use jsonmerge_example::connection::connect_async;
use jsonmerge_example::events::{self, BLOCK, KEY};
use jsonmerge_example::jsonmerge::{Array, take};
use redis::AsyncConnectionConfig;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The signal ends the loop between two takes: what has been taken must not be lost. Do not select between
    // the signal and the take, because that drops the future of the take.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    // This connection only waits for events. Its timeout must be longer than BLOCK, because the client would
    // otherwise give up while the server may still send an array. It notices that the server is gone.
    let timeout = Duration::from_millis(5 * BLOCK);
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
    let mut connection = connect_async(&config).await?;
    let take = take(KEY).count(100).block(BLOCK);
    while !stop.is_finished() {
        if let Some(Array(elements)) = take.query_async(&mut connection).await? {
            events::print(&elements);
        }
    }
    Ok(())
}
