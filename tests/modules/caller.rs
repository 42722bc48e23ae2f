//! A module for the tests that calls commands with RM_Call, and returns their replies:
//!
//! - `CALLER.CALL command [arg ...]`: the command may not block.
//! - `CALLER.WAIT command [arg ...]`: the command may block. Not on Redis 7.0, which has no such calls.

use std::ffi::{CString, c_void};
use std::ptr;

use redis_module::{
    Context, NextArg as _, RedisError, RedisResult, RedisString, RedisValue, raw, redis_module,
};

/// Calls a function of the module API.
macro_rules! api {
    ($function:ident($($argument:expr),*)) => {
        raw::$function.expect("the server has the function")($($argument),*)
    };
}

fn call(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let mut args = args.into_iter().skip(1);
    let command = args.next_string()?;
    let rest: Vec<RedisString> = args.collect();
    context.call(&command, rest.iter().collect::<Vec<_>>().as_slice())
}

fn wait(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let mut args = args.into_iter().skip(1);
    let command = CString::new(args.next_string()?).map_err(|_| RedisError::Str("ERR name"))?;
    let rest: Vec<RedisString> = args.collect();
    let mut argv: Vec<_> = rest.iter().map(|arg| arg.inner).collect();
    // SAFETY: the context and the arguments are alive.
    unsafe {
        let (argv, argc) = (argv.as_mut_ptr(), argv.len());
        let format = c"!Kv".as_ptr();
        let reply = api!(RedisModule_Call(context.ctx, command.as_ptr(), format, argv, argc));
        if api!(RedisModule_CallReplyType(reply)) as isize == raw::REDISMODULE_REPLY_PROMISE {
            let client = api!(RedisModule_BlockClient(context.ctx, None, None, None, 0)).cast();
            let answer = Some(answer as _);
            api!(RedisModule_CallReplyPromiseSetUnblockHandler(reply, answer, client));
        } else {
            api!(RedisModule_ReplyWithCallReply(context.ctx, reply));
        }
        api!(RedisModule_FreeCallReply(reply));
    }
    Ok(RedisValue::NoReply)
}

/// Replies to the client that `wait` has blocked.
unsafe extern "C" fn answer(
    _: *mut raw::RedisModuleCtx,
    reply: *mut raw::RedisModuleCallReply,
    client: *mut c_void,
) {
    // SAFETY: the client is still blocked, and the reply is alive.
    unsafe {
        let context = api!(RedisModule_GetThreadSafeContext(client.cast()));
        api!(RedisModule_ReplyWithCallReply(context, reply));
        api!(RedisModule_FreeThreadSafeContext(context));
        api!(RedisModule_FreeCallReply(reply));
        api!(RedisModule_UnblockClient(client.cast(), ptr::null_mut()));
    }
}

redis_module! {
    name: "caller",
    version: 1,
    allocator: (std::alloc::System, std::alloc::System),
    data_types: [],
    commands: [
        ["caller.call", call, "", 0, 0, 0, ""],
        ["caller.wait", wait, "", 0, 0, 0, ""],
    ],
}
