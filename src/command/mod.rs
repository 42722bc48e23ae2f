//! The commands: name, flags, key, documentation and handler of each. How one works is in its file.

mod append;
#[cfg(debug_assertions)]
mod panic;
mod take;

use crate::server::{Argument, Command, KeyFlag, Kind, handler};

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
    acl_categories: c"write string",
    // ACCESS, for it replies with the value unless it is told not to: without it, a user who may only
    // write a key could read it.
    key_flags: &[KeyFlag::ReadWrite, KeyFlag::Access, KeyFlag::Insert],
    arity: -3,
    since: c"0.1.0",
    summary: c"Appends the elements of a JSON array to the array stored at a key. Creates the key if it doesn't exist.",
    complexity: c"O(N+M) where N is the size of the stored value in bytes and M is the size of the array; O(M) with TRUST and REPLY SIZE.",
    arguments: &[
        Argument::new(c"key", Kind::Key),
        Argument::new(c"array", Kind::String),
        Argument::new(c"trust", Kind::Token(c"TRUST")).optional(),
        Argument::new(
            c"expiration",
            Kind::OneOf(&[
                Argument::new(c"seconds", Kind::Integer).after(c"EX"),
                Argument::new(c"milliseconds", Kind::Integer).after(c"PX"),
                Argument::new(c"unix-time-seconds", Kind::UnixTime).after(c"EXAT"),
                Argument::new(c"unix-time-milliseconds", Kind::UnixTime).after(c"PXAT"),
                Argument::new(c"persist", Kind::Token(c"PERSIST")),
            ]),
        )
        .optional(),
        Argument::new(
            c"reply",
            Kind::OneOf(&[
                Argument::new(c"json", Kind::Token(c"JSON")),
                Argument::new(c"len", Kind::Token(c"LEN")),
                Argument::new(c"size", Kind::Token(c"SIZE")),
            ]),
        )
        .after(c"REPLY")
        .optional(),
    ],
    handler: handler::<append::Append>,
};

const TAKE: Command = Command {
    name: c"jsonmerge.take",
    flags: c"write",
    acl_categories: c"write string",
    key_flags: &[KeyFlag::ReadWrite, KeyFlag::Access, KeyFlag::Delete],
    arity: 2,
    since: c"0.1.0",
    summary: c"Returns the JSON array stored at a key after deleting the key.",
    complexity: c"O(N) where N is the size of the stored value in bytes.",
    arguments: &[Argument::new(c"key", Kind::Key)],
    handler: handler::<take::Take>,
};
