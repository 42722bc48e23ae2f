//! Registering a command: what COMMAND INFO, COMMAND DOCS, ACLs and cluster clients know of it.

use std::ffi::CStr;
use std::mem::{size_of, zeroed};
use std::ptr;

use libc::c_int;
use redis_module::raw::{
    self, RedisModule_SetCommandACLCategories, RedisModuleCommand, RedisModuleCommandArg,
    RedisModuleCommandHistoryEntry, RedisModuleCommandInfo, RedisModuleCommandInfoVersion,
    RedisModuleCommandKeySpec,
};

use crate::server::border::Entry;
use crate::server::{Argument, Context, OK};

/// A command as the server lists it. One that has a key has one key, its first argument.
pub(crate) struct Command {
    pub(crate) name: &'static CStr,
    /// As RM_CreateCommand has them: `write`, `deny-oom`, ...
    pub(crate) flags: &'static CStr,
    /// Set where the server lets a module, from 7.2 on; in Redis 7.0 a module's commands have none.
    pub(crate) acl_categories: &'static CStr,
    /// What the command does with its key; empty if it has none.
    pub(crate) key_flags: &'static [KeyFlag],
    /// The number of arguments, the command's name included; negative: at least that many.
    pub(crate) arity: c_int,
    pub(crate) since: &'static CStr,
    pub(crate) summary: &'static CStr,
    pub(crate) complexity: &'static CStr,
    pub(crate) arguments: &'static [Argument],
    pub(crate) handler: Entry,
}

/// A flag of a key specification.
#[derive(Clone, Copy)]
pub(crate) enum KeyFlag {
    /// The value is changed, or deleted.
    ReadWrite,
    /// The reply contains data of the value.
    Access,
    /// Data is added, none is changed.
    Insert,
    /// Data is deleted.
    Delete,
}

impl Context<'_> {
    /// # Errors
    /// What to tell the operator: the server refuses the command.
    pub(super) fn register(&self, command: &Command) -> Result<(), String> {
        let refused = |step| format!("the server refuses {step} of {:?}", command.name);
        let key_position = c_int::from(!command.key_flags.is_empty());
        // SAFETY: the context is alive, the strings and the handler are static, and the server copies
        // all of the information.
        unsafe {
            let created = api!(RedisModule_CreateCommand(
                self.raw,
                command.name.as_ptr(),
                Some(command.handler),
                command.flags.as_ptr(),
                key_position,
                key_position,
                key_position,
            ));
            if created != OK {
                return Err(refused("the name"));
            }
            let registered = api!(RedisModule_GetCommand(self.raw, command.name.as_ptr()));
            if set_info(registered, command) != OK {
                return Err(refused("the description"));
            }
            if set_acl_categories(registered, command) != OK {
                return Err(refused("the ACL categories"));
            }
        }
        Ok(())
    }
}

/// # Safety
/// `registered` must be the server's record of `command`.
unsafe fn set_info(registered: *mut RedisModuleCommand, command: &Command) -> c_int {
    let version = RedisModuleCommandInfoVersion {
        version: 1,
        sizeof_historyentry: size_of::<RedisModuleCommandHistoryEntry>(),
        sizeof_keyspec: size_of::<RedisModuleCommandKeySpec>(),
        sizeof_arg: size_of::<RedisModuleCommandArg>(),
    };
    let mut key_specs = key_specs(command.key_flags);
    let mut arguments = Argument::list(command.arguments);
    let info = RedisModuleCommandInfo {
        version: &version,
        summary: command.summary.as_ptr(),
        complexity: command.complexity.as_ptr(),
        since: command.since.as_ptr(),
        history: ptr::null_mut(),
        tips: ptr::null(),
        arity: command.arity,
        key_specs: key_specs.as_mut_ptr(),
        args: arguments.as_mut_ptr(),
    };
    // SAFETY: the caller vouches for the record. Both lists end with an entry of zeroes, and with all
    // they point to they live until the server has copied them.
    unsafe { api!(RedisModule_SetCommandInfo(registered, &info)) }
}

/// # Safety
/// `registered` must be the server's record of `command`.
unsafe fn set_acl_categories(registered: *mut RedisModuleCommand, command: &Command) -> c_int {
    // SAFETY: the caller vouches for the record; the string is static.
    unsafe {
        match RedisModule_SetCommandACLCategories {
            Some(set) => set(registered, command.acl_categories.as_ptr()),
            None => OK,
        }
    }
}

/// The key specification of the first argument, if there are flags, and the end of the list.
fn key_specs(flags: &[KeyFlag]) -> Vec<RedisModuleCommandKeySpec> {
    // SAFETY: plain data, for which zeroes mean the end of the list.
    let end: RedisModuleCommandKeySpec = unsafe { zeroed() };
    let mut first = end;
    first.flags = flags.iter().map(|flag| u64::from(flag.raw())).sum();
    first.begin_search_type = raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX;
    first.bs.index.pos = 1;
    first.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE;
    first.fk.range.lastkey = 0;
    first.fk.range.keystep = 1;
    if flags.is_empty() { vec![end] } else { vec![first, end] }
}

impl KeyFlag {
    fn raw(self) -> u32 {
        match self {
            KeyFlag::ReadWrite => raw::REDISMODULE_CMD_KEY_RW,
            KeyFlag::Access => raw::REDISMODULE_CMD_KEY_ACCESS,
            KeyFlag::Insert => raw::REDISMODULE_CMD_KEY_INSERT,
            KeyFlag::Delete => raw::REDISMODULE_CMD_KEY_DELETE,
        }
    }
}
