//! A module for the tests: `CALLER.CALL command [arg ...]` calls a command with RM_Call and returns the
//! reply.

use redis_module::{Context, NextArg as _, RedisResult, RedisString, redis_module};

fn call(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let mut args = args.into_iter().skip(1);
    let command = args.next_string()?;
    let rest: Vec<RedisString> = args.collect();
    context.call(&command, rest.iter().collect::<Vec<_>>().as_slice())
}

redis_module! {
    name: "caller",
    version: 1,
    allocator: (std::alloc::System, std::alloc::System),
    data_types: [],
    commands: [["caller.call", call, "", 0, 0, 0, ""]],
}
