//! Properties of the splice and of the check, against a trivial oracle: the elements of an array as
//! raw text, which serde_json's `RawValue` gives.

use jsonmerge::array::{Array, Invalid};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

fn elements(text: &[u8]) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_slice(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

fn merge(stored: &str, added: &str) -> Vec<u8> {
    let (stored_array, added_array) =
        (Array::verify(stored.as_bytes()), Array::verify(added.as_bytes()));
    let splice = stored_array.expect("valid").array.splice(&added_array.expect("valid").array);
    let mut value = stored.as_bytes().to_vec();
    value.resize(value.len().max(splice.end()), 0);
    let (stem, tail) = splice.write(&mut value).expect("room");
    assert_eq!([stem, b"]"].concat(), [&stem[..splice.offset()], tail].concat());
    assert_eq!(stem.len() + 1, splice.end());
    value
}

/// White space of RFC 8259.
fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,3}"
}

/// A JSON text, with the oddities that RFC 8259 allows.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,6})?",
        "\"([^\"\\\\\\x00-\\x1f]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,8}\"",
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let member = (space(), "\"[a-c\\]\\[,]{0,3}\"", space(), inner.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            array_of(inner),
            prop::collection::vec(member, 0..4)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn array_of(element: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let element =
        (space(), element, space()).prop_map(|(before, text, after)| before + &text + &after);
    (prop::collection::vec(element, 0..6), space())
        .prop_map(|(elements, inside)| format!("[{inside}{}]", elements.join(",")))
}

fn array() -> impl Strategy<Value = String> {
    (space(), array_of(json()), space()).prop_map(|(before, text, after)| before + &text + &after)
}

/// A valid array that was edited once or twice (a byte changed, put in or taken out, the end cut off),
/// or mere noise.
fn near_json() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(b"[]{},:\"\\u0+-.eE1tfn \n\x00\x80\xff".to_vec());
    let edit = (any::<prop::sample::Index>(), prop_oneof![telling, any::<u8>()], 0..4);
    let edited = (array(), prop::collection::vec(edit, 1..3)).prop_map(|(text, edits)| {
        let mut text = text.into_bytes();
        for (index, byte, how) in edits {
            let at = index.index(text.len().max(1));
            match how {
                0 => text.insert(at, byte),
                1 => text.truncate(at),
                2 if at < text.len() => text[at] = byte,
                _ => _ = text.drain(at..text.len().min(at + 1)),
            }
        }
        text
    });
    prop_oneof![4 => edited, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

/// What could follow a prefix of a JSON text: the rest of a literal, a number or an escape, or nothing
/// but white space. All are long enough for serde_json to look at a whole `\u` escape.
const SEQUELS: &[&str] = &[
    "    ", "1000", "e000", "n000", "rue    ", "ue    ", "e    ", "alse    ", "lse    ", "se    ",
    "ull    ", "ll    ", "l    ",
];

/// Whether something could follow so that a JSON text comes of it.
fn could_go_on(prefix: &[u8]) -> bool {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_elements_are_the_elements_of_both(stored in array(), added in array()) {
        let value = merge(&stored, &added);
        let both = [elements(stored.as_bytes()), elements(added.as_bytes())].map(Option::unwrap).concat();
        prop_assert_eq!(elements(&value), Some(both.clone()));
        let verified = Array::verify(&value).expect("valid before, valid after");
        prop_assert_eq!(verified.len, both.len());
    }

    #[test]
    fn the_stored_prefix_stays(stored in array(), added in array()) {
        let close = stored.rfind(']').expect("an array");
        let value = merge(&stored, &added);
        prop_assert_eq!(&value[..close], &stored.as_bytes()[..close]);
        prop_assert!(value.len() >= stored.len());
    }

    #[test]
    fn trust_finds_in_valid_json_what_the_check_finds(text in prop_oneof![array(), json()]) {
        let verified = Array::verify(text.as_bytes());
        prop_assert_eq!(Array::find(text.as_bytes()), verified.as_ref().ok().map(|verified| verified.array));
        prop_assert!(!matches!(verified, Err(Invalid::NotJson(_))));
    }

    #[test]
    fn the_check_accepts_what_the_oracle_accepts(text in near_json()) {
        prop_assert_eq!(Array::verify(&text).ok().map(|verified| verified.len), elements(&text).map(|all| all.len()));
    }

    #[test]
    fn a_fault_is_at_the_first_byte_that_cannot_stand_there(text in near_json()) {
        if let Err(Invalid::NotJson(fault)) = Array::verify(&text) {
            let offset = fault.offset;
            prop_assert!(offset <= text.len());
            prop_assert!(could_go_on(&text[..offset]), "{:?} fails before byte {offset}", text.escape_ascii().to_string());
            if offset < text.len() && fault.reason != "invalid UTF-8" {
                prop_assert!(!could_go_on(&text[..=offset]), "{fault:?} of {:?}", text.escape_ascii().to_string());
            }
        }
    }
}
