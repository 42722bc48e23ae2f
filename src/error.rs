//! Every error that a client can see, and its wire text.
//!
//! The first word is the code that clients match on and that `INFO errorstats` counts. No error
//! repeats what is stored.

use crate::array::Invalid;
use crate::fault::Fault;

/// Why a command was refused. It has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The key holds a list, a hash, ...
    WrongType,
    /// The argument is not a JSON array.
    Argument(Invalid),
    /// What is stored at the key is not a JSON array.
    Stored(Invalid),
    /// The value would pass `proto-max-bulk-len`, or the 512 MB of the module API.
    TooLarge,
    /// An option that does not exist, lacks its value, stands twice or contradicts another.
    Syntax,
    /// The value of an expire option is not a 64-bit integer.
    NotInteger,
    /// The value of an expire option is 0, negative, or overflows.
    ExpireTime,
    /// `REPLY LEN` with `TRUST`.
    TrustCountsNot,
    /// Too few arguments. The server checks it first, from the arity that a command declares.
    Arity,
    /// A defect of ours, caught at the border.
    Internal,
}

impl Error {
    /// The error as the server sends it, for the command of that name in lower case.
    pub fn wire(&self, command: &str) -> String {
        match self {
            Error::WrongType => {
                "WRONGTYPE Operation against a key holding the wrong kind of value".into()
            }
            Error::Argument(invalid) => refusal("argument", invalid),
            Error::Stored(invalid) => refusal("stored value", invalid),
            Error::TooLarge => {
                "ERR string exceeds maximum allowed size (proto-max-bulk-len)".into()
            }
            Error::Syntax => "ERR syntax error".into(),
            Error::NotInteger => "ERR value is not an integer or out of range".into(),
            Error::ExpireTime => format!("ERR invalid expire time in '{command}' command"),
            Error::TrustCountsNot => "ERR TRUST does not count elements, use REPLY SIZE".into(),
            Error::Arity => format!("ERR wrong number of arguments for '{command}' command"),
            Error::Internal => format!("ERR internal error in '{command}' command"),
        }
    }
}

fn refusal(subject: &str, invalid: &Invalid) -> String {
    match invalid {
        Invalid::NotJson(Fault { reason, offset }) => {
            format!("BADJSON {subject} is not valid JSON: {reason} at byte {offset}")
        }
        Invalid::NotArray(kind) => {
            format!("NOTARRAY {subject} is a JSON {kind}, expected an array")
        }
    }
}
