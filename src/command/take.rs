//! `JSONMERGE.TAKE key [COUNT count] [TRUST] [BLOCK milliseconds]`
//!
//! Returns the array stored at `key` and deletes the key. With COUNT, returns the first elements and
//! leaves the rest. If the key is missing, returns null, or with BLOCK waits for the key.

use crate::array::{Brackets, Head, Invalid};
use crate::cache::{self, StemHasher};
use crate::command::check;
use crate::counters::ELEMENTS_TAKEN;
use crate::error::Error;
use crate::options::TakeOptions;
use crate::server::{Arg, Context, Event, Handler, Key, Waiter};

pub(super) struct Take;

impl Handler for Take {
    fn run(context: &Context, args: &[Arg]) -> Result<(), Error> {
        let (name, options) = parse(args, || context.now())?;
        let key = context.open(name)?;
        match (key.exists(), options.block) {
            (true, _) => take(context, key, &options)?,
            (false, Some(timeout)) => context.block::<Take>(name, timeout),
            (false, None) => context.reply_null(),
        }
        Ok(())
    }
}

impl Waiter for Take {
    fn serve(context: &Context, args: &[Arg]) -> Result<bool, Error> {
        #[cfg(debug_assertions)]
        crate::command::panic::serve_panics_if_told_to();
        // The timeout was validated when the client began to wait, so the time no longer matters.
        let (name, options) = parse(args, || 0)?;
        match context.open(name) {
            Ok(key) if key.exists() => match take(context, key, &options) {
                Err(Error::Stored(_)) => Ok(false),
                taken => taken.map(|()| true),
            },
            Ok(_) | Err(Error::WrongType) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn parse<'a>(args: &[Arg<'a>], now: impl Fn() -> i64) -> Result<(Arg<'a>, TakeOptions), Error> {
    let [_, name, options @ ..] = args else { return Err(Error::Arity) };
    let options = TakeOptions::parse(options.iter().map(|option| option.bytes()), now)?;
    Ok((*name, options))
}

/// Takes from a key that exists.
fn take(context: &Context, mut key: Key, options: &TakeOptions) -> Result<(), Error> {
    let stored = key.value().unwrap_or_default();
    let mut hasher = StemHasher::default();
    let (brackets, len) = check::validate(stored, options.check, &mut hasher)?;
    let head = match options.count {
        Some(count) if len.is_none_or(|len| count < len) => {
            let head = brackets.head(stored, count);
            Some(head.map_err(|fault| Error::Stored(Invalid::NotJson(fault)))?)
        }
        _ => None,
    };

    let Some(Head { len: taken, elements, rest: Some(rest) }) = head else {
        // Reply first, as GETDEL does, because deleting the key frees the value.
        context.reply_bulk(stored);
        key.unlink();
        key.close([Event::Del]);

        hasher.remove();
        ELEMENTS_TAKEN.add(len.or(head.map(|head| head.len)).unwrap_or_default());
        return Ok(());
    };

    let reply = [b"[", stored.get(elements.clone()).unwrap_or_default(), b"]"].concat();
    leave(&mut key, elements.start, rest)?;
    context.reply_bulk(&reply);
    if let Some(len) = len {
        remember(&key, len - taken);
    }
    key.close([Event::Take]);

    hasher.remove();
    ELEMENTS_TAKEN.add(taken);
    Ok(())
}

/// A value of at most this size in bytes is always compacted, because moving it costs no more than writing
/// spaces.
const COMPACT: usize = 4096;

/// Removes the elements taken, which begin at `start`, and leaves those from `rest` on. Overwrites the
/// elements taken with spaces, so that the effect is proportional to their size. If the value is small or
/// spaces would exceed half of it, moves the rest to the front instead, unless that is more than the module
/// API can truncate to.
fn leave(key: &mut Key, start: usize, rest: usize) -> Result<(), Error> {
    let size = key.value().map_or(0, <[u8]>::len);
    let left = size.saturating_sub(rest);
    if size <= COMPACT || left < size / 2 {
        let moved = key.rewrite(1 + left, |value| {
            value.copy_within(rest.., 1);
            if let Some(first) = value.first_mut() {
                *first = b'[';
            }
        });
        if moved.is_ok() {
            return Ok(());
        }
    }
    key.set_range(start..rest, |taken| taken.fill(b' '))
}

/// Adds what is left to the validation cache, so that the next command need not validate it.
fn remember(key: &Key, len: usize) {
    let left = key.value().unwrap_or_default();
    if let Some(brackets) = Brackets::find(left) {
        cache::remember(brackets.stem(left), len);
    }
}
