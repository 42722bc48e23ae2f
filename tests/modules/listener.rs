//! A module that responds to the events of jsonmerge by changing the key, for `tests/listener.rs`.

use redis_module::{CallOptionsBuilder, CallResult, Context, NotifyEvent, redis_module};

/// Calls a command, and propagates it. The key's name selects the command:
///
/// - `set:...`: sets the value to `["listener"]` after an append or a deletion.
/// - `append:...`: appends `x` after an append.
/// - `del:...`: deletes the key after an append.
fn respond(context: &Context, _class: NotifyEvent, event: &str, key: &[u8]) {
    let key = String::from_utf8_lossy(key);
    let action = key.split(':').next().unwrap_or_default();
    let (command, arguments): (_, &[&str]) = match (event, action) {
        ("jsonmerge.append" | "del", "set") => ("SET", &[&key, "[\"listener\"]"]),
        ("jsonmerge.append", "append") => ("APPEND", &[&key, "x"]),
        ("jsonmerge.append", "del") => ("DEL", &[&key]),
        _ => return,
    };
    let options = CallOptionsBuilder::new().replicate().build();
    let reply: CallResult = context.call_ext(command, &options, arguments);
    if reply.is_err() {
        context.log_warning(&format!("{command} {key} failed"));
    }
}

redis_module! {
    name: "listener",
    version: 1,
    allocator: (redis_module::alloc::RedisAlloc, redis_module::alloc::RedisAlloc),
    data_types: [],
    commands: [],
    event_handlers: [[@STRING @GENERIC: respond]],
}
