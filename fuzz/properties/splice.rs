//! A splice of two arrays has the elements of both as they were. One onto any text between brackets,
//! as with TRUST, writes what it says where it says, and nothing else.

use jsonmerge::array::{Array, Splice};

use super::oracle::{Brackets, brackets, elements};

/// ASCII's record separator, which no JSON text contains.
const SEPARATOR: u8 = 0x1e;

/// Two texts, the stored one and the added one, with the last separator between them.
pub fn hold(input: &[u8]) {
    let Some(middle) = input.iter().rposition(|byte| *byte == SEPARATOR) else { return };
    let texts = [&input[..middle], &input[middle + 1..]];
    let shown = input.escape_ascii();
    let (arrays, expected) = (texts.map(Array::find), texts.map(brackets));
    assert_eq!(
        arrays.map(|array| array.is_some()),
        expected.map(|inside| inside.is_some()),
        "{shown}"
    );
    let ([Some(stored), Some(added)], [Some(inside), Some(new)]) = (arrays, expected) else {
        return;
    };
    let merged = write(texts[0], &stored.splice(&added));
    assert_eq!(merged, merge(texts[0], &inside, &new), "{shown}");

    let [Some(old), Some(new)] = texts.map(elements) else { return };
    let both = [old, new].concat();
    assert_eq!(Array::verify(&merged).map(|verified| verified.len), Ok(both.len()), "{shown}");
    assert_eq!(elements(&merged), Some(both), "{shown}");
}

/// What is left when the splice is written, as a server would write it.
fn write(stored: &[u8], splice: &Splice) -> Vec<u8> {
    let (offset, end) = (splice.offset(), splice.end());
    let mut text = stored.to_vec();
    text.resize(stored.len().max(end), 0);

    let mut short = text[..end - 1].to_vec();
    assert!(splice.write(&mut short).is_none());
    assert_eq!(short, text[..end - 1], "there is no room, and nothing is written");

    let (stem, tail) = splice.write(&mut text).expect("there is room");
    assert_eq!([stem, b"]"].concat(), [&stem[..offset], tail].concat());
    assert_eq!(stem.len() + 1, end);
    text
}

/// What a splice should leave: as with SETRANGE, what is behind the new tail stays.
fn merge(stored: &[u8], inside: &Brackets, new: &Brackets) -> Vec<u8> {
    let separator = if inside.elements.is_empty() || new.elements.is_empty() { "" } else { "," };
    let mut text = [&stored[..inside.close], separator.as_bytes(), new.elements, b"]"].concat();
    text.extend(stored.iter().skip(text.len()));
    text
}
