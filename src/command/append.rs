//! `JSONMERGE.APPEND key array [TRUST] [EX seconds | PX milliseconds | EXAT unix-seconds |
//! PXAT unix-milliseconds | PERSIST] [REPLY JSON | LEN | SIZE]`
//!
//! Splices the elements of `array` into the array stored at `key`, byte for byte. Creates a missing key
//! with `array` exactly as sent.

use std::borrow::Cow;

use crate::array::{Array, Splice};
use crate::cache::{self, StemHasher};
use crate::command::check;
use crate::counters::{BYTES_ADDED, ELEMENTS_ADDED};
use crate::error::Error;
use crate::options::{AppendOptions, Reply, Ttl};
use crate::server::{Arg, Context, Event, Handler, Key};

pub(super) struct Append;

impl Handler for Append {
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        let [_, name, array, options @ ..] = args else { return Err(Error::Arity) };
        let options =
            AppendOptions::parse(options.iter().map(|option| option.bytes()), || context.now())?;

        let mut key = context.open(*name)?;
        let added = Array::validate(array.bytes()).map_err(Error::Argument)?;
        let mut hasher = StemHasher::default();
        let merge = match key.value() {
            None => Merge { change: Change::Create(*array), len: Some(added.len) },
            Some(stored) => {
                let (brackets, len) = check::validate(stored, options.check, &mut hasher)?;
                let change = Change::Splice(brackets.splice(&added.brackets));
                Merge { change, len: len.map(|len| len + added.len) }
            }
        };
        if options.ttl == Ttl::Expired {
            delete(context, key, &merge, options.reply);
            hasher.remove();
            return Ok(());
        }

        let bytes = merge.write(&mut key)?;
        let ttl_event = set_ttl(&mut key, options.ttl);
        // Reply before the key is closed: another module may respond to an event by changing the value.
        reply(context, options.reply, key.value().unwrap_or_default(), merge.len);
        key.close([(bytes > 0).then_some(Event::Append), ttl_event].into_iter().flatten());

        merge.remember(&added, &mut hasher);
        if bytes > 0 {
            BYTES_ADDED.add(bytes);
            ELEMENTS_ADDED.add(added.len);
        }
        Ok(())
    }
}

/// What an append does to a value.
struct Merge<'a> {
    change: Change<'a>,
    /// The number of elements afterwards, or `None` if TRUST left it unknown.
    len: Option<usize>,
}

enum Change<'a> {
    /// The key is missing, and its value becomes the argument.
    Create(Arg<'a>),
    /// The end of the stored value is overwritten, unless there is nothing to add.
    Splice(Splice<'a>),
}

impl<'a> Merge<'a> {
    /// Writes the change, and returns the number of bytes written.
    fn write(&self, key: &mut Key<'a>) -> Result<usize, Error> {
        match &self.change {
            Change::Create(array) => {
                key.create(*array)?;
                Ok(array.bytes().len())
            }
            Change::Splice(splice) if splice.adds() => {
                key.set_range(splice.range(), |tail| splice.write(tail))?;
                Ok(splice.range().len())
            }
            Change::Splice(_) => Ok(0),
        }
    }

    /// Updates the validation cache.
    fn remember(&self, added: &Array, hasher: &mut StemHasher) {
        match (&self.change, self.len) {
            (Change::Create(array), _) => {
                cache::remember(added.brackets.stem(array.bytes()), added.len);
            }
            (Change::Splice(splice), Some(len)) => hasher.remember(splice.extension(), len),
            (Change::Splice(_), None) => {}
        }
    }
}

/// Sets or removes the TTL, and returns the event to raise, if any.
fn set_ttl(key: &mut Key, ttl: Ttl) -> Option<Event> {
    match ttl {
        Ttl::Keep | Ttl::Expired => None,
        Ttl::ExpireAt(time) => {
            key.expire_at(time);
            Some(Event::Expire)
        }
        Ttl::Persist => key.persist().then_some(Event::Persist),
    }
}

fn reply(context: &Context, reply: Reply, value: &[u8], len: Option<usize>) {
    match reply {
        Reply::Json => context.reply_bulk(value),
        // `AppendOptions::parse` rejects LEN with TRUST, so the number is known.
        Reply::Len => context.reply_integer(len.unwrap_or_default()),
        Reply::Size => context.reply_integer(value.len()),
    }
}

/// Replies as for any append, and deletes the key because its new expire time has passed. Core's SET also
/// deletes it.
fn delete(context: &Context, mut key: Key, merge: &Merge, options_reply: Reply) {
    let stored = key.value();
    let merged = match &merge.change {
        Change::Create(array) => Cow::Borrowed(array.bytes()),
        Change::Splice(splice) => Cow::Owned(splice.apply(stored.unwrap_or_default())),
    };
    reply(context, options_reply, &merged, merge.len);
    if stored.is_some() {
        key.unlink();
        key.close([Event::Del]);
    }
}
