//! The oracle: what serde_json's `RawValue` and the standard library say about a text.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Returns the elements of an array as raw text, or `None` if the text is not an array.
pub fn elements(text: &[u8]) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// Returns the type of a JSON text, or `None` if the text is not JSON.
pub fn kind(text: &[u8]) -> Option<&'static str> {
    let value: &RawValue = serde_json::from_str(std::str::from_utf8(text).ok()?).ok()?;
    let kinds = [("[", "array"), ("{", "object"), ("\"", "string"), ("n", "null")];
    let others = [("t", "boolean"), ("f", "boolean")];
    let found = kinds.iter().chain(&others).find(|(start, _)| value.get().starts_with(start));
    Some(found.map_or("number", |(_, kind)| kind))
}

/// The outermost brackets of a text.
#[derive(Clone, Copy)]
pub struct Brackets<'a> {
    /// The offset of the closing bracket.
    pub close: usize,
    /// The bytes between the brackets, without the whitespace next to either bracket.
    pub elements: &'a [u8],
}

/// Returns the outermost brackets of a text, whether it is JSON or not.
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

/// What could follow a prefix of a JSON text: the rest of a literal, of a number or of an escape, or just
/// whitespace. Each is long enough for serde_json to look at a whole `\u` escape.
const SEQUELS: &[&str] = &[
    "    ", "1000", "e000", "n000", "rue    ", "ue    ", "e    ", "alse    ", "lse    ", "se    ",
    "ull    ", "ll    ", "l    ",
];

/// Returns whether the prefix can be continued to a JSON text.
pub fn could_continue(prefix: &[u8]) -> bool {
    let prefix = match std::str::from_utf8(prefix) {
        Ok(_) => prefix.to_vec(),
        Err(error) if error.error_len().is_some() => return false,
        // The prefix ends inside a character: any character that is not ASCII stands in for it.
        Err(error) => [&prefix[..error.valid_up_to()], "\u{e9}".as_bytes()].concat(),
    };
    SEQUELS.iter().any(|sequel| {
        let text = [&prefix, sequel.as_bytes()].concat();
        serde_json::from_slice::<IgnoredAny>(&text).map_or_else(|error| error.is_eof(), |_| true)
    })
}
