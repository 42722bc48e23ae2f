//! A JSON array as text: finding its brackets, validating it, counting its elements, and splicing the
//! elements of another array into it.
//!
//! Nothing here builds a value or copies a text: [`Brackets`] and [`Array`] are views of the text they
//! were found in, and a [`Splice`] says which bytes to write where. This file uses no Redis, no unsafe
//! code and no recursion.

use std::ops::Range;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer as _};
use serde_json::Deserializer;

use crate::fault::Fault;

/// The outermost brackets of a text that starts with `[` and ends with `]`, apart from whitespace.
/// What is between them has not been validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brackets<'a> {
    /// The offset of the opening bracket, in bytes from the start of the text.
    open: usize,
    /// The offset of the closing bracket.
    close: usize,
    /// The bytes between the brackets, without the whitespace before the closing bracket.
    inside: &'a [u8],
}

/// A valid JSON array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array<'a> {
    /// Where the array is in its text.
    pub brackets: Brackets<'a>,
    /// The number of elements.
    pub len: usize,
}

/// Why a text is not a JSON array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is not JSON.
    NotJson(Fault),
    /// It is JSON, but not an array: `object`, `string`, `number`, `boolean` or `null`.
    NotArray(&'static str),
}

impl<'a> Brackets<'a> {
    /// Finds the outermost brackets by looking at the first and the last byte that are not whitespace.
    ///
    /// Returns `None` if they are not `[` and `]`. If the text is known to be JSON, it is an array if
    /// and only if this returns brackets.
    ///
    /// # Complexity
    /// O(1), plus O(w) for w bytes of whitespace before the opening bracket, and before and after the
    /// closing bracket.
    pub fn find(text: &'a [u8]) -> Option<Self> {
        let [before @ .., b']'] = trim_end(text) else { return None };
        let [b'[', inside @ ..] = trim_start(before) else { return None };
        let (open, close) = (before.len() - inside.len() - 1, before.len());
        Some(Brackets { open, close, inside: trim_end(inside) })
    }

    /// Returns the text up to its closing bracket.
    pub fn stem<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(..self.close).unwrap_or(text)
    }

    /// Returns whether there is only whitespace between the brackets.
    pub fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    /// Returns what to write to this text so that the elements of `added` follow its own.
    pub fn splice<'b>(&self, added: &Brackets<'b>) -> Splice<'b> {
        let separator: &[u8] = if self.is_empty() || added.is_empty() { b"" } else { b"," };
        Splice { offset: self.close, separator, elements: trim_start(added.inside) }
    }
}

/// The first elements of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of elements.
    pub len: usize,
    /// The range of the elements in the text, with the commas and the whitespace between them.
    pub elements: Range<usize>,
    /// Where the rest begins, or `None` if these are all the elements.
    pub rest: Option<usize>,
}

impl Brackets<'_> {
    /// Finds the first elements of the text, at most `count`, and validates only them.
    ///
    /// # Complexity
    /// O(n) in the size of these elements, plus O(w) for w bytes of whitespace before them.
    ///
    /// # Errors
    /// A fault of these elements or of the comma after them. Syntax errors come before invalid UTF-8.
    pub fn head(&self, text: &[u8], count: usize) -> Result<Head, Fault> {
        let skip_whitespace =
            |offset: usize| text.len() - trim_start(text.get(offset..).unwrap_or_default()).len();
        let start = skip_whitespace(self.open + 1);
        let mut head = Head { len: 0, elements: start..start, rest: None };
        let mut next = start;
        while next != self.close || head.len > 0 {
            let element = text.get(next..).unwrap_or_default();
            head.elements.end = next + element_size(element).map_err(|fault| fault.at(next))?;
            head.len += 1;
            let comma = skip_whitespace(head.elements.end);
            if comma == self.close {
                break;
            }
            if text.get(comma) != Some(&b',') {
                return Err(Fault { reason: "expected ',' or ']'", offset: comma });
            }
            next = skip_whitespace(comma + 1);
            if head.len == count {
                // The comma in `[1,]` stays, so that an invalid text does not become valid.
                head.rest = Some(if next == self.close { head.elements.end } else { next });
                break;
            }
        }
        match simdutf8::basic::from_utf8(text.get(head.elements.clone()).unwrap_or_default()) {
            Ok(_) => Ok(head),
            Err(_) => Err(Fault::in_utf8(text)),
        }
    }
}

impl<'a> Array<'a> {
    /// Validates that a text is a JSON array (RFC 8259, UTF-8, any depth) and counts its elements.
    ///
    /// # Complexity
    /// O(n) in the size of the text, and one byte of memory for each open bracket.
    ///
    /// # Errors
    /// [`Invalid::NotJson`], which names an invalid byte before a syntax error, or [`Invalid::NotArray`].
    pub fn validate(text: &'a [u8]) -> Result<Self, Invalid> {
        if simdutf8::basic::from_utf8(text).is_err() {
            return Err(Invalid::NotJson(Fault::in_utf8(text)));
        }
        let len = parse(text).map_err(|error| Invalid::NotJson(Fault::in_json(text, &error)))?;
        match Brackets::find(text) {
            Some(brackets) => Ok(Array { brackets, len }),
            None => Err(Invalid::NotArray(kind(text))),
        }
    }
}

/// The new end of an array's text: a comma if both arrays have elements, the added elements and the
/// closing bracket.
///
/// If whitespace follows the old closing bracket, the new end may be shorter than the old one. The rest
/// of the whitespace then stays: writing a splice never shortens a text, just as SETRANGE does not.
#[derive(Clone, Copy, Debug)]
pub struct Splice<'a> {
    offset: usize,
    separator: &'a [u8],
    elements: &'a [u8],
}

impl<'a> Splice<'a> {
    /// Returns whether the splice adds an element.
    pub fn adds(&self) -> bool {
        !self.elements.is_empty()
    }

    /// Returns the bytes that extend the stem of the array: everything but the closing bracket.
    pub fn extension(&self) -> [&'a [u8]; 2] {
        [self.separator, self.elements]
    }

    /// Returns the range of bytes to overwrite. It may end beyond the end of the text.
    pub fn range(&self) -> Range<usize> {
        let parts = [self.separator.len(), self.elements.len(), 1];
        self.offset..parts.into_iter().fold(self.offset, usize::saturating_add)
    }

    /// Writes the new end. `tail` is the part of the text in [`Splice::range`]; if it has a
    /// different size, nothing is written.
    pub fn write(&self, tail: &mut [u8]) {
        if tail.len() == self.range().len()
            && let Some((separator, rest)) = tail.split_at_mut_checked(self.separator.len())
            && let Some((elements, bracket)) = rest.split_at_mut_checked(self.elements.len())
        {
            separator.copy_from_slice(self.separator);
            elements.copy_from_slice(self.elements);
            bracket.copy_from_slice(b"]");
        }
    }

    /// Returns the text with the new end.
    ///
    /// # Complexity
    /// O(n) in the size of the text: it is copied.
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        let range = self.range();
        text.resize(text.len().max(range.end), b' ');
        if let Some(tail) = text.get_mut(range) {
            self.write(tail);
        }
        text
    }
}

/// Validates that a text is JSON. Returns its number of elements, or 0 if it is not an array.
fn parse(text: &[u8]) -> serde_json::Result<usize> {
    let mut deserializer = Deserializer::from_slice(text);
    let len = match trim_start(text) {
        [b'[', ..] => deserializer.deserialize_seq(Count)?,
        _ => IgnoredAny::deserialize(&mut deserializer).map(|_| 0)?,
    };
    deserializer.end()?;
    Ok(len)
}

/// Validates that a text starts with a JSON value, and returns the size of the value in bytes.
fn element_size(text: &[u8]) -> Result<usize, Fault> {
    let mut values = Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Ok(values.byte_offset()),
        Some(Err(error)) => Err(Fault::in_json(text, &error)),
        None => Err(Fault { reason: "unexpected end", offset: text.len() }),
    }
}

/// Counts the elements of an array without building them.
struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<usize, A::Error> {
        let mut len = 0;
        while elements.next_element::<IgnoredAny>()?.is_some() {
            len += 1;
        }
        Ok(len)
    }
}

/// Returns the type of a JSON text that is not an array, from its first byte.
fn kind(text: &[u8]) -> &'static str {
    match trim_start(text).first() {
        Some(b'{') => "object",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Removes leading whitespace as RFC 8259 defines it, which excludes form feed and vertical tab.
fn trim_start(mut text: &[u8]) -> &[u8] {
    // TAKE with COUNT can leave millions of spaces. The compiler vectorizes the loop over a block.
    while let Some((block @ [b' ', ..], rest)) = text.split_first_chunk::<256>()
        && block.iter().fold(0, |other, byte| other | (byte ^ b' ')) == 0
    {
        text = rest;
    }
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Removes trailing whitespace.
fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(text: &str) -> Brackets<'_> {
        Array::validate(text.as_bytes()).expect(text).brackets
    }

    #[test]
    fn find_returns_the_outermost_brackets() {
        for (text, open, close, inside) in [
            ("[]", 0, 1, ""),
            ("[ ]", 0, 2, ""),
            (" \t\r\n[ \t\r\n] \t\r\n", 4, 9, ""),
            ("[1]", 0, 2, "1"),
            ("[ 1 , 2 ]", 0, 8, " 1 , 2"),
            ("\n[[]]\n", 1, 4, "[]"),
            ("[\"]\"]", 0, 4, "\"]\""),
            ("[not json]", 0, 9, "not json"),
        ] {
            let found = Brackets::find(text.as_bytes());
            let inside = inside.as_bytes();
            assert_eq!(found, Some(Brackets { open, close, inside }), "{text:?}");
        }
    }

    #[test]
    fn find_against_a_missing_bracket_returns_none() {
        for text in [
            "", " ", "[", "]", "][", "{}", "[1", "1]", "\"[]\"", "[1] x", "x [1]", "\x0c[]",
            "\x0b[]", "[]\x0b", "[]\0",
        ] {
            assert_eq!(Brackets::find(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn validate_counts_the_elements() {
        for (text, len) in [
            ("[]", 0),
            (" [ ] ", 0),
            ("[[]]", 1),
            ("[1,2,3]", 3),
            ("[[1,2],{\"a\":[3,4]},\"5,6\"]", 3),
            ("\t[\n1\r,\n2 ]\r\n", 2),
            // Valid by RFC 8259, but many parsers reject it.
            ("[1e999999,-0,\"\\ud800\",{\"a\":1,\"a\":2},123456789012345678901234567890]", 5),
            ("[\"\u{feff}\u{7f}\u{2028}\"]", 1),
        ] {
            let len_found = Array::validate(text.as_bytes()).map(|array| array.len);
            assert_eq!(len_found, Ok(len), "{text:?}");
        }
    }

    #[test]
    fn validate_against_a_different_type_names_it() {
        for (text, kind) in [
            ("{}", "object"),
            (" {\"a\":[1]} ", "object"),
            ("\"[1]\"", "string"),
            ("0", "number"),
            ("-1.5e3", "number"),
            ("true", "boolean"),
            ("false", "boolean"),
            ("\nnull", "null"),
        ] {
            assert_eq!(Array::validate(text.as_bytes()), Err(Invalid::NotArray(kind)), "{text:?}");
        }
    }

    #[test]
    fn validate_does_not_recurse() {
        let levels = 1_000_000;
        let deep = ["[".repeat(levels), "]".repeat(levels)].concat();
        assert_eq!(Array::validate(deep.as_bytes()).map(|array| array.len), Ok(1));
        assert!(Array::validate(&deep.as_bytes()[..levels]).is_err());
    }

    #[test]
    fn head_returns_the_first_elements_and_where_the_rest_begins() {
        let spaces = format!("[{}1, 2]", " ".repeat(1000));
        for (text, count, len, elements, rest) in [
            ("[]", 1, 0, "", None),
            (" [ ] ", 5, 0, "", None),
            ("[1]", 1, 1, "1", None),
            ("[1]", 2, 1, "1", None),
            ("[1,2]", 1, 1, "1", Some("2]")),
            ("[1,2]", 2, 2, "1,2", None),
            ("\n[ 1 ,\t2 , 3 ] ", 2, 2, "1 ,\t2", Some("3 ] ")),
            ("\n[ 1 ,\t2 , 3 ] ", 3, 3, "1 ,\t2 , 3", None),
            (
                "[[1,[2]],{\"a\":[3,4]},\"],[\",5]",
                3,
                3,
                "[1,[2]],{\"a\":[3,4]},\"],[\"",
                Some("5]"),
            ),
            ("[true,null]", 1, 1, "true", Some("null]")),
            (&spaces, 1, 1, "1", Some("2]")),
            // The text after the elements taken is not validated.
            ("[1,x]", 1, 1, "1", Some("x]")),
            ("[1,,2]", 1, 1, "1", Some(",2]")),
            ("[1,]", 1, 1, "1", Some(",]")),
            ("[1 , ]", 1, 1, "1", Some(" , ]")),
        ] {
            let brackets = Brackets::find(text.as_bytes()).expect(text);
            let head = brackets.head(text.as_bytes(), count).expect(text);
            let found = (head.len, &text[head.elements], head.rest.map(|rest| &text[rest..]));
            assert_eq!(found, (len, elements, rest), "{text:?}, {count}");
        }
    }

    #[test]
    fn head_against_invalid_elements_returns_the_fault() {
        for (text, count, reason, offset) in [
            (&b"[x]"[..], 1, "expected a value", 1),
            (b"[,1]", 1, "expected a value", 1),
            (b"[1 2]", 1, "expected ',' or ']'", 3),
            (b"[1,]", 2, "expected a value", 3),
            (b"[1,02]", 2, "invalid number", 4),
            (b"[[1]", 1, "expected ',' or ']'", 4),
            (b"[\"]", 1, "unexpected end", 3),
            (b"[1]]", 1, "expected ',' or ']'", 2),
            (b"[\"a\xff\",1]", 1, "invalid UTF-8", 3),
            (b"[1,\n\n02]", 2, "invalid number", 6),
        ] {
            let brackets = Brackets::find(text).expect("brackets");
            let fault = brackets.head(text, count).map_err(|fault| (fault.reason, fault.offset));
            assert_eq!(fault, Err((reason, offset)), "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn splice_keeps_every_byte_of_both_arrays() {
        for (stored, added, value) in [
            ("[1]", "[2]", "[1,2]"),
            ("[]", "[1]", "[1]"),
            ("[ \n ]", "[1]", "[ \n 1]"),
            ("[1]", "[]", "[1]"),
            ("[]", "[]", "[]"),
            ("[1 ]", "[ 2 ]", "[1 ,2]"),
            ("[1]", " [ 2 , 3 ] ", "[1,2 , 3]"),
            ("  [1]", "[2]", "  [1,2]"),
            ("[[]]", "[[]]", "[[],[]]"),
            ("[1]\n", "[2]", "[1,2]"),
            ("[1]   ", "[2]", "[1,2] "),
            ("[1]          ", "[2]", "[1,2]        "),
            ("[\"]\"]", "[\"[\"]", "[\"]\",\"[\"]"),
        ] {
            let splice = array(stored).splice(&array(added));
            assert_eq!(splice.apply(stored.as_bytes()), value.as_bytes(), "{stored:?} + {added:?}");
        }
    }

    #[test]
    fn write_against_a_tail_of_the_wrong_size_writes_nothing() {
        let splice = array("[1]").splice(&array("[2]"));
        for size in [0, 1, 2, 4] {
            let mut tail = vec![b'x'; size];
            splice.write(&mut tail);
            assert_eq!(tail, vec![b'x'; size]);
        }
    }
}
