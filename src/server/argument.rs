//! The syntax of a command as COMMAND DOCS tells it, from which redis-cli makes its hints.

use std::ffi::CStr;
use std::mem::zeroed;
use std::ptr;

use redis_module::raw::{self, RedisModuleCommandArg, RedisModuleCommandArgType};

/// An argument of a command.
pub(crate) struct Argument {
    name: &'static CStr,
    kind: Kind,
    token: Option<&'static CStr>,
    optional: bool,
}

/// What an argument is.
pub(crate) enum Kind {
    /// The key, of the command's only key specification.
    Key,
    String,
    Integer,
    UnixTime,
    /// A word that stands for itself.
    Token(&'static CStr),
    /// One of several.
    OneOf(&'static [Argument]),
}

impl Argument {
    pub(crate) const fn new(name: &'static CStr, kind: Kind) -> Self {
        Argument { name, kind, token: None, optional: false }
    }

    /// Follows a word that announces it.
    pub(crate) const fn after(self, token: &'static CStr) -> Self {
        Argument { token: Some(token), ..self }
    }

    /// May be left out.
    pub(crate) const fn optional(self) -> Self {
        Argument { optional: true, ..self }
    }

    /// The arguments as the server takes them.
    pub(super) fn list(arguments: &[Argument]) -> ArgumentList {
        let mut list = ArgumentList { raw: Vec::new(), within: Vec::new() };
        for argument in arguments {
            let mut raw = argument.raw();
            if let Kind::OneOf(alternatives) = argument.kind {
                let mut alternatives = Argument::list(alternatives);
                raw.subargs = alternatives.as_mut_ptr();
                list.within.push(alternatives);
            }
            list.raw.push(raw);
        }
        // SAFETY: plain data, for which zeroes mean the end of the list.
        list.raw.push(unsafe { zeroed() });
        list
    }

    fn raw(&self) -> RedisModuleCommandArg {
        let (kind, word) = self.kind.raw();
        let flags = if self.optional {
            raw::REDISMODULE_CMD_ARG_OPTIONAL
        } else {
            raw::REDISMODULE_CMD_ARG_NONE
        };
        RedisModuleCommandArg {
            name: self.name.as_ptr(),
            type_: kind,
            key_spec_index: if matches!(self.kind, Kind::Key) { 0 } else { -1 },
            token: self.token.or(word).map_or(ptr::null(), CStr::as_ptr),
            summary: ptr::null(),
            since: ptr::null(),
            flags: flags as libc::c_int,
            deprecated_since: ptr::null(),
            subargs: ptr::null_mut(),
            display_text: ptr::null(),
        }
    }
}

impl Kind {
    /// The server's name for it, and the word that a token is.
    fn raw(&self) -> (RedisModuleCommandArgType, Option<&'static CStr>) {
        match self {
            Kind::Key => (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_KEY, None),
            Kind::String => (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING, None),
            Kind::Integer => (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_INTEGER, None),
            Kind::UnixTime => (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_UNIX_TIME, None),
            Kind::Token(word) => {
                (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_PURE_TOKEN, Some(word))
            }
            Kind::OneOf(_) => (raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_ONEOF, None),
        }
    }
}

/// A list that ends with an entry of zeroes, and owns the lists that its entries point to.
pub(super) struct ArgumentList {
    raw: Vec<RedisModuleCommandArg>,
    within: Vec<ArgumentList>,
}

impl ArgumentList {
    /// The first entry. Valid while the list lives, wherever it is moved to.
    pub(super) fn as_mut_ptr(&mut self) -> *mut RedisModuleCommandArg {
        self.raw.as_mut_ptr()
    }
}
