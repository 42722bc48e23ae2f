//! The two commands for the `redis` crate: on connections and clusters by a trait, and as commands for
//! `Pipeline::add_command` and `Cmd::query_async`.

use redis::{
    Cmd, ConnectionLike, FromRedisValue, ParsingError, RedisResult, RedisWrite, ToRedisArgs, Value,
};
use serde::{Serialize, de::DeserializeOwned};

/// An array as JSON: what `append` answers without [`AppendOptions::reply`], and `take` does.
#[derive(Debug, PartialEq)]
pub struct Array<T>(pub Vec<T>);

impl<T: DeserializeOwned> FromRedisValue for Array<T> {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let text = Vec::<u8>::from_redis_value(value)?;
        serde_json::from_slice(&text).map(Array).map_err(|error| error.to_string().into())
    }
}

/// What to answer instead of the array.
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
    /// In so many seconds.
    Ex(u64),
    /// In so many milliseconds.
    Px(u64),
    /// At this Unix time in seconds.
    ExAt(u64),
    /// At this Unix time in milliseconds.
    PxAt(u64),
    /// Never.
    Persist,
}

/// Options of `append`, in the way of `SetOptions`.
#[derive(Default)]
pub struct AppendOptions {
    trust: bool,
    expiration: Option<Expiration>,
    reply: Option<Reply>,
}

impl AppendOptions {
    /// Looks only at the ends of what is stored. Not with [`Reply::Len`].
    pub fn trust(mut self) -> Self {
        self.trust = true;
        self
    }

    /// Without this its TTL stays as it is.
    pub fn with_expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = Some(expiration);
        self
    }

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

/// Appends elements to the array at the key. Fails if they cannot be JSON.
pub fn append<K: ToRedisArgs, T: Serialize>(
    key: K,
    elements: &[T],
    options: &AppendOptions,
) -> serde_json::Result<Cmd> {
    let mut command = redis::cmd("JSONMERGE.APPEND");
    command.arg(key).arg(serde_json::to_vec(elements)?).arg(options);
    Ok(command)
}

/// Takes the array at the key, which deletes the key: `Option<Array<T>>`.
pub fn take<K: ToRedisArgs>(key: K) -> Cmd {
    let mut command = redis::cmd("JSONMERGE.TAKE");
    command.arg(key);
    command
}

/// The commands on a connection.
pub trait JsonmergeCommands: ConnectionLike + Sized {
    /// Answers an [`Array`], or a number if [`AppendOptions::reply`] asks for one.
    fn jsonmerge_append<K: ToRedisArgs, T: Serialize, R: FromRedisValue>(
        &mut self,
        key: K,
        elements: &[T],
        options: &AppendOptions,
    ) -> RedisResult<R> {
        append(key, elements, options).map_err(std::io::Error::from)?.query(self)
    }

    /// The elements, or none if there is no array.
    fn jsonmerge_take<K: ToRedisArgs, T: DeserializeOwned>(
        &mut self,
        key: K,
    ) -> RedisResult<Option<Vec<T>>> {
        let array: Option<Array<T>> = take(key).query(self)?;
        Ok(array.map(|Array(elements)| elements))
    }
}

impl<C: ConnectionLike> JsonmergeCommands for C {}
