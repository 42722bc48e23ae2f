//! The options of both commands: in any order, case-insensitive, each at most once. No Redis.

use crate::error::Error;

/// The options of APPEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// How much of the stored value to validate.
    pub check: Check,
    /// What to do with the key's TTL.
    pub ttl: Ttl,
    /// What to reply with.
    pub reply: Reply,
}

/// The options of TAKE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeOptions {
    /// COUNT: how many elements to take at most.
    pub count: Option<usize>,
    /// How much of the stored value to validate.
    pub check: Check,
    /// BLOCK: how many milliseconds to wait for the key, or 0 to wait for ever.
    pub block: Option<i64>,
}

/// How much of the stored value to validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All of it.
    Strict,
    /// TRUST: its first and last bytes that are not whitespace, and the elements that TAKE COUNT takes.
    Trust,
}

/// What to do with the key's TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// Keep it.
    Keep,
    /// EX, PX, EXAT, PXAT: set it to this Unix time in milliseconds, which is in the future.
    ExpireAt(i64),
    /// EXAT, PXAT: the time is not in the future, so delete the key.
    Expired,
    /// PERSIST: remove it.
    Persist,
}

/// What to reply with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The merged array, as a bulk string.
    Json,
    /// The number of elements of the merged array.
    Len,
    /// The size of the merged array in bytes.
    Size,
}

/// An expire option as it was sent.
#[derive(Clone, Copy)]
enum Expiry<'a> {
    In { value: &'a [u8], unit: i64 },
    At { value: &'a [u8], unit: i64 },
    Never,
}

const SECOND: i64 = 1000;
const MILLISECOND: i64 = 1;

impl AppendOptions {
    /// Parses the arguments after the array. `now` returns the Unix time in milliseconds.
    ///
    /// # Errors
    /// As in core, a syntax error in any option is reported before an invalid value of an expire option.
    pub fn parse<'a>(
        mut args: impl Iterator<Item = &'a [u8]>,
        now: impl Fn() -> i64,
    ) -> Result<Self, Error> {
        let (mut check, mut expiry, mut reply) = (None, None, None);
        while let Some(option) = args.next() {
            let is = |word: &[u8]| option.eq_ignore_ascii_case(word);
            let mut value = || args.next().ok_or(Error::Syntax);
            if is(b"TRUST") {
                once(&mut check, Check::Trust)?;
            } else if is(b"REPLY") {
                once(&mut reply, Reply::named(value()?)?)?;
            } else if is(b"PERSIST") {
                once(&mut expiry, Expiry::Never)?;
            } else if is(b"EX") {
                once(&mut expiry, Expiry::In { value: value()?, unit: SECOND })?;
            } else if is(b"PX") {
                once(&mut expiry, Expiry::In { value: value()?, unit: MILLISECOND })?;
            } else if is(b"EXAT") {
                once(&mut expiry, Expiry::At { value: value()?, unit: SECOND })?;
            } else if is(b"PXAT") {
                once(&mut expiry, Expiry::At { value: value()?, unit: MILLISECOND })?;
            } else {
                return Err(Error::Syntax);
            }
        }
        let options = AppendOptions {
            check: check.unwrap_or(Check::Strict),
            ttl: expiry.map_or(Ok(Ttl::Keep), |expiry| expiry.resolve(now))?,
            reply: reply.unwrap_or(Reply::Json),
        };
        if options.check == Check::Trust && options.reply == Reply::Len {
            return Err(Error::TrustCannotCount);
        }
        Ok(options)
    }
}

impl TakeOptions {
    /// Parses the arguments after the key. `now` returns the Unix time in milliseconds.
    ///
    /// # Errors
    /// As in core's XREAD and LMPOP, the first error from left to right is reported.
    pub fn parse<'a>(
        mut args: impl Iterator<Item = &'a [u8]>,
        now: impl Fn() -> i64,
    ) -> Result<Self, Error> {
        let (mut count, mut check, mut block) = (None, None, None);
        while let Some(option) = args.next() {
            let is = |word: &[u8]| option.eq_ignore_ascii_case(word);
            let mut value = || args.next().ok_or(Error::Syntax);
            if is(b"COUNT") {
                once(&mut count, positive(value()?)?)?;
            } else if is(b"TRUST") {
                once(&mut check, Check::Trust)?;
            } else if is(b"BLOCK") {
                once(&mut block, timeout(value()?, &now)?)?;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(TakeOptions { count, check: check.unwrap_or(Check::Strict), block })
    }
}

/// Parses a count as core's LMPOP does.
fn positive(text: &[u8]) -> Result<usize, Error> {
    let count = integer(text).filter(|count| *count > 0).ok_or(Error::Count)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Parses a timeout in milliseconds as core's getTimeoutFromObjectOrReply does: the time at which the
/// timeout ends must not overflow.
fn timeout(text: &[u8], now: impl Fn() -> i64) -> Result<i64, Error> {
    match integer(text).ok_or(Error::TimeoutNotInteger)? {
        timeout if timeout < 0 => Err(Error::TimeoutNegative),
        timeout if timeout.checked_add(now()).is_none() => Err(Error::TimeoutRange),
        timeout => Ok(timeout),
    }
}

/// Stores an option. Each option, or group of options that exclude each other, may be given only once.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Error> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::Syntax),
    }
}

impl Reply {
    fn named(name: &[u8]) -> Result<Self, Error> {
        let is = |word: &[u8]| name.eq_ignore_ascii_case(word);
        if is(b"JSON") {
            Ok(Reply::Json)
        } else if is(b"LEN") {
            Ok(Reply::Len)
        } else if is(b"SIZE") {
            Ok(Reply::Size)
        } else {
            Err(Error::Syntax)
        }
    }
}

impl Expiry<'_> {
    /// Follows core's getExpireMillisecondsOrReply: the value must be positive, and neither it nor the
    /// Unix time may overflow when converted to milliseconds. Follows core's checkAlreadyExpired: a
    /// key expires at its time, not after it.
    fn resolve(self, now: impl Fn() -> i64) -> Result<Ttl, Error> {
        let (value, unit, start) = match self {
            Expiry::Never => return Ok(Ttl::Persist),
            Expiry::In { value, unit } => (value, unit, now()),
            Expiry::At { value, unit } => (value, unit, 0),
        };
        let value = integer(value).ok_or(Error::NotInteger)?;
        let time = value.checked_mul(unit).and_then(|span| span.checked_add(start));
        match time.filter(|_| value > 0) {
            Some(time) if time <= now() => Ok(Ttl::Expired),
            Some(time) => Ok(Ttl::ExpireAt(time)),
            None => Err(Error::ExpireTime),
        }
    }
}

/// Parses a 64-bit integer in the only form that core's string2ll accepts: no `+`, no leading zero, no
/// `-0`, no spaces.
fn integer(text: &[u8]) -> Option<i64> {
    match text {
        [b'0'] | [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..] => {
            std::str::from_utf8(text).ok()?.parse().ok()
        }
        _ => None,
    }
}
