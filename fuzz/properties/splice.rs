//! A splice of two arrays has the elements of both, unchanged. A splice onto any text between brackets,
//! as with TRUST, writes only in the range that it reports.

use jsonmerge::array::{Array, Brackets};

use super::oracle::{self, elements};

/// ASCII's record separator, which no JSON text contains.
const SEPARATOR: u8 = 0x1e;

/// The input is the stored text and the added text, with the last separator between them.
pub fn assert_holds(input: &[u8]) {
    let Some(middle) = input.iter().rposition(|byte| *byte == SEPARATOR) else { return };
    let texts = [&input[..middle], &input[middle + 1..]];
    let shown = input.escape_ascii();
    let (found, expected) = (texts.map(Brackets::find), texts.map(oracle::brackets));
    assert_eq!(
        found.map(|found| found.is_some()),
        expected.map(|inside| inside.is_some()),
        "{shown}"
    );
    let ([Some(stored), Some(added)], [Some(inside), Some(new)]) = (found, expected) else {
        return;
    };
    let splice = stored.splice(&added);
    let merged = splice.apply(texts[0]);
    assert_eq!(merged, merge(texts[0], &inside, &new), "{shown}");
    let extended = [&[stored.stem(texts[0])], splice.extension().as_slice()].concat().concat();
    assert_eq!(extended, merged[..splice.range().end - 1], "the stem of {shown}");

    let [Some(old), Some(new)] = texts.map(elements) else { return };
    let both = [old, new].concat();
    assert_eq!(Array::validate(&merged).map(|array| array.len), Ok(both.len()), "{shown}");
    assert_eq!(elements(&merged), Some(both), "{shown}");
}

/// Returns what a splice should leave. As with SETRANGE, the bytes after the new end stay.
fn merge(stored: &[u8], inside: &oracle::Brackets, new: &oracle::Brackets) -> Vec<u8> {
    let separator = if inside.elements.is_empty() || new.elements.is_empty() { "" } else { "," };
    let mut text = [&stored[..inside.close], separator.as_bytes(), new.elements, b"]"].concat();
    text.extend(stored.iter().skip(text.len()));
    text
}
