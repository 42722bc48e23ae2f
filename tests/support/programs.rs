//! The programs that the tests run: a server and its clients, from Redis or Valkey.

use std::env;
use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

/// Returns the program to run for `name`, which is `server`, `cli` or `benchmark`: what `REDIS_SERVER`,
/// `REDIS_CLI` or `REDIS_BENCHMARK` is set to, or the program of Redis, or that of Valkey if only Valkey is
/// on the PATH.
pub fn find(name: &str) -> OsString {
    let variable = format!("REDIS_{}", name.to_uppercase());
    if let Some(program) = env::var_os(variable).filter(|program| !program.is_empty()) {
        // The tests run programs in other directories, so make relative paths absolute, but not names.
        return match Path::new(&program).components().count() {
            1 => program,
            _ => path::absolute(&program).map_or(program, PathBuf::into_os_string),
        };
    }
    let [redis, valkey] = ["redis", "valkey"].map(|project| format!("{project}-{name}"));
    let is_valkey_only = is_on_path(&valkey) && !is_on_path(&redis);
    if is_valkey_only { valkey.into() } else { redis.into() }
}

fn is_on_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(name).is_file())
}
