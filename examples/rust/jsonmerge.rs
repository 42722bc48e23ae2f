//! The two commands for the `redis` crate: as methods of connections and clusters, and as commands for
//! `Pipeline::add_command` and `Cmd::query_async`.

use redis::{
    Cmd, ConnectionLike, FromRedisValue, ParsingError, RedisResult, RedisWrite, ToRedisArgs, Value,
};
use serde::{Serialize, de::DeserializeOwned};

/// An array as JSON: the reply of `append` without [`AppendOptions::reply`], and of `take`.
#[derive(Debug, PartialEq)]
pub struct Array<T>(pub Vec<T>);

impl<T: DeserializeOwned> FromRedisValue for Array<T> {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let text = Vec::<u8>::from_redis_value(value)?;
        serde_json::from_slice(&text).map(Array).map_err(|error| error.to_string().into())
    }
}

/// What to reply with instead of the array.
#[derive(Clone, Copy)]
pub enum Reply {
    /// Its number of elements.
    Len,
    /// Its size in bytes.
    Size,
}

/// When the key expires.
#[derive(Clone, Copy)]
pub enum Expiration {
    /// In this number of seconds.
    Ex(u64),
    /// In this number of milliseconds.
    Px(u64),
    /// At this Unix time in seconds.
    ExAt(u64),
    /// At this Unix time in milliseconds.
    PxAt(u64),
    /// Never.
    Persist,
}

/// The options of `append`, like the crate's `SetOptions`.
#[derive(Default)]
pub struct AppendOptions {
    trust: bool,
    expiration: Option<Expiration>,
    reply: Option<Reply>,
}

impl AppendOptions {
    /// Does not validate the stored value, except for its first and last bytes. Not with [`Reply::Len`].
    pub fn trust(mut self) -> Self {
        self.trust = true;
        self
    }

    /// Sets or removes the TTL. By default, it does not change.
    pub fn with_expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = Some(expiration);
        self
    }

    /// Asks for a number instead of the array.
    pub fn reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
        self
    }
}

impl ToRedisArgs for AppendOptions {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        if self.trust {
            out.write_arg(b"TRUST");
        }
        match self.expiration {
            Some(Expiration::Ex(seconds)) => ("EX", seconds).write_redis_args(out),
            Some(Expiration::Px(milliseconds)) => ("PX", milliseconds).write_redis_args(out),
            Some(Expiration::ExAt(seconds)) => ("EXAT", seconds).write_redis_args(out),
            Some(Expiration::PxAt(milliseconds)) => ("PXAT", milliseconds).write_redis_args(out),
            Some(Expiration::Persist) => out.write_arg(b"PERSIST"),
            None => {}
        }
        let reply = self.reply.map(|reply| match reply {
            Reply::Len => ("REPLY", "LEN"),
            Reply::Size => ("REPLY", "SIZE"),
        });
        reply.write_redis_args(out);
    }
}

/// The options of `take`, like the crate's `StreamReadOptions`.
#[derive(Default)]
pub struct TakeOptions {
    count: Option<usize>,
    trust: bool,
    block: Option<u64>,
}

impl TakeOptions {
    /// Takes at most this number of elements. The rest stays at the key.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Does not validate the stored value, except for its first and last bytes and what `count` takes.
    pub fn trust(mut self) -> Self {
        self.trust = true;
        self
    }

    /// Waits this number of milliseconds if the key does not exist; 0 means no limit. While it waits, no
    /// other command runs on the connection, so use a connection of its own. Its read timeout, or response
    /// timeout if it is asynchronous, must be longer. The default of asynchronous connections is 500 ms.
    pub fn block(mut self, milliseconds: u64) -> Self {
        self.block = Some(milliseconds);
        self
    }
}

impl ToRedisArgs for TakeOptions {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        self.count.map(|count| ("COUNT", count)).write_redis_args(out);
        if self.trust {
            out.write_arg(b"TRUST");
        }
        self.block.map(|milliseconds| ("BLOCK", milliseconds)).write_redis_args(out);
    }
}

/// Appends elements to the array at the key. Fails if they cannot be serialized as JSON.
pub fn append<K: ToRedisArgs, T: Serialize>(
    key: K,
    elements: &[T],
    options: &AppendOptions,
) -> serde_json::Result<Cmd> {
    let mut command = redis::cmd("JSONMERGE.APPEND");
    command.arg(key).arg(serde_json::to_vec(elements)?).arg(options);
    Ok(command)
}

/// Takes the array at the key, or its first elements. The reply is an `Option<Array<T>>`.
pub fn take<K: ToRedisArgs>(key: K, options: &TakeOptions) -> Cmd {
    let mut command = redis::cmd("JSONMERGE.TAKE");
    command.arg(key).arg(options);
    command
}

/// The commands as methods of a connection.
pub trait JsonmergeCommands: ConnectionLike + Sized {
    /// Appends elements. Returns the merged [`Array`], or a number if [`AppendOptions::reply`] asks for one.
    fn jsonmerge_append<K: ToRedisArgs, T: Serialize, R: FromRedisValue>(
        &mut self,
        key: K,
        elements: &[T],
        options: &AppendOptions,
    ) -> RedisResult<R> {
        append(key, elements, options).map_err(std::io::Error::from)?.query(self)
    }

    /// Takes the array, or its first elements. Returns `None` if the key does not exist.
    fn jsonmerge_take<K: ToRedisArgs, T: DeserializeOwned>(
        &mut self,
        key: K,
        options: &TakeOptions,
    ) -> RedisResult<Option<Vec<T>>> {
        let array: Option<Array<T>> = take(key, options).query(self)?;
        Ok(array.map(|Array(elements)| elements))
    }
}

impl<C: ConnectionLike> JsonmergeCommands for C {}
