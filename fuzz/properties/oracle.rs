//! The oracle of the check: what serde_json's `RawValue` and the standard library make of a text.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The elements of an array as raw text; none if the text is no array.
pub fn elements(text: &[u8]) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// What a JSON text is; none if it is not JSON.
pub fn kind(text: &[u8]) -> Option<&'static str> {
    let value: &RawValue = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
    let kinds = [("[", "array"), ("{", "object"), ("\"", "string"), ("n", "null")];
    let others = [("t", "boolean"), ("f", "boolean")];
    let found = kinds.iter().chain(&others).find(|(start, _)| value.get().starts_with(start));
    Some(found.map_or("number", |(_, kind)| kind))
}

/// A text that begins with `[` and ends with `]`, white space aside.
#[derive(Clone, Copy)]
pub struct Brackets<'a> {
    /// The offset of the closing bracket.
    pub close: usize,
    /// What lies between them, without the white space on either side.
    pub elements: &'a [u8],
}

/// The outermost brackets of a text, JSON or not.
pub fn brackets(text: &[u8]) -> Option<Brackets<'_>> {
    let is_other = |byte: &u8| !b" \t\n\r".contains(byte);
    let ends = |text: &[u8]| text.iter().position(is_other).zip(text.iter().rposition(is_other));
    let (open, close) = ends(text)?;
    if open == close || (text[open], text[close]) != (b'[', b']') {
        return None;
    }
    let inside = &text[open + 1..close];
    let elements = ends(inside).map_or(&b""[..], |(first, last)| &inside[first..=last]);
    Some(Brackets { close, elements })
}

/// What could follow a prefix of a JSON text: the rest of a literal, a number or an escape, or nothing
/// but white space. All are long enough for serde_json to look at a whole `\u` escape.
const SEQUELS: &[&str] = &[
    "    ", "1000", "e000", "n000", "rue    ", "ue    ", "e    ", "alse    ", "lse    ", "se    ",
    "ull    ", "ll    ", "l    ",
];

/// Whether something could follow so that a JSON text comes of it.
pub fn could_go_on(prefix: &[u8]) -> bool {
    let prefix = match std::str::from_utf8(prefix) {
        Ok(_) => prefix.to_vec(),
        Err(error) if error.error_len().is_some() => return false,
        // Cut inside a character: any that is not ASCII stands for it.
        Err(error) => [&prefix[..error.valid_up_to()], "\u{e9}".as_bytes()].concat(),
    };
    SEQUELS.iter().any(|sequel| {
        let text = [&prefix, sequel.as_bytes()].concat();
        serde_json::from_slice::<IgnoredAny>(&text).map_or_else(|error| error.is_eof(), |_| true)
    })
}
