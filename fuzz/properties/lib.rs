//! What must hold of any input, one file a fuzz target. Each is a plain function of bytes, so that
//! libFuzzer, the replay of the corpus and the property tests can all call it.

pub mod memo;
pub mod options;
pub mod oracle;
pub mod splice;
pub mod verify;
