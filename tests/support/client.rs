//! A connection of the `redis` crate that returns replies as text, so that tests can be tables of text.

use std::net::TcpStream;

use redis::{Connection, ConnectionLike, RedisError, Value};

use super::server::PATIENCE;

/// A connection to a server on this machine.
pub struct Client(pub Connection);

impl Client {
    /// Connects with `protocol`, which is `resp2` or `resp3`.
    ///
    /// # Errors
    /// Returns an error if the server does not accept the connection or does not answer.
    pub fn connect(port: u16, protocol: &str) -> redis::RedisResult<Self> {
        let url = format!("redis://127.0.0.1:{port}/?protocol={protocol}");
        let connection = redis::Client::open(url)?.get_connection_with_timeout(*PATIENCE)?;
        connection.set_read_timeout(Some(*PATIENCE))?;
        Ok(Client(connection))
    }

    /// Sends a command whose arguments are separated by single spaces, and returns the reply as
    /// [`text`].
    ///
    /// # Errors
    /// Returns the whole error line that the server sent, or `no reply: ...`.
    pub fn call(&mut self, command: &str) -> Result<String, String> {
        self.call_with(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    /// Like [`Client::call`], but takes arguments that may contain any bytes.
    pub fn call_with(&mut self, arguments: &[&[u8]]) -> Result<String, String> {
        self.value_of(arguments).map(|reply| text(&reply)).map_err(|error| line(&error))
    }

    /// Like [`Client::call_with`], but returns the reply as it was parsed.
    pub fn value_of(&mut self, arguments: &[&[u8]]) -> redis::RedisResult<Value> {
        let mut command = redis::Cmd::new();
        arguments.iter().for_each(|argument| _ = command.arg(*argument));
        match self.0.req_command(&command)? {
            Value::ServerError(error) => Err(error.into()),
            reply => Ok(reply),
        }
    }

    /// Like [`Client::call`], but panics if the command fails.
    #[track_caller]
    pub fn ok(&mut self, command: &str) -> String {
        self.call(command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Returns the value of a numeric field of INFO.
    pub fn info(&mut self, field: &str) -> u64 {
        let info = self.ok("INFO everything");
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|number| number.trim().parse().ok());
        number.unwrap_or_else(|| panic!("INFO has no numeric field {field}"))
    }

    /// Sends commands one after the other, and compares each reply or error with the expected text.
    #[track_caller]
    pub fn expect(&mut self, rows: &[(&str, &str)]) {
        for (row, (command, expected)) in rows.iter().enumerate() {
            let got = self.call(command).unwrap_or_else(|error| format!("(error) {error}"));
            assert_eq!(got, *expected, "row {row}: {command}");
        }
    }
}

/// Formats a reply as redis-cli does, but without quotes.
pub fn text(reply: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(text).collect::<Vec<_>>().join(" ");
    match reply {
        Value::Nil => "(nil)".into(),
        Value::Int(integer) => format!("(integer) {integer}"),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(string) | Value::VerbatimString { text: string, .. } => string.clone(),
        Value::Okay => "OK".into(),
        Value::Array(items) | Value::Set(items) => format!("({})", list(items)),
        Value::ServerError(error) => {
            format!("(error) {} {}", error.code(), error.details().unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

/// Formats an error as the server sent it; of a pipeline, the first error.
pub fn line(error: &RedisError) -> String {
    match error.clone().into_server_errors().as_deref() {
        Some([(_, error), ..]) => {
            format!("{} {}", error.code(), error.details().unwrap_or_default())
        }
        _ => format!("no reply: {error}"),
    }
}

/// Opens a plain TCP connection, to send and receive any bytes.
pub fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts connections");
    stream.set_read_timeout(Some(*PATIENCE)).expect("the timeout is set");
    stream
}
