//! The module's section of INFO.

use std::ffi::CStr;
use std::panic::catch_unwind;

use libc::c_int;
use redis_module::raw::RedisModuleInfoCtx;

use crate::MODULE;
use crate::server::{Context, OK};

/// A field of INFO.
pub(crate) struct Field {
    /// Its name, without the module's name and `_`, which the server adds.
    pub(crate) name: &'static CStr,
    pub(crate) value: fn() -> u64,
}

/// Registers the fields for INFO and crash reports. Returns whether the server accepted them.
pub(super) fn register_info(context: &Context) -> bool {
    // SAFETY: the context is alive, and the callback lives as long as the module is loaded.
    unsafe { api!(RedisModule_RegisterInfoFunc(context.raw, Some(report))) == OK }
}

unsafe extern "C" fn report(info: *mut RedisModuleInfoCtx, _for_crash_report: c_int) {
    // SAFETY: the server passes a context for INFO, and the names are static. A section without a name of
    // its own has the module's name. The server refuses a section that the client did not request.
    unsafe {
        if api!(RedisModule_InfoAddSection(info, c"".as_ptr())) != OK {
            return;
        }
        for field in MODULE.info {
            let value = catch_unwind(field.value).unwrap_or_default();
            api!(RedisModule_InfoAddFieldULongLong(info, field.name.as_ptr(), value));
        }
    }
}
