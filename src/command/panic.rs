//! `JSONMERGE.PANIC [CACHE]`
//!
//! Panics, or makes the next update of the validation cache panic. Only debug builds have it, for the
//! tests that no panic reaches the server and that none separates a write from its propagation.

use std::sync::atomic::Ordering;

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

impl Handler for Panic {
    #[expect(clippy::panic, reason = "the purpose of the command")]
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        if args.len() == 1 {
            panic!("JSONMERGE.PANIC was called");
        }
        PANIC_ON_UPDATE.store(true, Ordering::Relaxed);
        context.reply_null();
        Ok(())
    }
}
