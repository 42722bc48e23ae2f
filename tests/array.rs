//! The properties of the check and of the splice that `make fuzz` fuzzes, on texts made by grammar:
//! arrays with the oddities of RFC 8259, and what is nearly one.

use proptest::prelude::*;

#[path = "../fuzz/properties/oracle.rs"]
mod oracle;
#[path = "../fuzz/properties/splice.rs"]
mod splice;
#[path = "../fuzz/properties/verify.rs"]
mod verify;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_elements_are_the_elements_of_both(stored in array(), added in array()) {
        splice::hold(format!("{stored}\x1e{added}").as_bytes());
    }

    #[test]
    fn a_splice_onto_any_text_writes_what_it_says(stored in near_json(), added in array()) {
        splice::hold(&[&stored, &b"\x1e"[..], added.as_bytes()].concat());
    }

    #[test]
    fn the_check_accepts_json_and_trust_finds_what_it_finds(text in prop_oneof![array(), json()]) {
        prop_assert!(oracle::kind(text.as_bytes()).is_some());
        verify::hold(text.as_bytes());
    }

    #[test]
    fn the_check_refuses_what_is_nearly_json_at_the_byte_that_is_wrong(text in near_json()) {
        verify::hold(&text);
    }
}
