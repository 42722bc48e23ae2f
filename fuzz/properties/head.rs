//! The first elements of any text between brackets, as TAKE with COUNT finds them, are those that the oracle
//! finds. The rest is an array if and only if the whole text was one.

use jsonmerge::array::{Brackets, Head};
use jsonmerge::fault::Fault;
use serde_json::value::RawValue;

use super::oracle;

/// The input is the count, then the text after the first line feed.
pub fn assert_holds(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (count, text) = (&input[..end], &input[end + 1..]);
    let count = str::from_utf8(count).ok().and_then(|count| count.parse().ok()).unwrap_or(1).max(1);
    let shown = input.escape_ascii();
    let (found, expected) = (Brackets::find(text), oracle::brackets(text));
    assert_eq!(found.is_some(), expected.is_some(), "{shown}");
    let (Some(found), Some(brackets)) = (found, expected) else { return };

    let head = found.head(text, count);
    assert_eq!(head.as_ref().ok(), first(text, brackets.close, count).as_ref(), "{shown}");
    match head {
        Ok(head) => assert_left(text, &head, count),
        Err(fault) => assert_fault(text, &fault),
    }
}

/// Finds the elements by trying every possible end of each: the first comma, or the closing bracket, that has a
/// JSON text before it. Returns `None` if an element has no such end.
fn first(text: &[u8], close: usize, count: usize) -> Option<Head> {
    let skip = |from: usize| {
        let other = text[from..].iter().position(|byte| !b" \t\r\n".contains(byte));
        other.map_or(text.len(), |offset| from + offset)
    };
    let start = skip(text.iter().position(|byte| *byte == b'[')? + 1);
    let (mut head, mut next) = (Head { len: 0, elements: start..start, rest: None }, start);
    if start == close {
        return Some(head);
    }
    loop {
        let ends = (next..=close).filter(|at| *at == close || text[*at] == b',');
        let (end, size) = ends.filter_map(|at| Some((at, json_size(&text[next..at])?))).next()?;
        head.len += 1;
        head.elements.end = next + size;
        if end == close {
            return Some(head);
        }
        next = skip(end + 1);
        if head.len == count {
            head.rest = Some(if next == close { head.elements.end } else { next });
            return Some(head);
        }
    }
}

/// Returns the size of a JSON text without the whitespace after it.
fn json_size(text: &[u8]) -> Option<usize> {
    let text = str::from_utf8(text).ok()?;
    serde_json::from_str::<&RawValue>(text).ok()?;
    Some(text.trim_end_matches([' ', '\t', '\r', '\n']).len())
}

/// Checks the rest in both forms in which TAKE leaves it: after spaces, and moved to the opening bracket.
fn assert_left(text: &[u8], head: &Head, count: usize) {
    let shown = text.escape_ascii();
    let taken = [b"[", &text[head.elements.clone()], b"]"].concat();
    let elements = oracle::elements(&taken).expect("what is taken is an array");
    assert_eq!(elements.len(), head.len, "{shown}");
    assert!(head.len <= count, "{shown}");
    let Some(rest) = head.rest else {
        assert_eq!(oracle::elements(text), Some(elements), "{shown}");
        return;
    };
    assert_eq!(head.len, count, "{shown}");
    let mut spaced = text.to_vec();
    spaced[head.elements.start..rest].fill(b' ');
    let moved = [b"[", &text[rest..]].concat();
    for left in [&spaced, &moved] {
        let expected = oracle::elements(text).map(|all| all[head.len..].to_vec());
        assert_eq!(oracle::elements(left), expected, "{shown} left {}", left.escape_ascii());
        assert_ne!(expected, Some(vec![]), "{shown}");
    }
}

/// Checks that the fault is in the text, and that the text is not JSON.
fn assert_fault(text: &[u8], fault: &Fault) {
    let shown = text.escape_ascii();
    assert!(fault.offset <= text.len(), "{fault:?} of {shown}");
    assert_ne!(fault.reason, "invalid syntax", "{fault:?} of {shown}: the reason has no name");
    assert_eq!(oracle::kind(text), None, "{fault:?} of {shown}");
    if fault.reason == "invalid UTF-8" {
        let valid = str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        assert_eq!(fault.offset, valid, "{shown}");
    }
}
