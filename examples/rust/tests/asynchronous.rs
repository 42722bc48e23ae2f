//! The commands on an asynchronous connection to the server at `REDIS_URL`. Each test has a key of its own.

use std::env;
use std::time::Duration;

use jsonmerge_example::connection::connect_async;
use jsonmerge_example::jsonmerge::{Array, append, take};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, RedisResult, pipe};

/// Connects with a response timeout, and deletes the key.
async fn connect(key: &str, timeout: Duration) -> MultiplexedConnection {
    assert!(env::var_os("REDIS_URL").is_some(), "REDIS_URL is the URL of a server for the tests");
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
    let mut connection = connect_async(&config).await.expect("the server answers");
    connection.del::<_, ()>(key).await.expect("DEL");
    connection
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn commands_reply_with_their_types() -> RedisResult<()> {
    let mut connection = connect("async", PATIENCE).await;
    let merged = append("async", &[1, 2])?.query_async(&mut connection).await?;
    assert_eq!(merged, Array(vec![1, 2]));
    assert_eq!(append("async", &[3])?.reply_len().query_async(&mut connection).await?, 3);
    let two = take("async").count(2);
    assert_eq!(two.query_async(&mut connection).await?, Some(Array(vec![1, 2])));
    assert_eq!(two.query_async(&mut connection).await?, Some(Array(vec![3])));
    assert_eq!(two.query_async(&mut connection).await?, None);
    Ok(())
}

#[tokio::test]
async fn commands_work_in_a_transaction() -> RedisResult<()> {
    let mut connection = connect("async pipeline", PATIENCE).await;
    let replies: (usize, Option<Array<u8>>) = pipe()
        .atomic()
        .add_command(append("async pipeline", &[1, 2])?.reply_len().into())
        .add_command(take::<u8>("async pipeline").into())
        .query_async(&mut connection)
        .await?;
    assert_eq!(replies, (2, Some(Array(vec![1, 2]))));
    Ok(())
}

#[tokio::test]
async fn take_block_waits_for_an_append_of_another_connection() -> RedisResult<()> {
    let mut waiting = connect("async block", PATIENCE).await;
    let mut other = connect("async block", PATIENCE).await;
    let id: u64 = redis::cmd("CLIENT").arg("ID").query_async(&mut waiting).await?;
    let take = take("async block").block(10_000);
    let taken = tokio::spawn(async move { take.query_async(&mut waiting).await });
    let mut list = redis::cmd("CLIENT");
    list.arg("LIST").arg("ID").arg(id);
    let waits = async {
        while !list.query_async::<String>(&mut other).await?.contains(" flags=b ") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        RedisResult::Ok(())
    };
    tokio::time::timeout(PATIENCE, waits).await.expect("it waits")?;
    assert_eq!(append("async block", &[1])?.reply_len().query_async(&mut other).await?, 1);
    assert_eq!(taken.await.expect("a reply")?, Some(Array(vec![1])));
    Ok(())
}

#[tokio::test]
async fn a_response_timeout_that_is_shorter_than_block_is_an_error() {
    let mut connection = connect("async timeout", Duration::from_millis(100)).await;
    let failed = take::<u8>("async timeout").block(1000).query_async(&mut connection).await;
    assert!(failed.expect_err("a timeout").is_timeout());
}

#[tokio::test]
async fn errors_have_the_code_that_the_server_sent() -> RedisResult<()> {
    let mut connection = connect("async errors", PATIENCE).await;
    connection.set::<_, _, ()>("async errors", "[1,").await?;
    let failed = append("async errors", &[2])?.query_async(&mut connection).await;
    assert_eq!(failed.expect_err("an error").code(), Some("BADJSON"));
    Ok(())
}
