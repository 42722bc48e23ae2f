//! Connections to `REDIS_URL`, or to this machine: with RESP3, unless `REDIS_RESP` is 2.

use std::env;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Connection, IntoConnectionInfo, ProtocolVersion, RedisResult,
};

pub fn connect() -> RedisResult<Connection> {
    client()?.get_connection()
}

pub async fn connect_async(config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    client()?.get_multiplexed_async_connection_with_config(config).await
}

pub fn protocol() -> ProtocolVersion {
    match env::var("REDIS_RESP").as_deref() {
        Ok("2") => ProtocolVersion::RESP2,
        _ => ProtocolVersion::RESP3,
    }
}

fn client() -> RedisResult<Client> {
    let url = env::var("REDIS_URL").unwrap_or("redis://127.0.0.1:6379".into());
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(protocol());
    Client::open(info.set_redis_settings(settings))
}
