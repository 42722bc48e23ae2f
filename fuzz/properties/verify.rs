//! The check accepts what the oracle accepts, counts what it counts, and faults the first byte that
//! cannot stand where it stands.

use jsonmerge::array::{Array, Invalid};
use jsonmerge::fault::Fault;

use super::oracle::{could_go_on, elements, kind};

pub fn hold(text: &[u8]) {
    let shown = text.escape_ascii();
    let verified = Array::verify(text);
    let len = verified.as_ref().ok().map(|verified| verified.len);
    assert_eq!(len, elements(text).map(|elements| elements.len()), "{shown}");
    match verified {
        Ok(verified) => {
            let array = verified.array;
            assert_eq!(Array::find(text), Some(array), "{shown}");
            assert_eq!(array.is_empty(), verified.len == 0, "{shown}");
            let closed = [array.stem(text), b"]"].concat();
            assert!(text.starts_with(&closed), "{shown}");
            assert_eq!(elements(&closed), elements(text), "{shown}");
        }
        Err(Invalid::NotArray(found)) => {
            assert_eq!(Array::find(text), None, "{shown}");
            assert_eq!(Some(found), kind(text), "{shown}");
        }
        Err(Invalid::NotJson(fault)) => {
            assert_eq!(kind(text), None, "{shown}");
            is_at_its_byte(&fault, text);
        }
    }
}

fn is_at_its_byte(fault: &Fault, text: &[u8]) {
    let shown = text.escape_ascii();
    let Fault { reason, offset } = fault;
    assert!(*offset <= text.len(), "{fault:?} of {shown}");
    assert!(could_go_on(&text[..*offset]), "{shown} fails before byte {offset}");
    if reason == "invalid UTF-8" {
        // The byte that begins the sequence, which only a later one may spoil.
        let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        assert_eq!(*offset, valid, "{shown}");
    } else if *offset < text.len() {
        assert!(!could_go_on(&text[..=*offset]), "{fault:?} of {shown}");
    }
}
