//! Random numbers from one printed seed. Set `JSONMERGE_SEED` to it to repeat a test with the same numbers.
//!
//! Each thread of a test derives its own generator, so the numbers of one thread do not depend on the other
//! threads. How the threads interleave is not reproducible.

use std::env;

use fastrand::Rng;

/// The seed of a test.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64);

impl Seed {
    /// Returns `JSONMERGE_SEED`, or a random seed, and prints it with the name of the test.
    pub fn print(test: &str) -> Self {
        let seed = match env::var("JSONMERGE_SEED") {
            Ok(seed) => seed.parse().expect("JSONMERGE_SEED is a number"),
            Err(_) => fastrand::u64(..),
        };
        println!("{test}: JSONMERGE_SEED={seed}");
        Seed(seed)
    }

    /// Returns the generator of a thread.
    pub fn rng(self, thread: usize) -> Rng {
        Rng::with_seed(self.0 ^ Rng::with_seed(thread as u64).u64(..))
    }
}
