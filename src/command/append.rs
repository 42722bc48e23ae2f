//! `JSONMERGE.APPEND key array [TRUST] [EX seconds | PX milliseconds | EXAT unix-seconds |
//! PXAT unix-milliseconds | PERSIST] [REPLY JSON | LEN | SIZE]`
//!
//! Splices the elements of `array` into the array stored at `key`, byte for byte. A missing key is
//! created with `array` as it was sent.

use crate::array::{Array, Verified};
use crate::counters::{APPENDS, BYTES_ADDED, ELEMENTS_ADDED};
use crate::error::Error;
use crate::options::{Check, Options, Reply, Ttl};
use crate::server::{Arg, Context, Effect, Event, Handler, Key};
use crate::verified::{self, Trace};

pub(super) struct Append;

impl Handler for Append {
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        let [_, name, array, options @ ..] = args else { return Err(Error::Arity) };
        let options =
            Options::parse(options.iter().map(|option| option.bytes()), || context.now())?;

        let mut key = context.open(*name);
        let Merge { len, written } = merge(&mut key, *array, options.check)?;
        let ttl_event = set_ttl(&mut key, options.ttl);
        if written || ttl_event.is_some() {
            context.signal_modified(*name);
        }

        // Before the events: another module may answer one by changing the key.
        match options.reply {
            Reply::Json => context.reply_bulk(key.value()?.unwrap_or_default()),
            Reply::Len => context.reply_integer(len),
            Reply::Size => context.reply_integer(key.size()),
        }
        drop(key);
        if written {
            context.notify(*name, Event::Append);
        }
        if let Some(event) = ttl_event {
            context.notify(*name, event);
        }
        APPENDS.add(1);
        Ok(())
    }
}

struct Merge {
    /// The number of elements at the key; with TRUST only those of the argument.
    len: usize,
    /// Whether the value is another now.
    written: bool,
}

/// Brings the elements of `array` to the key. Whatever can be refused is refused before it writes.
fn merge<'a>(key: &mut Key<'a>, array: Arg<'a>, check: Check) -> Result<Merge, Error> {
    let stored = key.value()?;
    let added = Array::verify(array.bytes()).map_err(Error::Argument)?;
    let Some(stored) = stored else {
        create(key, array, &added)?;
        return Ok(Merge { len: added.len, written: true });
    };
    let mut trace = Trace::default();
    let found = find(stored, check, &mut trace)?;
    let merge = Merge { len: found.len + added.len, written: !added.array.is_empty() };
    let splice = found.array.splice(&added.array);
    if merge.written {
        let (context, name) = (key.context, key.name);
        let (stem, tail) = splice.write(key.grow(splice.end())?).ok_or(Error::Internal)?;
        if check == Check::Strict {
            verified::remember(&mut trace, stem, merge.len);
        }
        context.propagate(name, Effect::SetRange { offset: splice.offset(), tail });
        count(added.len, tail);
    }
    Ok(merge)
}

/// The stored array; with TRUST its elements are not counted.
fn find<'t>(stored: &'t [u8], check: Check, trace: &mut Trace) -> Result<Verified<'t>, Error> {
    if check == Check::Trust
        && let Some(array) = Array::find(stored)
    {
        return Ok(Verified { array, len: 0 });
    }
    verified::verify(trace, stored).map_err(Error::Stored)
}

fn create<'a>(key: &mut Key<'a>, array: Arg<'a>, added: &Verified) -> Result<(), Error> {
    key.create(array)?;
    verified::remember(&mut Trace::default(), added.array.stem(array.bytes()), added.len);
    key.context.propagate(key.name, Effect::Set(array));
    count(added.len, array.bytes());
    Ok(())
}

fn count(elements: usize, written: &[u8]) {
    ELEMENTS_ADDED.add(elements);
    BYTES_ADDED.add(written.len());
}

/// The event to raise, if the key's TTL is another now.
fn set_ttl(key: &mut Key, ttl: Ttl) -> Option<Event> {
    match ttl {
        Ttl::Keep => None,
        Ttl::ExpireAt(time) => {
            key.expire_at(time);
            key.context.propagate(key.name, Effect::ExpireAt(time));
            Some(Event::Expire)
        }
        Ttl::Persist => key.persist().then(|| {
            key.context.propagate(key.name, Effect::Persist);
            Event::Persist
        }),
    }
}
