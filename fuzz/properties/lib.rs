//! Properties that hold for any input, one file for each fuzz target. Each is a plain function of bytes,
//! so libFuzzer, the replay of the corpus and the property tests can all call it.

pub mod cache;
pub mod head;
pub mod options;
pub mod oracle;
pub mod splice;
pub mod take_options;
pub mod validate;
