//! Every element that is appended is taken once, in order and byte for byte, however it is taken.

use std::collections::VecDeque;

use proptest::prelude::*;
use serde_json::value::RawValue;

use crate::support::client::Client;
use crate::support::server::Server;

#[derive(Clone, Debug)]
enum Step {
    Append {
        array: String,
        trust: bool,
    },
    Take {
        count: Option<usize>,
        trust: bool,
    },
    /// Whitespace before or after the array, as other commands may write it.
    Pad {
        before: String,
        after: String,
    },
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 2 => "[ \t\r\n]{0,4}", 1 => " {60,200}"]
}

/// A JSON text. Some are large, so that the elements taken before them are overwritten with spaces.
fn element() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        "\"([^\"\\\\\\x00-\\x1f]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}|[\\[\\],{}:]){0,8}\"",
        (1000..6000usize).prop_map(|size| format!("\"{}\"", "],[\u{e9}".repeat(size / 5))),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let inner = (space(), inner, space())
            .prop_map(|(before, text, after)| before + &text + &after)
            .boxed();
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|values| {
                let members: Vec<_> =
                    values.iter().map(|value| format!("\"],{{\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn array() -> impl Strategy<Value = String> {
    let element =
        (space(), element(), space()).prop_map(|(before, text, after)| before + &text + &after);
    (space(), prop::collection::vec(element, 0..8), space(), space()).prop_map(
        |(before, elements, inside, after)| {
            format!("{before}[{inside}{}]{after}", elements.join(","))
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (array(), any::<bool>()).prop_map(|(array, trust)| Step::Append { array, trust }),
        8 => (1..6usize, any::<bool>()).prop_map(|(count, trust)| Step::Take { count: Some(count), trust }),
        1 => any::<bool>().prop_map(|trust| Step::Take { count: None, trust }),
        1 => (space(), space()).prop_map(|(before, after)| Step::Pad { before, after }),
    ]
}

fn elements(text: &str) -> Vec<String> {
    let elements: Vec<&RawValue> =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    elements.into_iter().map(|element| element.get().to_owned()).collect()
}

/// Runs the steps, and compares the results with a queue. Returns the size of the largest value and how
/// often spaces were left.
fn run(client: &mut Client, steps: &[Step]) -> (usize, usize) {
    let mut queue: VecDeque<String> = VecDeque::new();
    let (mut largest, mut spaced) = (0, 0);
    client.ok("DEL k");
    for step in steps {
        let before = client.ok("STRLEN k");
        match step {
            Step::Append { array, trust } => {
                let trust: &[&[u8]] = if *trust { &[b"TRUST"] } else { &[] };
                let append =
                    [&[b"JSONMERGE.APPEND", &b"k"[..], array.as_bytes(), b"REPLY", b"SIZE"], trust]
                        .concat();
                client.call_with(&append).expect("APPEND");
                queue.extend(elements(array));
            }
            Step::Take { count, trust } => {
                let count_option = count.map(|count| format!(" COUNT {count}")).unwrap_or_default();
                let trust = if *trust { " TRUST" } else { "" };
                let existed = client.ok("EXISTS k") == "(integer) 1";
                let taken = client.ok(&format!("JSONMERGE.TAKE k{count_option}{trust}"));
                if !existed {
                    assert_eq!(taken, "(nil)");
                    continue;
                }
                let len = count.unwrap_or(usize::MAX).min(queue.len());
                assert_eq!(elements(&taken), queue.drain(..len).collect::<Vec<_>>());
                assert_eq!(client.ok("EXISTS k") == "(integer) 1", !queue.is_empty(), "{step:?}");
                spaced += usize::from(!queue.is_empty() && client.ok("STRLEN k") == before);
            }
            Step::Pad { before, after } => {
                let value = client.ok("GET k");
                if value != "(nil)" {
                    client
                        .call_with(&[b"SET", b"k", format!("{before}{value}{after}").as_bytes()])
                        .expect("SET");
                }
            }
        }
        let value = client.ok("GET k");
        let stored = if value == "(nil)" { vec![] } else { elements(&value) };
        assert_eq!(queue, stored, "{step:?}");
        largest = largest.max(value.len());
    }
    (largest, spaced)
}

#[test]
fn take_returns_the_elements_that_were_appended() {
    let server = Server::start();
    let plain = Server::plain();
    plain.follow(&server);
    let mut client = server.client();
    let config =
        ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let totals = std::cell::Cell::new((0, 0));
    let client = std::cell::RefCell::new(&mut client);
    let result = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        let (largest, spaced) = run(&mut client.borrow_mut(), &steps);
        let total = totals.get();
        totals.set((total.0.max(largest), total.1 + spaced));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (largest, spaced) = totals.get();
    println!("the largest value had {largest} bytes, and {spaced} takes left spaces");
    assert!(largest > 4096 && spaced > 100, "the values are too small: {largest} {spaced}");

    let mut client = client.borrow_mut();
    assert_eq!(client.ok("WAIT 1 20000"), "(integer) 1");
    let mut other = plain.client();
    for look in ["GET k", "DEBUG DIGEST"] {
        assert_eq!(client.ok(look), other.ok(look));
    }
    assert_eq!(client.info("jsonmerge_internal_errors"), 0);
}
