//! The table of commands: name, flags, key, documentation and handler of each. Each handler is in a file
//! of its own.

mod append;
mod check;
#[cfg(debug_assertions)]
mod panic;
mod take;

use crate::server::Handler as _;
use crate::server::module::{Command, KeyFlag, Kind, Parameter};

/// Every command of the module.
pub(crate) const TABLE: &[Command] = &[
    APPEND,
    TAKE,
    #[cfg(debug_assertions)]
    panic::PANIC,
];

const APPEND: Command = Command {
    name: c"jsonmerge.append",
    flags: c"write deny-oom",
    blocks: false,
    acl_categories: c"write string",
    // ACCESS because it can reply with the value: without the flag, a user with only write permission
    // for a key could read it.
    key_flags: &[KeyFlag::ReadWrite, KeyFlag::Access, KeyFlag::Insert],
    arity: -3,
    since: c"0.1.0",
    summary: c"Appends the elements of a JSON array to the array stored at a key. Creates the key if it doesn't exist.",
    complexity: c"O(N+M) where N is the size of the stored value in bytes and M is the size of the array; O(M) with TRUST and REPLY SIZE.",
    parameters: &[
        Parameter::new(c"key", Kind::Key),
        Parameter::new(c"array", Kind::String),
        Parameter::new(c"trust", Kind::Token(c"TRUST")).optional(),
        Parameter::new(
            c"expiration",
            Kind::OneOf(&[
                Parameter::new(c"seconds", Kind::Integer).token(c"EX"),
                Parameter::new(c"milliseconds", Kind::Integer).token(c"PX"),
                Parameter::new(c"unix-time-seconds", Kind::UnixTime).token(c"EXAT"),
                Parameter::new(c"unix-time-milliseconds", Kind::UnixTime).token(c"PXAT"),
                Parameter::new(c"persist", Kind::Token(c"PERSIST")),
            ]),
        )
        .optional(),
        Parameter::new(
            c"reply",
            Kind::OneOf(&[
                Parameter::new(c"json", Kind::Token(c"JSON")),
                Parameter::new(c"len", Kind::Token(c"LEN")),
                Parameter::new(c"size", Kind::Token(c"SIZE")),
            ]),
        )
        .token(c"REPLY")
        .optional(),
    ],
    handler: append::Append::call,
};

const TAKE: Command = Command {
    name: c"jsonmerge.take",
    flags: c"write",
    blocks: true,
    acl_categories: c"write string blocking",
    key_flags: &[KeyFlag::ReadWrite, KeyFlag::Access, KeyFlag::Delete],
    arity: -2,
    since: c"0.1.0",
    summary: c"Returns the JSON array stored at a key after deleting the key, or returns and removes its first elements. Waits for the key if it doesn't exist and BLOCK is given.",
    complexity: c"O(N) where N is the size of the stored value in bytes; with COUNT and TRUST O(M+S) where M is the size of the elements returned and S is the number of spaces that earlier takes have left.",
    parameters: &[
        Parameter::new(c"key", Kind::Key),
        Parameter::new(c"count", Kind::Integer).token(c"COUNT").optional(),
        Parameter::new(c"trust", Kind::Token(c"TRUST")).optional(),
        Parameter::new(c"milliseconds", Kind::Integer).token(c"BLOCK").optional(),
    ],
    handler: take::Take::call,
};
