//! The properties of validating and splicing that `make fuzz` fuzzes, checked on generated texts: arrays with
//! the oddities of RFC 8259, and texts that are almost arrays.

use proptest::prelude::*;

#[path = "../fuzz/properties/oracle.rs"]
mod oracle;
#[path = "../fuzz/properties/splice.rs"]
mod splice;
#[path = "../fuzz/properties/validate.rs"]
mod validate;

/// Whitespace as RFC 8259 defines it.
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

/// A valid array after one or two edits (a byte changed, inserted or removed, or the end cut off), or
/// random bytes.
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_splice_of_two_arrays_has_the_elements_of_both(stored in array(), added in array()) {
        splice::assert_holds(format!("{stored}\x1e{added}").as_bytes());
    }

    #[test]
    fn a_splice_onto_any_text_writes_only_in_its_range(stored in near_json(), added in array()) {
        splice::assert_holds(&[&stored, &b"\x1e"[..], added.as_bytes()].concat());
    }

    #[test]
    fn validate_against_an_array_accepts_it(text in prop_oneof![array(), json()]) {
        prop_assert!(oracle::kind(text.as_bytes()).is_some());
        validate::assert_holds(text.as_bytes());
    }

    #[test]
    fn validate_against_almost_valid_json_reports_the_first_fault(text in near_json()) {
        validate::assert_holds(&text);
    }
}
