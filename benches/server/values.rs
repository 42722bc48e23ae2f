//! The arrays that are stored.

use redis::Pipeline;

use crate::support::client::Client;

/// The element of every array and of every append: 70 bytes.
pub const ELEMENT: &str =
    r#"{"id":10000001,"type":"order.created","user":"u-1029384","cents":9995}"#;

/// Returns a key in the form of redis-benchmark's `key:__rand_int__`.
pub fn key(number: usize) -> String {
    format!("key:{number:012}")
}

/// Returns an array of about this size in bytes, and its number of elements.
pub fn array(size: usize) -> (String, usize) {
    let len = (size / (ELEMENT.len() + 1)).max(1);
    (array_of(len), len)
}

/// Returns an element that makes the array of a key different from all others.
pub fn element_of(key: &str) -> String {
    let number = key.get(key.len() - 7..).unwrap_or_default();
    ELEMENT.replacen("0000001", number, 1)
}

/// Returns an array of this number of elements.
pub fn array_of(len: usize) -> String {
    format!("[{}]", vec![ELEMENT; len].join(","))
}

/// Stores an array at every key, and nothing else.
pub fn fill(client: &mut Client, keys: usize, store: impl Fn(&mut Pipeline, &str)) {
    client.ok("FLUSHALL SYNC");
    for chunk in (0..keys).collect::<Vec<_>>().chunks(256) {
        let mut pipeline = redis::pipe();
        chunk.iter().for_each(|number| store(&mut pipeline, &key(*number)));
        pipeline.exec(&mut client.0).expect("the server replies");
    }
    assert_eq!(client.ok("DBSIZE"), format!("(integer) {keys}"));
}

/// Returns the sum of the integers that a command replies with for each key.
pub fn sum(client: &mut Client, keys: usize, command: impl Fn(&mut Pipeline, &str)) -> usize {
    let mut pipeline = redis::pipe();
    (0..keys).for_each(|number| command(&mut pipeline, &key(number)));
    let counts: Vec<usize> = pipeline.query(&mut client.0).expect("an integer for each key");
    counts.into_iter().sum()
}
