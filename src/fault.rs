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
    /// The first byte that is no UTF-8.
    pub(crate) fn in_utf8(offset: usize) -> Self {
        Fault { reason: "invalid UTF-8".into(), offset }
    }

    /// The fault that serde_json found in `text`.
    pub(crate) fn in_json(text: &[u8], error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let reason =
            message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
        let stop = stop(text, error);
        let read = text.get(..stop).unwrap_or(text);
        if let ("invalid escape" | "EOF while parsing a string", Some(offset)) =
            (reason, bad_hex_digit(read))
        {
            return Fault { reason: "invalid escape".into(), offset };
        }
        // Nearly always it stops behind the byte; not where it lacks one, nor at a control character.
        let is_at = error.is_eof()
            || reason == "control character (\\u0000-\\u001F) found while parsing a string"
            || reason == "invalid number" && digit_is_missing(read);
        Fault { reason: reason.into(), offset: if is_at { stop } else { stop.saturating_sub(1) } }
    }
}

/// How many bytes serde_json had read: its line and column as an offset.
fn stop(text: &[u8], error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column()
}

/// Whether the text ends in a number that one more digit would make right: serde_json calls `-`, `1.`
/// and `1e+` invalid where a text ends, as it does with `01`.
fn digit_is_missing(read: &[u8]) -> bool {
    let is_numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let start = read.iter().rposition(|byte| !is_numeric(byte)).map_or(0, |before| before + 1);
    match read.get(start..) {
        None | Some([]) => false,
        Some(number) => serde_json::from_slice::<IgnoredAny>(&[number, b"0"].concat()).is_ok(),
    }
}

/// Where the digits of a `\u` escape at the end are none: one of up to four, or what came instead.
fn bad_hex_digit(read: &[u8]) -> Option<usize> {
    (0..=4).rev().find_map(|count| {
        let (before, digits) = read.split_at_checked(read.len().checked_sub(count)?)?;
        let backslashes = before.strip_suffix(b"u")?;
        let run = backslashes.iter().rev().take_while(|byte| **byte == b'\\').count();
        let bad = digits.iter().position(|digit| !digit.is_ascii_hexdigit())?;
        (run % 2 == 1).then_some(before.len() + bad)
    })
}

#[cfg(test)]
mod tests {
    use crate::array::{Array, Invalid};

    const CONTROL: &str = "control character (\\u0000-\\u001F) found while parsing a string";

    #[test]
    fn each_kind_of_fault_is_at_its_byte() {
        for (text, reason, offset) in [
            // More had to come: the size of the text.
            (&b""[..], "EOF while parsing a value", 0),
            (b"[", "EOF while parsing a list", 1),
            (b"[1,", "EOF while parsing a value", 3),
            (b"[{", "EOF while parsing an object", 2),
            (b"[\"a", "EOF while parsing a string", 3),
            (b"[\"\\u12", "EOF while parsing a string", 6),
            (b"[\"\\u", "EOF while parsing a string", 4),
            (b"[\"\\u1234", "EOF while parsing a string", 8),
            (b"[\"\\\\uzz", "EOF while parsing a string", 7),
            (b"[tr", "EOF while parsing a value", 3),
            (b"\n[\n1,\n", "EOF while parsing a value", 6),
            // A number that lacks a digit is a text that ends too early, too.
            (b"[-", "invalid number", 2),
            (b"[1.", "invalid number", 3),
            (b"[1e", "invalid number", 3),
            (b"[1e+", "invalid number", 4),
            (b"-", "invalid number", 1),
            // A number that is wrong, at the end of the text or before it.
            (b"[01", "invalid number", 2),
            (b"[--", "invalid number", 2),
            (b"[1.-", "invalid number", 3),
            (b"[1ee", "invalid number", 3),
            (b"[1.]", "invalid number", 3),
            (b"[-]", "invalid number", 2),
            (b"[-\n1]", "invalid number", 2),
            // Values, separators, literals.
            (b"x", "expected value", 0),
            (b"\n\nx", "expected value", 2),
            (b"[\n\n\n,", "expected value", 4),
            (b"[1\n2]", "expected `,` or `]`", 3),
            (b"[1,\n]", "trailing comma", 4),
            (b"[1]\n\n]", "trailing characters", 5),
            (b"{\"a\"\n\n1}", "expected `:`", 6),
            (b"[tru\ne]", "expected ident", 4),
            (b"[trux]", "expected ident", 4),
            // Strings: a raw control character, a newline among them, and both kinds of escape.
            (b"[\"a\nb\"]", CONTROL, 3),
            (b"[\n\"\n\"]", CONTROL, 3),
            (b"[\"\x1f\"]", CONTROL, 2),
            (b"[\"\\u0041\x00\"]", CONTROL, 8),
            (b"[\"\\x\"]", "invalid escape", 3),
            (b"[\"\\\n\"]", "invalid escape", 3),
            (b"[\"\\u000g\"]", "invalid escape", 7),
            (b"[\"\\u00g0\"]", "invalid escape", 6),
            (b"[\"\\ug000\"]", "invalid escape", 4),
            (b"[\"\\u\"]  ", "invalid escape", 4),
            (b"[\"\\u\"]", "invalid escape", 4),
            (b"[\"\\u1\"]", "invalid escape", 5),
            (b"[\"\\uzz", "invalid escape", 4),
            (b"[\"\\u\\u00", "invalid escape", 4),
            (b"[\"\\u00\\u", "invalid escape", 6),
            (b"[\"\\ug\xff", "invalid escape", 4),
            (b"[\"\\uab\\x\"]", "invalid escape", 6),
            (b"[\"\\\\uab\\x\"]", "invalid escape", 8),
            (b"[\"\\\\\\uab\\x\"]", "invalid escape", 8),
            // UTF-8: overlong, surrogate, cut short; and what comes before it.
            (b"\xff", "invalid UTF-8", 0),
            (b"[\"\xc0\x80\"]", "invalid UTF-8", 2),
            (b"[\"\xed\xa0\x80\"]", "invalid UTF-8", 2),
            (b"[\"a\xe2\x82", "invalid UTF-8", 3),
            (b"[1,]\xff", "trailing comma", 3),
            (b"[1,\xff", "invalid UTF-8", 3),
            (b"[\"\\u\xff", "invalid UTF-8", 4),
            (b"[-\xff", "invalid UTF-8", 2),
        ] {
            let Err(Invalid::NotJson(fault)) = Array::verify(text) else {
                panic!("{:?} passed", text.escape_ascii().to_string())
            };
            let found = (fault.reason.as_str(), fault.offset);
            assert_eq!(found, (reason, offset), "{:?}", text.escape_ascii().to_string());
        }
    }
}
