//! The two commands for the `redis` crate, on any connection, synchronous or asynchronous, also to a cluster:
//!
//! ```no_run
//! # use jsonmerge_example::jsonmerge::{self, Array};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Serialize, Deserialize)]
//! # struct Event { id: u64 }
//! # fn f(mut connection: redis::Connection) -> redis::RedisResult<()> {
//! let length = jsonmerge::append("events", &[Event { id: 1 }])?.reply_len().query(&mut connection)?;
//! let taken = jsonmerge::take::<Event>("events").count(100).block(1000).query(&mut connection)?;
//! if let Some(Array(events)) = taken {
//!     assert_eq!(events.len(), length);
//! }
//! # Ok(()) }
//! ```
//!
//! For a pipeline or a transaction, turn them into a [`Cmd`]:
//!
//! ```no_run
//! # use jsonmerge_example::jsonmerge::{self, Array};
//! # fn f(mut connection: redis::Connection) -> redis::RedisResult<()> {
//! let (length, taken): (usize, Option<Array<u8>>) = redis::pipe()
//!     .atomic()
//!     .add_command(jsonmerge::append("k", &[1, 2])?.reply_len().into())
//!     .add_command(jsonmerge::take::<u8>("k").into())
//!     .query(&mut connection)?;
//! # Ok(()) }
//! ```

use std::marker::PhantomData;

use redis::{
    Cmd, ConnectionLike, Expiry, FromRedisValue, ParsingError, RedisResult, ToRedisArgs,
    ToSingleRedisArg, Value, aio,
};
use serde::{Serialize, de::DeserializeOwned};

/// An array that the server sends as JSON.
#[derive(Debug, PartialEq)]
pub struct Array<T>(pub Vec<T>);

impl<T: DeserializeOwned> FromRedisValue for Array<T> {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let text = Vec::<u8>::from_redis_value(value)?;
        serde_json::from_slice(&text).map(Array).map_err(|error| error.to_string().into())
    }
}

/// A command, and the type of its reply.
pub struct Command<R> {
    cmd: Cmd,
    reply: PhantomData<R>,
}

/// Appends elements to the array at the key, and replies with the merged array. Fails if the elements cannot
/// be serialized as JSON. Beware: serde_json serializes NaN and infinity as null.
pub fn append<T: Serialize>(
    key: impl ToSingleRedisArg,
    elements: &[T],
) -> RedisResult<Command<Array<T>>> {
    let array = serde_json::to_vec(elements)?;
    Ok(Command::new(redis::cmd("JSONMERGE.APPEND").arg(key).arg(array)))
}

/// Takes the array at the key. Replies with `None` if the key does not exist.
pub fn take<T>(key: impl ToSingleRedisArg) -> Command<Option<Array<T>>> {
    Command::new(redis::cmd("JSONMERGE.TAKE").arg(key))
}

impl<R> Command<R> {
    fn new(cmd: &mut Cmd) -> Self {
        Command { cmd: cmd.take(), reply: PhantomData }
    }

    /// Adds an option, which may change the type of the reply.
    fn with<N>(mut self, option: impl ToRedisArgs) -> Command<N> {
        Command::new(self.cmd.arg(option))
    }

    /// Does not validate the stored value, except for its first and last bytes and what `count` takes. Not
    /// with `reply_len`.
    pub fn trust(self) -> Self {
        self.with("TRUST")
    }
}

impl<T> Command<Array<T>> {
    /// Sets or removes the TTL. By default, it does not change.
    pub fn expire(self, expiry: Expiry) -> Self {
        self.with(expiry)
    }

    /// Replies with the number of elements instead of the array.
    pub fn reply_len(self) -> Command<usize> {
        self.with(("REPLY", "LEN"))
    }

    /// Replies with the size in bytes instead of the array.
    pub fn reply_size(self) -> Command<usize> {
        self.with(("REPLY", "SIZE"))
    }
}

impl<T> Command<Option<Array<T>>> {
    /// Takes at most this number of elements. The rest stays at the key.
    pub fn count(self, count: usize) -> Self {
        self.with(("COUNT", count))
    }

    /// Waits this number of milliseconds if the key does not exist; 0 means no limit. While it waits, no
    /// other command runs on the connection, so use a connection of its own. Its read timeout, or response
    /// timeout if it is asynchronous, must be longer. The default of asynchronous connections is 500 ms.
    pub fn block(self, milliseconds: u64) -> Self {
        self.with(("BLOCK", milliseconds))
    }
}

impl<R: FromRedisValue> Command<R> {
    pub fn query(&self, connection: &mut impl ConnectionLike) -> RedisResult<R> {
        self.cmd.query(connection)
    }

    /// Like [`Command::query`]. If the future of a take is dropped before it is ready, the server may still
    /// send the array, and it is lost.
    pub async fn query_async(&self, connection: &mut impl aio::ConnectionLike) -> RedisResult<R> {
        self.cmd.query_async(connection).await
    }
}

impl<R> From<Command<R>> for Cmd {
    fn from(command: Command<R>) -> Cmd {
        command.cmd
    }
}
