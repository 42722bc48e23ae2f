//! The parameters of a command, which COMMAND DOCS lists and redis-cli shows as hints.

use std::ffi::CStr;
use std::mem::zeroed;
use std::ptr;

use redis_module::raw::{self, RedisModuleCommandArg, RedisModuleCommandArgType};

/// A parameter of a command.
pub(crate) struct Parameter {
    name: &'static CStr,
    kind: Kind,
    token: Option<&'static CStr>,
    optional: bool,
}

/// The type of a parameter.
pub(crate) enum Kind {
    /// The key of the command's only key specification.
    Key,
    String,
    Integer,
    UnixTime,
    /// A fixed word.
    Token(&'static CStr),
    /// One of these.
    OneOf(&'static [Parameter]),
}

impl Parameter {
    pub(crate) const fn new(name: &'static CStr, kind: Kind) -> Self {
        Parameter { name, kind, token: None, optional: false }
    }

    /// Requires this word before the parameter.
    pub(crate) const fn token(self, token: &'static CStr) -> Self {
        Parameter { token: Some(token), ..self }
    }

    /// Makes the parameter optional.
    pub(crate) const fn optional(self) -> Self {
        Parameter { optional: true, ..self }
    }

    /// Returns the parameters in the server's format.
    pub(super) fn list(parameters: &[Parameter]) -> ParameterList {
        let mut list = ParameterList { raw: Vec::new(), within: Vec::new() };
        for parameter in parameters {
            let mut raw = parameter.raw();
            if let Kind::OneOf(alternatives) = parameter.kind {
                let mut alternatives = Parameter::list(alternatives);
                raw.subargs = alternatives.as_mut_ptr();
                list.within.push(alternatives);
            }
            list.raw.push(raw);
        }
        // SAFETY: plain data, and zeroes mark the end of the list.
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
    /// Returns the server's type, and the word if the parameter is a token.
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

/// A list that ends with an entry of zeroes and owns the lists that its entries point to.
pub(super) struct ParameterList {
    raw: Vec<RedisModuleCommandArg>,
    within: Vec<ParameterList>,
}

impl ParameterList {
    /// Returns a pointer to the first entry, which stays valid while the list lives, even if it is moved.
    pub(super) fn as_mut_ptr(&mut self) -> *mut RedisModuleCommandArg {
        self.raw.as_mut_ptr()
    }
}
