//! A JSON array as text: find its brackets, check it and count its elements, splice two into one.
//!
//! Nothing here builds a value or copies one: an [`Array`] is a view of the text that it was found
//! in, and a [`Splice`] says which bytes to write where. No Redis in it, no unsafe, no recursion.

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer as _};
use serde_json::Deserializer;

use crate::fault::Fault;

/// A text that begins with `[` and ends with `]`, white space aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array<'a> {
    /// The offset of the closing bracket, in bytes from the start of the text.
    close: usize,
    /// What lies between the brackets, without the white space on either side.
    elements: &'a [u8],
}

/// An [`Array`] that was checked, with the number of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    /// Where the array lies in its text.
    pub array: Array<'a>,
    /// The number of elements.
    pub len: usize,
}

/// Why a text is not a JSON array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It is not JSON at all.
    NotJson(Fault),
    /// It is JSON of another kind: `object`, `string`, `number`, `boolean` or `null`.
    NotArray(&'static str),
}

impl<'a> Array<'a> {
    /// Finds the array in a text by its first and its last byte that are no white space.
    ///
    /// For a text that is valid JSON, this alone decides whether it is an array.
    ///
    /// # Complexity
    /// O(1), and O(w) in the white space at both ends and just inside the brackets.
    pub fn find(text: &'a [u8]) -> Option<Self> {
        let [before @ .., b']'] = trim_end(text) else { return None };
        let [b'[', inside @ ..] = trim_start(before) else { return None };
        Some(Array { close: before.len(), elements: trim_start(trim_end(inside)) })
    }

    /// Checks that a text is a JSON array and counts its elements: RFC 8259, UTF-8, of any depth.
    ///
    /// # Complexity
    /// O(n) in the size of the text; one byte of memory for each open bracket.
    ///
    /// # Errors
    /// [`Invalid::NotJson`] with the first fault, [`Invalid::NotArray`] with what it is instead.
    pub fn verify(text: &'a [u8]) -> Result<Verified<'a>, Invalid> {
        if simdutf8::basic::from_utf8(text).is_err() {
            return Err(Invalid::NotJson(fault_of_no_utf8(text)));
        }
        let len = parse(text).map_err(|error| Invalid::NotJson(Fault::in_json(text, &error)))?;
        match Array::find(text) {
            Some(array) => Ok(Verified { array, len }),
            None => Err(Invalid::NotArray(kind(text))),
        }
    }

    /// Its text up to the closing bracket.
    pub fn stem<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(..self.close).unwrap_or(text)
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// What to write into the text of this array so that the elements of `added` follow its own.
    pub fn splice<'b>(&self, added: &Array<'b>) -> Splice<'b> {
        let separator: &[u8] = if self.is_empty() || added.is_empty() { b"" } else { b"," };
        Splice { offset: self.close, parts: [separator, added.elements, b"]"] }
    }
}

/// New bytes for the end of an array's text: a comma, the elements and the closing bracket.
///
/// Where white space follows the old closing bracket, the new tail may be shorter than what it
/// replaces. What is left over then is white space, and stays: writing a splice is what SETRANGE
/// does, and never shortens a text.
#[derive(Clone, Copy, Debug)]
pub struct Splice<'a> {
    offset: usize,
    parts: [&'a [u8]; 3],
}

impl Splice<'_> {
    /// Where the tail begins: the offset of the old closing bracket.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where the tail ends. A text must have at least this size for [`Splice::write`].
    pub fn end(&self) -> usize {
        self.parts.iter().fold(self.offset, |end, part| end.saturating_add(part.len()))
    }

    /// Writes the tail into a text, and returns the new text up to its closing bracket, and the tail;
    /// none, and nothing written, if the text ends before the tail does.
    pub fn write<'t>(&self, text: &'t mut [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let mut rest = text.get_mut(self.offset..self.end())?;
        for part in self.parts {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        let text: &[u8] = text;
        Some((text.get(..self.end().saturating_sub(1))?, text.get(self.offset..self.end())?))
    }
}

/// Checks that a text is JSON, and counts its elements if it is an array.
fn parse(text: &[u8]) -> serde_json::Result<usize> {
    let mut deserializer = Deserializer::from_slice(text);
    let len = match trim_start(text) {
        [b'[', ..] => deserializer.deserialize_seq(Count)?,
        _ => IgnoredAny::deserialize(&mut deserializer).map(|_| 0)?,
    };
    deserializer.end()?;
    Ok(len)
}

/// The first fault of a text that is not UTF-8: it may lie before the first invalid byte.
fn fault_of_no_utf8(text: &[u8]) -> Fault {
    let offset =
        simdutf8::compat::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    let valid = text.get(..offset).unwrap_or(text);
    let fault = parse(valid).err().map(|error| Fault::in_json(valid, &error));
    fault.filter(|fault| fault.offset < offset).unwrap_or_else(|| Fault::in_utf8(offset))
}

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

/// What a valid JSON text is, by its first byte, if it is no array.
fn kind(text: &[u8]) -> &'static str {
    match trim_start(text).first() {
        Some(b'{') => "object",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// Without leading white space, as RFC 8259 has it: no form feed, no vertical tab.
fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Without trailing white space.
fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that a splice leaves, as a server would write it.
    fn merge(stored: &str, added: &str) -> String {
        let stored_array = Array::verify(stored.as_bytes()).expect(stored).array;
        let splice = stored_array.splice(&Array::verify(added.as_bytes()).expect(added).array);
        let mut value = stored.as_bytes().to_vec();
        value.resize(value.len().max(splice.end()), 0);
        assert!(splice.write(&mut value).is_some());
        String::from_utf8(value).expect("UTF-8")
    }

    #[test]
    fn find_by_the_outermost_brackets() {
        for (text, close, elements) in [
            ("[]", 1, ""),
            ("[ ]", 2, ""),
            (" \t\r\n[ \t\r\n] \t\r\n", 9, ""),
            ("[1]", 2, "1"),
            ("[ 1 , 2 ]", 8, "1 , 2"),
            ("\n[[]]\n", 4, "[]"),
            ("[\"]\"]", 4, "\"]\""),
            ("[no json]", 8, "no json"),
        ] {
            let found = Array::find(text.as_bytes());
            assert_eq!(found, Some(Array { close, elements: elements.as_bytes() }), "{text:?}");
        }
    }

    #[test]
    fn find_nothing_without_both_brackets() {
        for text in [
            "", " ", "[", "]", "][", "{}", "[1", "1]", "\"[]\"", "[1] x", "x [1]", "\x0c[]",
            "\x0b[]", "[]\x0b", "[]\0",
        ] {
            assert_eq!(Array::find(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn verify_counts_the_elements() {
        for (text, len) in [
            ("[]", 0),
            (" [ ] ", 0),
            ("[[]]", 1),
            ("[1,2,3]", 3),
            ("[[1,2],{\"a\":[3,4]},\"5,6\"]", 3),
            ("\t[\n1\r,\n2 ]\r\n", 2),
            // In RFC 8259, and kept as they are.
            ("[1e999999,-0,\"\\ud800\",{\"a\":1,\"a\":2},123456789012345678901234567890]", 5),
            ("[\"\u{feff}\u{7f}\u{2028}\"]", 1),
        ] {
            let len_found = Array::verify(text.as_bytes()).map(|verified| verified.len);
            assert_eq!(len_found, Ok(len), "{text:?}");
        }
    }

    #[test]
    fn verify_names_what_is_no_array() {
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
            assert_eq!(Array::verify(text.as_bytes()), Err(Invalid::NotArray(kind)), "{text:?}");
        }
    }

    #[test]
    fn verify_does_not_recurse() {
        let levels = 1_000_000;
        let deep = ["[".repeat(levels), "]".repeat(levels)].concat();
        assert_eq!(Array::verify(deep.as_bytes()).map(|verified| verified.len), Ok(1));
        assert!(Array::verify(&deep.as_bytes()[..levels]).is_err());
    }

    #[test]
    fn splice_onto() {
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
            assert_eq!(merge(stored, added), value, "{stored:?} + {added:?}");
        }
    }

    #[test]
    fn splice_writes_nothing_where_there_is_no_room() {
        let one = Array::find(b"[1]").expect("an array");
        let mut text = *b"[1]";
        assert_eq!(one.splice(&one).write(&mut text), None);
        assert_eq!(&text, b"[1]");
    }
}
