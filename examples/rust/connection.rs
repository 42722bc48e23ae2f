//! A connection to `REDIS_URL`, or to this machine: with RESP3, unless `REDIS_RESP` is 2.

use std::env;

use redis::{Client, Connection, IntoConnectionInfo, ProtocolVersion, RedisResult};

pub fn connect() -> RedisResult<Connection> {
    let url = env::var("REDIS_URL").unwrap_or("redis://127.0.0.1:6379".into());
    let info = url.into_connection_info()?;
    let protocol = match env::var("REDIS_RESP").as_deref() {
        Ok("2") => ProtocolVersion::RESP2,
        _ => ProtocolVersion::RESP3,
    };
    let settings = info.redis_settings().clone().set_protocol(protocol);
    Client::open(info.set_redis_settings(settings))?.get_connection()
}
