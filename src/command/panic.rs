//! `JSONMERGE.PANIC [CACHE | SERVE]`
//!
//! Panics, or makes the next update of the validation cache or the next serving of a waiting client
//! panic. Only debug builds have it. The tests use it to check that no panic reaches the server or separates
//! a write from its propagation.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::cache::PANIC_ON_UPDATE;
use crate::error::Error;
use crate::server::module::Command;
use crate::server::{Arg, Context, Handler};

pub(super) const PANIC: Command = Command {
    name: c"jsonmerge.panic",
    flags: c"",
    blocks: false,
    acl_categories: c"",
    key_flags: &[],
    arity: -1,
    since: c"0.1.0",
    summary: c"Panics.",
    complexity: c"O(1)",
    parameters: &[],
    handler: Panic::call,
};

struct Panic;

/// Whether the next serving of a waiting client panics.
static PANIC_ON_SERVE: AtomicBool = AtomicBool::new(false);

#[expect(clippy::panic, reason = "the tests request it")]
pub(super) fn serve_panics_if_told_to() {
    if PANIC_ON_SERVE.swap(false, Ordering::Relaxed) {
        panic!("JSONMERGE.PANIC SERVE was called");
    }
}

impl Handler for Panic {
    #[expect(clippy::panic, reason = "the purpose of the command")]
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        match args.get(1).map(|what| what.bytes()) {
            None => panic!("JSONMERGE.PANIC was called"),
            Some(b"SERVE") => PANIC_ON_SERVE.store(true, Ordering::Relaxed),
            Some(_) => PANIC_ON_UPDATE.store(true, Ordering::Relaxed),
        }
        context.reply_null();
        Ok(())
    }
}
