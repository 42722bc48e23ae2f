//! The commands on the cluster that the node at `REDIS_CLUSTER_URL` belongs to, with keys of every node.

use std::env;

use jsonmerge_example::connection::protocol;
use jsonmerge_example::jsonmerge::{Array, append, take};
use redis::RedisResult;
use redis::cluster::{ClusterClient, cluster_pipe};

fn client() -> RedisResult<ClusterClient> {
    let url = env::var("REDIS_CLUSTER_URL").expect("REDIS_CLUSTER_URL is the URL of a node");
    ClusterClient::builder([url]).use_protocol(protocol()).build()
}

fn keys(prefix: &str) -> Vec<String> {
    (0..20).map(|number| format!("{prefix}:{number}")).collect()
}

/// The crate's synchronous cluster connection does not support transactions.
#[test]
fn commands_work_alone_and_in_pipelines() -> RedisResult<()> {
    let mut connection = client()?.get_connection()?;
    let keys = keys("rust");
    for key in &keys {
        assert_eq!(append(key, &[key])?.reply_len().query(&mut connection)?, 1);
        assert_eq!(take(key).query(&mut connection)?, Some(Array(vec![key.clone()])));
    }
    let mut pipeline = cluster_pipe();
    for key in &keys {
        pipeline.add_command(append(key, &[1, 2])?.reply_len().into());
    }
    assert_eq!(pipeline.query::<Vec<usize>>(&mut connection)?, vec![2; keys.len()]);
    for key in &keys {
        assert_eq!(take(key).query(&mut connection)?, Some(Array(vec![1, 2])));
    }
    Ok(())
}

#[tokio::test]
async fn commands_work_on_an_asynchronous_connection() -> RedisResult<()> {
    let mut connection = client()?.get_async_connection().await?;
    for key in keys("rust async") {
        let length = append(&key, &[&key])?.reply_len().query_async(&mut connection).await?;
        assert_eq!(length, 1);
        let taken = take(&key).query_async(&mut connection).await?;
        assert_eq!(taken, Some(Array(vec![key])));
    }
    Ok(())
}
