//! The entry point of every command. It lets no panic reach the server.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use redis_module::raw::{RedisModuleCtx, RedisModuleString};

use crate::counters;
use crate::error::Error;
use crate::server::{Arg, Context, OK};

/// The implementation of a command.
pub(crate) trait Handler {
    /// Replies to the call, or changes nothing and returns an error.
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error>;

    /// The function that the server calls. It replies with the error, if there is one. A panic becomes an
    /// internal error; if the command has already replied, only the log and INFO show it.
    ///
    /// # Safety
    /// Only the server may call this, with a context and arguments that live until it returns.
    unsafe extern "C" fn call(
        context: *mut RedisModuleCtx,
        argv: *mut *mut RedisModuleString,
        argc: c_int,
    ) -> c_int {
        // SAFETY: the caller guarantees that the context and the arguments live long enough.
        let (context, args) = unsafe { (Context::new(context), Arg::list(argv, argc)) };
        let run = AssertUnwindSafe(|| Self::run(&context, args));
        if let Err(error) = catch_unwind(run).unwrap_or(Err(Error::Internal)) {
            counters::count_error(&error);
            if !context.has_replied() {
                context.reply_error(&error, args);
            }
        }
        OK
    }
}
