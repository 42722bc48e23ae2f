//! `JSONMERGE.TAKE key`
//!
//! Returns the array stored at `key` and deletes the key. Returns null if the key is missing.

use crate::cache::StemHasher;
use crate::counters::ELEMENTS_TAKEN;
use crate::error::Error;
use crate::server::{Arg, Context, Event, Handler};

pub(super) struct Take;

impl Handler for Take {
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        let [_, name] = args else { return Err(Error::Arity) };

        let mut key = context.open(*name)?;
        let Some(stored) = key.value() else {
            context.reply_null();
            return Ok(());
        };
        let mut hasher = StemHasher::default();
        let len = hasher.validate(stored).map_err(Error::Stored)?.len;

        // Like GETDEL: reply first, because deleting frees the value.
        context.reply_bulk(stored);
        key.unlink();
        key.close([Event::Del]);

        hasher.remove();
        ELEMENTS_TAKEN.add(len);
        Ok(())
    }
}
