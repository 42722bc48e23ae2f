//! Why a text is not JSON, and at which byte. This is determined only after validation has failed.

/// The first fault of a text that is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One of a small fixed set, in plain words: `unexpected end`, `invalid UTF-8`, `trailing comma`, ...
    pub reason: &'static str,
    /// The offset in bytes, from 0, of the first byte that is not UTF-8, or of the last byte that the parser
    /// read. The size of the text if the parser needed more.
    pub offset: usize,
}

/// serde_json's messages, and the reasons that this module reports instead.
const REASONS: [(&str, &str); 11] = [
    ("expected value", "expected a value"),
    ("expected ident", "invalid literal"),
    ("invalid number", "invalid number"),
    (CONTROL_CHARACTER, "control character in string"),
    ("invalid escape", "invalid escape"),
    ("expected `,` or `]`", "expected ',' or ']'"),
    ("expected `,` or `}`", "expected ',' or '}'"),
    ("expected `:`", "expected ':'"),
    ("key must be a string", "object key must be a string"),
    ("trailing comma", "trailing comma"),
    ("trailing characters", "trailing characters"),
];

/// serde_json stops before a control character, but after any other byte that it rejects.
const CONTROL_CHARACTER: &str = "control character (\\u0000-\\u001F) found while parsing a string";

impl Fault {
    /// Returns the fault of a text that is not UTF-8: its first invalid byte.
    pub(crate) fn in_utf8(text: &[u8]) -> Self {
        let valid =
            simdutf8::compat::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        Fault { reason: "invalid UTF-8", offset: valid }
    }

    /// Returns the fault that serde_json found in `text`.
    pub(crate) fn in_json(text: &[u8], error: &serde_json::Error) -> Self {
        if error.is_eof() {
            return Fault { reason: "unexpected end", offset: text.len() };
        }
        let message = error.to_string();
        let known = REASONS.iter().find(|(theirs, _)| message.starts_with(theirs));
        let (theirs, reason) = known.copied().unwrap_or(("", "invalid syntax"));
        let rejected = usize::from(theirs != CONTROL_CHARACTER);
        Fault { reason, offset: bytes_read(text, error).saturating_sub(rejected) }
    }

    /// Converts a fault in the part of a text that begins at `offset` to a fault in the whole text.
    pub(crate) fn at(self, offset: usize) -> Self {
        Fault { offset: self.offset + offset, ..self }
    }
}

/// Returns how many bytes serde_json had read: its line and column as an offset.
fn bytes_read(text: &[u8], error: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{Array, Invalid};

    const FAULTS: &[(&[u8], &str, usize)] = &[
        (b"", "unexpected end", 0),
        (b"[", "unexpected end", 1),
        (b"[1,", "unexpected end", 3),
        (b"[{", "unexpected end", 2),
        (b"[\"a", "unexpected end", 3),
        (b"[\"\\u12", "unexpected end", 6),
        (b"[tr", "unexpected end", 3),
        (b"\n[\n1,\n", "unexpected end", 6),
        (b"x", "expected a value", 0),
        (b"\n\nx", "expected a value", 2),
        (b"[\n\n\n,", "expected a value", 4),
        (b"[NaN]", "expected a value", 1),
        (b"[+1]", "expected a value", 1),
        (b"\xef\xbb\xbf[]", "expected a value", 0),
        (b"[trux]", "invalid literal", 4),
        (b"[tru\ne]", "invalid literal", 4),
        (b"[01]", "invalid number", 2),
        (b"[--1]", "invalid number", 2),
        (b"[1.]", "invalid number", 3),
        (b"[1e]", "invalid number", 3),
        (b"[\"a\nb\"]", "control character in string", 3),
        (b"[\n\"\n\"]", "control character in string", 3),
        (b"[\"\x1f\"]", "control character in string", 2),
        (b"[\"\\x\"]", "invalid escape", 3),
        // serde_json reads all four digits before it looks at them.
        (b"[\"\\u00g0\"]", "invalid escape", 7),
        (b"[1\n2]", "expected ',' or ']'", 3),
        (b"[1\x0b]", "expected ',' or ']'", 2),
        (b"[{\"a\":1 2}]", "expected ',' or '}'", 8),
        (b"{\"a\"\n\n1}", "expected ':'", 6),
        (b"[{a:1}]", "object key must be a string", 2),
        (b"[1,\n]", "trailing comma", 4),
        (b"[{\"a\":1,}]", "object key must be a string", 8),
        (b"[1]\n\n]", "trailing characters", 5),
        // Invalid, overlong, surrogate and truncated UTF-8, also after a syntax error.
        (b"\xff", "invalid UTF-8", 0),
        (b"[\"\xc0\x80\"]", "invalid UTF-8", 2),
        (b"[\"\xed\xa0\x80\"]", "invalid UTF-8", 2),
        (b"[\"a\xe2\x82", "invalid UTF-8", 3),
        (b"[1,\xff", "invalid UTF-8", 3),
        (b"[1,]\xff", "invalid UTF-8", 4),
    ];

    #[test]
    fn validate_against_invalid_json_returns_reason_and_offset() {
        for (text, reason, offset) in FAULTS {
            let Err(Invalid::NotJson(fault)) = Array::validate(text) else {
                panic!("{:?} is valid", text.escape_ascii().to_string())
            };
            let found = (fault.reason, fault.offset);
            assert_eq!(found, (*reason, *offset), "{:?}", text.escape_ascii().to_string());
        }
    }

    /// If serde_json changes a message, its row of `REASONS` no longer matches and this test fails.
    #[test]
    fn every_reason_occurs_in_the_table() {
        for (_, reason) in REASONS {
            assert!(FAULTS.iter().any(|(_, occurs, _)| *occurs == reason), "{reason}");
        }
    }
}
