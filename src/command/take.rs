//! `JSONMERGE.TAKE key`
//!
//! Returns the array stored at `key` and deletes the key; null if there is none.

use crate::counters::TAKES;
use crate::error::Error;
use crate::server::{Arg, Context, Effect, Event, Handler};
use crate::verified::{self, Trace};

pub(super) struct Take;

impl Handler for Take {
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        let [_, name] = args else { return Err(Error::Arity) };

        let mut key = context.open(*name);
        let Some(stored) = key.value()? else {
            context.reply_null();
            return Ok(());
        };
        verified::verify(&mut Trace::default(), stored).map_err(Error::Stored)?;

        // As GETDEL does: the reply copies what the next step frees.
        context.reply_bulk(stored);
        key.unlink();
        context.propagate(*name, Effect::Unlink);
        context.signal_modified(*name);
        drop(key);
        context.notify(*name, Event::Del);
        TAKES.add(1);
        Ok(())
    }
}
