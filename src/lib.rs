//! jsonmerge: a Redis module that appends to, and takes, JSON arrays kept in plain Redis strings.
//!
//! - `JSONMERGE.APPEND key array [TRUST] [EX seconds | PX milliseconds | EXAT unix-seconds |
//!   PXAT unix-milliseconds | PERSIST] [REPLY JSON | LEN | SIZE]`
//! - `JSONMERGE.TAKE key`

#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod array;
pub mod counters;
pub mod error;
pub mod fault;
pub mod options;
pub mod verified;

mod command;
mod server;
mod settings;

#[global_allocator]
static ALLOCATOR: server::Allocator = server::Allocator;

server::module!(c"jsonmerge", command::TABLE, settings::TABLE, || verified::set_slots(0));
