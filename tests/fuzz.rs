//! The properties that `make fuzz` fuzzes, without libFuzzer: on its committed corpus, and on some
//! random edits of it.

use std::path::Path;
use std::{fs, panic};

use fastrand::Rng;

#[path = "../fuzz/properties/lib.rs"]
mod properties;

/// The random edits for each target.
const EDITS: usize = 50_000;

#[test]
fn verify() {
    replay("verify", properties::verify::hold);
}

#[test]
fn splice() {
    replay("splice", properties::splice::hold);
}

#[test]
fn options() {
    replay("options", properties::options::hold);
}

#[test]
fn memo() {
    replay("memo", properties::memo::hold);
}

fn replay(target: &str, hold: fn(&[u8])) {
    let seed = match std::env::var("JSONMERGE_SEED") {
        Ok(seed) => seed.parse().expect("JSONMERGE_SEED must be a number"),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("JSONMERGE_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let corpus = corpus(target);
    let edited = (0..EDITS).map(|_| edit(&mut random, &corpus));
    for input in corpus.iter().cloned().chain(edited) {
        if panic::catch_unwind(|| hold(&input)).is_err() {
            panic!("{target} does not hold of {}", input.escape_ascii());
        }
    }
}

/// In the order of their names: a seed means the same inputs everywhere.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(directory).expect("a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a file")).collect()
}

/// An input of the corpus with up to three of its bytes changed, taken out or put in, or with its end
/// replaced by that of another.
fn edit(random: &mut Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut one = || random.choice(corpus).cloned().expect("a corpus that is not empty");
    let (mut input, other) = (one(), one());
    for _ in 0..random.usize(1..=3) {
        let at = random.usize(..=input.len());
        // One that stands elsewhere in the corpus, which random ones would seldom be.
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
