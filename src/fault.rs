//! Why a text is not JSON, and at which byte: worked out only once a check has failed.
//!
//! serde_json tells a line and a column, which for most faults are those of the offending byte, for
//! some of the byte before, and for a bad `\u` escape of its last digit. Here they all become the
//! offset of the first byte that no JSON text can have at its place, or the size of the text where
//! every byte could be right and more had to come.

use serde::de::IgnoredAny;

/// The first fault of a text that is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// serde_json's phrase (`expected value`, `trailing comma`, ...), or `invalid UTF-8`.
    pub reason: String,
    /// The offset of the fault, in bytes from 0.
    pub offset: usize,
}

impl Fault {
    /// The first fault of a text that is not UTF-8: it may lie before the first invalid byte.
    pub(crate) fn in_utf8(text: &[u8]) -> Self {
        let offset = match simdutf8::compat::from_utf8(text) {
            Ok(_) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let valid = text.get(..offset).unwrap_or_default();
        match serde_json::from_slice::<IgnoredAny>(valid) {
            Err(error) if !error.is_eof() => Fault::in_json(valid, &error),
            _ => Fault { reason: "invalid UTF-8".into(), offset },
        }
    }

    /// The fault that serde_json found in `text`.
    pub(crate) fn in_json(text: &[u8], error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let reason =
            message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
        Fault { reason: reason.into(), offset: offset(text, error, reason) }
    }
}

fn offset(text: &[u8], error: &serde_json::Error, reason: &str) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let stop = stop(text, error);
    let read = text.get(..stop).unwrap_or(text);
    match reason {
        // The one fault at which serde_json stops before the byte.
        "control character (\\u0000-\\u001F) found while parsing a string" => stop,
        "invalid number" if stop == text.len() && digit_is_missing(read) => stop,
        "invalid escape" => stop.saturating_sub(1 + digits_behind_the_bad_one(read)),
        _ => stop.saturating_sub(1),
    }
}

/// How many bytes serde_json had read: its line and column as an offset.
fn stop(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column()
}

/// Whether the number at the end is right so far: serde_json calls `-`, `1.` and `1e+` invalid where
/// the text ends, as it does with `01`.
fn digit_is_missing(read: &[u8]) -> bool {
    let before = read
        .iter()
        .rposition(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let number = read.get(before.map_or(0, |before| before + 1)..).unwrap_or_default();
    serde_json::from_slice::<IgnoredAny>(&[number, b"0"].concat()).is_ok()
}

/// serde_json reads the four digits of a `\u` escape at once: how many of them come after the first
/// that is no hexadecimal digit. 0 for the other escapes.
fn digits_behind_the_bad_one(read: &[u8]) -> usize {
    let Some((before, digits)) = read.split_last_chunk::<4>() else { return 0 };
    let Some(backslashes) = before.strip_suffix(b"u") else { return 0 };
    let run = backslashes.iter().rev().take_while(|byte| **byte == b'\\').count();
    if run % 2 == 0 {
        return 0;
    }
    digits.iter().position(|digit| !digit.is_ascii_hexdigit()).map_or(0, |bad| 3 - bad)
}
