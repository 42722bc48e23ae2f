//! JSONMERGE.PANIC: a defect on purpose, for the test that none reaches the server. Not in releases.

use crate::error::Error;
use crate::server::{Arg, Command, Context, Handler, handler};

pub(super) const PANIC: Command = Command {
    name: c"jsonmerge.panic",
    flags: c"",
    acl_categories: c"",
    key_flags: &[],
    arity: 1,
    since: c"0.1.0",
    summary: c"Panics.",
    complexity: c"O(1)",
    arguments: &[],
    handler: handler::<Panic>,
};

struct Panic;

impl Handler for Panic {
    #[expect(clippy::panic, reason = "what the command is for")]
    fn run(_: &Context, _: &[Arg]) -> Result<(), Error> {
        panic!("on purpose")
    }
}
