//! A real server for each test, in a directory of its own, and a real client to talk to it.

pub mod client;
pub mod cluster;
pub mod ledger;
pub mod pushes;
pub mod random;
pub mod server;
pub mod session;
pub mod stream;
