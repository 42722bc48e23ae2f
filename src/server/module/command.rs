//! Registers commands, with what COMMAND INFO, COMMAND DOCS, ACLs and cluster clients know about them.

use std::ffi::{CStr, CString};
use std::mem::{size_of, zeroed};
use std::ptr;

use libc::c_int;
use redis_module::raw::{
    self, RedisModule_SetCommandACLCategories, RedisModuleCommand, RedisModuleCommandArg,
    RedisModuleCommandHistoryEntry, RedisModuleCommandInfo, RedisModuleCommandInfoVersion,
    RedisModuleCommandKeySpec, RedisModuleCtx, RedisModuleString,
};

use crate::server::module::Parameter;
use crate::server::{Context, OK};

/// A command. If it has a key, that is its first argument.
pub(crate) struct Command {
    pub(crate) name: &'static CStr,
    /// The flags of RM_CreateCommand: `write`, `deny-oom`, ...
    pub(crate) flags: &'static CStr,
    /// Whether it may block the client. Since version 7.2, this sets the flag `blocking`.
    pub(crate) blocks: bool,
    /// Redis 7.0 has no categories for the commands of modules, so there they are not set.
    pub(crate) acl_categories: &'static CStr,
    /// What the command does with its key; empty if it has none.
    pub(crate) key_flags: &'static [KeyFlag],
    /// The number of arguments, including the command's name. Negative if it is a minimum.
    pub(crate) arity: c_int,
    pub(crate) since: &'static CStr,
    pub(crate) summary: &'static CStr,
    pub(crate) complexity: &'static CStr,
    pub(crate) parameters: &'static [Parameter],
    /// [`Handler::call`](crate::server::Handler::call) of its implementation.
    pub(crate) handler:
        unsafe extern "C" fn(*mut RedisModuleCtx, *mut *mut RedisModuleString, c_int) -> c_int,
}

/// A flag of a key specification.
#[derive(Clone, Copy)]
pub(crate) enum KeyFlag {
    /// The command changes or deletes the value.
    ReadWrite,
    /// The reply contains data from the value.
    Access,
    /// The command adds data without changing any.
    Insert,
    /// The command deletes data.
    Delete,
}

/// Registers a command with its documentation and ACL categories.
///
/// # Errors
/// What to log if the server refuses the command.
pub(super) fn register_command(context: &Context, command: &Command) -> Result<(), String> {
    let refused = |what| format!("the server refused to register the {what} of {:?}", command.name);
    let key_position = c_int::from(!command.key_flags.is_empty());
    // Like the ACL categories, the flag has existed since version 7.2.
    // SAFETY: the server sets the pointer, or leaves it empty, before it calls the module.
    let has_flag = unsafe { RedisModule_SetCommandACLCategories }.is_some();
    let blocking: &[u8] = if command.blocks && has_flag { b" blocking" } else { b"" };
    let flags = CString::new([command.flags.to_bytes(), blocking].concat()).unwrap_or_default();
    // SAFETY: the context is alive, the strings live and the handler is static, and the server copies all of
    // the information.
    unsafe {
        let created = api!(RedisModule_CreateCommand(
            context.raw,
            command.name.as_ptr(),
            Some(command.handler),
            flags.as_ptr(),
            key_position,
            key_position,
            key_position,
        ));
        if created != OK {
            return Err(refused("name"));
        }
        let registered = api!(RedisModule_GetCommand(context.raw, command.name.as_ptr()));
        if set_info(registered, command) != OK {
            return Err(refused("description"));
        }
        if set_acl_categories(registered, command) != OK {
            return Err(refused("ACL categories"));
        }
    }
    Ok(())
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
    let mut parameters = Parameter::list(command.parameters);
    let info = RedisModuleCommandInfo {
        version: &version,
        summary: command.summary.as_ptr(),
        complexity: command.complexity.as_ptr(),
        since: command.since.as_ptr(),
        history: ptr::null_mut(),
        tips: ptr::null(),
        arity: command.arity,
        key_specs: key_specs.as_mut_ptr(),
        args: parameters.as_mut_ptr(),
    };
    // SAFETY: the record is as the caller guarantees. Both lists end with an entry of zeroes, and they
    // live, with everything they point to, until the server has copied them.
    unsafe { api!(RedisModule_SetCommandInfo(registered, &info)) }
}

/// # Safety
/// `registered` must be the server's record of `command`.
unsafe fn set_acl_categories(registered: *mut RedisModuleCommand, command: &Command) -> c_int {
    // SAFETY: the record is as the caller guarantees, and the string is static.
    unsafe {
        match RedisModule_SetCommandACLCategories {
            Some(set) => set(registered, command.acl_categories.as_ptr()),
            None => OK,
        }
    }
}

/// Returns the key specification of the first argument, if it has flags, and the end of the list.
fn key_specs(flags: &[KeyFlag]) -> Vec<RedisModuleCommandKeySpec> {
    // SAFETY: plain data, and zeroes mark the end of the list.
    let end: RedisModuleCommandKeySpec = unsafe { zeroed() };
    let mut first = end;
    first.flags = flags.iter().fold(0, |flags, flag| flags | u64::from(flag.raw()));
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
