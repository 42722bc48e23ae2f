//! Checks the properties of `make fuzz` without libFuzzer, on the committed corpus and on random edits of it.

use std::path::Path;
use std::{fs, panic};

use fastrand::Rng;

#[path = "../fuzz/properties/lib.rs"]
mod properties;

/// The number of random edits for each target.
const EDITS: usize = 50_000;

#[test]
fn validate() {
    replay("validate", properties::validate::assert_holds);
}

#[test]
fn splice() {
    replay("splice", properties::splice::assert_holds);
}

#[test]
fn options() {
    replay("options", properties::options::assert_holds);
}

#[test]
fn head() {
    replay("head", properties::head::assert_holds);
}

#[test]
fn take_options() {
    replay("take_options", properties::take_options::assert_holds);
}

#[test]
fn cache() {
    replay("cache", properties::cache::assert_holds);
}

fn replay(target: &str, assert_holds: fn(&[u8])) {
    let seed = match std::env::var("JSONMERGE_SEED") {
        Ok(seed) => seed.parse().expect("JSONMERGE_SEED must be a number"),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("JSONMERGE_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let corpus = corpus(target);
    let edited = (0..EDITS).map(|_| edit(&mut random, &corpus));
    for input in corpus.iter().cloned().chain(edited) {
        if panic::catch_unwind(|| assert_holds(&input)).is_err() {
            panic!("the property {target} does not hold for {}", input.escape_ascii());
        }
    }
}

/// Returns the inputs in the order of their file names, so that a seed gives the same edits everywhere.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(directory).expect("a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a file")).collect()
}

/// Returns an input of the corpus with one to three edits: a byte is changed, removed or inserted, or the end
/// is replaced with that of another input.
fn edit(random: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut one = || random.choice(corpus).cloned().expect("the corpus is not empty");
    let (mut input, other) = (one(), one());
    for _ in 0..random.usize(1..=3) {
        let at = random.usize(..=input.len());
        // A byte of another input, because a random byte is rarely part of JSON.
        let byte = random.choice(&other).copied().unwrap_or_else(|| random.u8(..));
        match random.u32(..8) {
            0 => {
                input.truncate(at);
                input.extend_from_slice(&other[random.usize(..=other.len())..]);
            }
            1..3 => input.insert(at, byte),
            3..5 if at < input.len() => _ = input.remove(at),
            _ if at < input.len() => input[at] = byte,
            _ => {}
        }
    }
    input
}
