//! What the producers and the consumers share. To use the commands in another program, copy `jsonmerge.rs`.

pub mod connection;
pub mod events;
pub mod jsonmerge;
