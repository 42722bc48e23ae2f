//! Every error that a client can see, and its text.
//!
//! The first word is the code that clients match on and that `INFO errorstats` counts. No error
//! echoes stored data.

use crate::array::Invalid;
use crate::fault::Fault;

/// Why a command failed. A command that fails changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The key holds a list, a hash, ...
    WrongType,
    /// The argument is not a JSON array.
    Argument(Invalid),
    /// The stored value is not a JSON array.
    Stored(Invalid),
    /// The value would exceed `proto-max-bulk-len` or the module API's 512 MB.
    TooLarge,
    /// An option is unknown, repeated, lacks its value, or contradicts another.
    Syntax,
    /// The value of an expire option is not a 64-bit integer.
    NotInteger,
    /// The value of an expire option is 0 or negative, or it overflows.
    ExpireTime,
    /// The value of COUNT is not a positive integer.
    Count,
    /// The value of BLOCK is not a 64-bit integer.
    TimeoutNotInteger,
    /// The value of BLOCK is negative.
    TimeoutNegative,
    /// The value of BLOCK overflows when added to the Unix time in milliseconds.
    TimeoutRange,
    /// `REPLY LEN` with `TRUST`.
    TrustCannotCount,
    /// The user's permissions were revoked while its client waited.
    NoPermission,
    /// The number of arguments is wrong. The server checks the declared arity before it calls a
    /// command, so no client sees this.
    Arity,
    /// A bug in the module, usually a panic that was caught. It may have changed the key, and then has
    /// propagated the change.
    Internal,
}

impl Error {
    /// Returns the error as the server sends it. `command` is the command's name in lower case.
    pub fn message(&self, command: &str) -> String {
        match self {
            Error::WrongType => {
                "WRONGTYPE Operation against a key holding the wrong kind of value".into()
            }
            Error::Argument(invalid) => invalid_message("argument", invalid),
            Error::Stored(invalid) => invalid_message("stored value", invalid),
            Error::TooLarge => {
                "ERR string exceeds maximum allowed size (proto-max-bulk-len)".into()
            }
            Error::Syntax => "ERR syntax error".into(),
            Error::NotInteger => "ERR value is not an integer or out of range".into(),
            Error::ExpireTime => format!("ERR invalid expire time in '{command}' command"),
            Error::Count => "ERR count should be greater than 0".into(),
            Error::TimeoutNotInteger => "ERR timeout is not an integer or out of range".into(),
            Error::TimeoutNegative => "ERR timeout is negative".into(),
            Error::TimeoutRange => "ERR timeout is out of range".into(),
            Error::TrustCannotCount => "ERR TRUST does not count elements, use REPLY SIZE".into(),
            Error::NoPermission => {
                format!("NOPERM this user has no permissions to run the '{command}' command")
            }
            Error::Arity => format!("ERR wrong number of arguments for '{command}' command"),
            Error::Internal => format!("ERR internal error in '{command}' command"),
        }
    }
}

fn invalid_message(subject: &str, invalid: &Invalid) -> String {
    match invalid {
        Invalid::NotJson(Fault { reason, offset }) => {
            format!("BADJSON {subject} is not valid JSON: {reason} at byte {offset}")
        }
        Invalid::NotArray(kind) => {
            format!("NOTARRAY {subject} is a JSON {kind}, expected an array")
        }
    }
}
