//! Validating accepts what the oracle accepts and counts what it counts. An error has the offset of the
//! first byte that is wrong, or one shortly after it.

use jsonmerge::array::{Array, Brackets, Invalid};
use jsonmerge::fault::Fault;

use super::oracle::{could_continue, elements, kind};

/// serde_json stops at the first byte that is wrong, with two exceptions: it reads all digits of `\uXXXX`
/// before it checks them, and it reports a number that lacks a digit at the end of the text.
const SLACK: usize = 4;

pub fn assert_holds(text: &[u8]) {
    let shown = text.escape_ascii();
    let validated = Array::validate(text);
    let len = validated.as_ref().ok().map(|array| array.len);
    assert_eq!(len, elements(text).map(|elements| elements.len()), "{shown}");
    match validated {
        Ok(array) => {
            let brackets = array.brackets;
            assert_eq!(Brackets::find(text), Some(brackets), "{shown}");
            assert_eq!(brackets.is_empty(), array.len == 0, "{shown}");
            let closed = [brackets.stem(text), b"]"].concat();
            assert!(text.starts_with(&closed), "{shown}");
            assert_eq!(elements(&closed), elements(text), "{shown}");
        }
        Err(Invalid::NotArray(found)) => {
            assert_eq!(Brackets::find(text), None, "{shown}");
            assert_eq!(Some(found), kind(text), "{shown}");
        }
        Err(Invalid::NotJson(fault)) => {
            assert_eq!(kind(text), None, "{shown}");
            assert_near_first_fault(&fault, text);
        }
    }
}

fn assert_near_first_fault(fault: &Fault, text: &[u8]) {
    let shown = text.escape_ascii();
    let Fault { reason, offset } = *fault;
    assert!(offset <= text.len(), "{fault:?} of {shown}");
    assert_ne!(reason, "invalid syntax", "{fault:?} of {shown}: the reason has no name");
    if reason == "invalid UTF-8" {
        let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        assert_eq!(offset, valid, "{shown}");
        return;
    }
    let before = offset.saturating_sub(SLACK);
    assert!(could_continue(&text[..before]), "{shown} is wrong before byte {before}");
    if offset + 1 < text.len() {
        assert!(!could_continue(&text[..=offset]), "{fault:?} of {shown}");
    }
}
