//! The border between the server and the commands: every call comes in here, no panic goes out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libc::c_int;
use redis_module::raw::{RedisModuleCtx, RedisModuleString};

use crate::counters;
use crate::error::Error;
use crate::server::{Arg, Context, OK};

/// The work of a command.
pub(crate) trait Handler {
    /// Answers the call, or refuses it with an error and without having changed anything.
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error>;
}

/// The function that the server calls for a command, over and over.
pub(crate) type Entry =
    unsafe extern "C" fn(*mut RedisModuleCtx, *mut *mut RedisModuleString, c_int) -> c_int;

/// The entry of a command: runs its handler and sends the error, if it ends with one.
///
/// # Safety
/// Only the server may call it, with a context and arguments that live until it returns.
pub(crate) unsafe extern "C" fn handler<H: Handler>(
    context: *mut RedisModuleCtx,
    argv: *mut *mut RedisModuleString,
    argc: c_int,
) -> c_int {
    // SAFETY: the caller vouches for the context and the arguments.
    let (context, args) = unsafe { (Context::new(context), Arg::list(argv, argc)) };
    let run = AssertUnwindSafe(|| H::run(&context, args));
    if let Err(error) = catch_unwind(run).unwrap_or(Err(Error::Internal)) {
        counters::of(&error).add(1);
        context.reply_error(&error, args);
    }
    OK
}
