//! Shared by the tests: servers, each in its own directory, clients, and ways to observe a server.

pub mod client;
pub mod cluster;
pub mod ledger;
pub mod programs;
pub mod pushes;
pub mod random;
pub mod record;
pub mod server;
pub mod session;
pub mod stream;
