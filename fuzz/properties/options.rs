//! The options of APPEND mean what their documentation says. The oracle uses a different method: it splits all
//! words first, then counts each kind of option, then computes times in integers that cannot overflow.

use jsonmerge::error::Error;
use jsonmerge::options::{AppendOptions, Check, Reply, Ttl};

/// The input is the Unix time in milliseconds, then one argument on each line.
pub fn assert_holds(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let now = lines.next().and_then(|line| str::from_utf8(line).ok()?.parse().ok()).unwrap_or(0);
    let args: Vec<&[u8]> = lines.collect();
    let parsed = AppendOptions::parse(args.iter().copied(), || now);
    assert_eq!(parsed, meaning(&args, now), "{}", input.escape_ascii());
}

fn meaning(args: &[&[u8]], now: i64) -> Result<AppendOptions, Error> {
    let words = words(args).ok_or(Error::Syntax)?;
    let of = |names: &[&str]| {
        let mut found = words.iter().filter(|(name, _)| names.contains(&name.as_str()));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(Error::Syntax),
            (found, None) => Ok(found.map(|(name, value)| (name.as_str(), *value))),
        }
    };
    let trust = of(&["TRUST"])?;
    let reply = of(&["REPLY"])?.map(|(_, value)| value.to_ascii_uppercase());
    let expiry = of(&["EX", "PX", "EXAT", "PXAT", "PERSIST"])?;
    let reply = match reply.as_deref() {
        None | Some(b"JSON") => Reply::Json,
        Some(b"LEN") => Reply::Len,
        Some(b"SIZE") => Reply::Size,
        Some(_) => return Err(Error::Syntax),
    };
    let ttl = match expiry {
        None => Ttl::Keep,
        Some(("PERSIST", _)) => Ttl::Persist,
        Some((name, value)) => match time(name, value, now)? {
            time if time <= now => Ttl::Expired,
            time => Ttl::ExpireAt(time),
        },
    };
    match (trust, reply) {
        (Some(_), Reply::Len) => Err(Error::TrustCannotCount),
        (Some(_), reply) => Ok(AppendOptions { check: Check::Trust, ttl, reply }),
        (None, reply) => Ok(AppendOptions { check: Check::Strict, ttl, reply }),
    }
}

/// Returns the options' names in upper case with their values, or `None` if one is unknown or lacks its
/// value.
fn words<'a>(args: &[&'a [u8]]) -> Option<Vec<(String, &'a [u8])>> {
    let Some((name, rest)) = args.split_first() else { return Some(Vec::new()) };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let (value, rest) = match name.as_str() {
        "TRUST" | "PERSIST" => (&b""[..], rest),
        "REPLY" | "EX" | "PX" | "EXAT" | "PXAT" => {
            rest.split_first().map(|(value, rest)| (*value, rest))?
        }
        _ => return None,
    };
    let mut words = words(rest)?;
    words.insert(0, (name, value));
    Some(words)
}

/// Returns the expire time in milliseconds. The number must be positive and written as it would be printed.
/// The number, its milliseconds and the time must fit into 64 bits.
fn time(name: &str, value: &[u8], now: i64) -> Result<i64, Error> {
    let text = String::from_utf8_lossy(value);
    let number: i128 = text.parse().map_err(|_| Error::NotInteger)?;
    if number.to_string() != text || i64::try_from(number).is_err() {
        return Err(Error::NotInteger);
    }
    let span = number * if name.starts_with("EX") { 1000 } else { 1 };
    let time = span + if name.ends_with("AT") { 0 } else { i128::from(now) };
    match (i64::try_from(span), i64::try_from(time)) {
        (Ok(1..), Ok(time)) => Ok(time),
        _ => Err(Error::ExpireTime),
    }
}
