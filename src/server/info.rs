//! The module's section of INFO.

use libc::c_int;
use redis_module::raw::RedisModuleInfoCtx;

use crate::counters;
use crate::server::{Context, OK};

impl Context<'_> {
    /// Has the server ask for the counters when it is asked for INFO, and as it writes a crash report.
    pub(super) fn offer_info(&self) -> bool {
        // SAFETY: the context is alive, and the callback as long as the module is loaded.
        unsafe { api!(RedisModule_RegisterInfoFunc(self.raw, Some(report))) == OK }
    }
}

unsafe extern "C" fn report(info: *mut RedisModuleInfoCtx, _for_crash_report: c_int) {
    // SAFETY: the server passes what it gathers INFO in; the names are static. A section without a
    // name of its own has the module's. One that was not asked for is refused.
    unsafe {
        if api!(RedisModule_InfoAddSection(info, c"".as_ptr())) != OK {
            return;
        }
        for counter in counters::TABLE {
            api!(RedisModule_InfoAddFieldULongLong(info, counter.name.as_ptr(), counter.get()));
        }
    }
}
