//! The options of TAKE mean what their documentation says. The oracle uses a different method: it looks for an
//! error in each option separately, and returns the first.

use jsonmerge::error::Error;
use jsonmerge::options::{Check, TakeOptions};

/// The input is the Unix time in milliseconds, then one argument on each line.
pub fn assert_holds(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let now = lines.next().and_then(|line| str::from_utf8(line).ok()?.parse().ok()).unwrap_or(0);
    let args: Vec<&[u8]> = lines.collect();
    let parsed = TakeOptions::parse(args.iter().copied(), || now);
    assert_eq!(parsed, meaning(&args, now), "{}", input.escape_ascii());
}

fn meaning(args: &[&[u8]], now: i64) -> Result<TakeOptions, Error> {
    let names: Vec<String> =
        args.iter().map(|arg| String::from_utf8_lossy(arg).to_ascii_uppercase()).collect();
    let mut options = TakeOptions { count: None, check: Check::Strict, block: None };
    let (mut at, mut seen) = (0, Vec::new());
    while let Some(name) = names.get(at) {
        let number = args.get(at + 1).map(|arg| number(arg));
        match (name.as_str(), number) {
            ("TRUST", _) => options.check = Check::Trust,
            ("COUNT", Some(Some(count @ 1..))) => options.count = usize::try_from(count).ok(),
            ("COUNT", Some(_)) => return Err(Error::Count),
            ("BLOCK", Some(None)) => return Err(Error::TimeoutNotInteger),
            ("BLOCK", Some(Some(..0))) => return Err(Error::TimeoutNegative),
            ("BLOCK", Some(Some(timeout))) => {
                if i128::from(timeout) + i128::from(now) > i128::from(i64::MAX) {
                    return Err(Error::TimeoutRange);
                }
                options.block = Some(timeout);
            }
            _ => return Err(Error::Syntax),
        }
        if seen.contains(name) {
            return Err(Error::Syntax);
        }
        seen.push(name.clone());
        at += if name == "TRUST" { 1 } else { 2 };
    }
    Ok(options)
}

/// Returns the number if it is written as it would be printed and fits into 64 bits.
fn number(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}
