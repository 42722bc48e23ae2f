//! A connection of the `redis` crate, with replies as text: one line a reply makes a table readable.

use std::net::TcpStream;

use redis::{Connection, ConnectionLike, RedisError, Value};

use super::server::PATIENCE;

/// A connection to a server.
pub struct Client(pub Connection);

impl Client {
    pub fn connect(port: u16, protocol: &str) -> redis::RedisResult<Self> {
        let url = format!("redis://127.0.0.1:{port}/?protocol={protocol}");
        let connection = redis::Client::open(url)?.get_connection_with_timeout(*PATIENCE)?;
        connection.set_read_timeout(Some(*PATIENCE))?;
        Ok(Client(connection))
    }

    /// Sends a command whose arguments are separated by single spaces. The reply as text: see
    /// [`text`]; an error is the whole line that the server sent.
    pub fn call(&mut self, command: &str) -> Result<String, String> {
        self.call_with(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>())
    }

    /// Sends a command with these arguments, of any bytes.
    pub fn call_with(&mut self, arguments: &[&[u8]]) -> Result<String, String> {
        self.value_of(arguments).map(|reply| text(&reply)).map_err(|error| line(&error))
    }

    pub fn value_of(&mut self, arguments: &[&[u8]]) -> redis::RedisResult<Value> {
        let mut command = redis::Cmd::new();
        arguments.iter().for_each(|argument| _ = command.arg(*argument));
        match self.0.req_command(&command)? {
            Value::ServerError(error) => Err(error.into()),
            reply => Ok(reply),
        }
    }

    /// Like [`Client::call`], for a command that succeeds.
    #[track_caller]
    pub fn ok(&mut self, command: &str) -> String {
        self.call(command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Returns the value of a numeric field of INFO.
    pub fn info(&mut self, field: &str) -> u64 {
        let info = self.ok("INFO all");
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|number| number.trim().parse().ok());
        number.unwrap_or_else(|| panic!("INFO has no numeric field {field}"))
    }

    /// Sends commands one after the other and compares each reply, or error, as text.
    #[track_caller]
    pub fn expect(&mut self, rows: &[(&str, &str)]) {
        for (row, (command, expected)) in rows.iter().enumerate() {
            let got = self.call(command).unwrap_or_else(|error| format!("(error) {error}"));
            assert_eq!(got, *expected, "row {row}: {command}");
        }
    }
}

/// A reply as redis-cli would show it, without quotes.
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

/// An error as the server sent it.
pub fn line(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => format!("no reply: {error}"),
    }
}

/// A bare connection, for what is not request and reply.
pub fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a server that listens");
    stream.set_read_timeout(Some(*PATIENCE)).expect("a time-out");
    stream
}
