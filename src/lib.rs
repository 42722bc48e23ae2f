//! jsonmerge: a Redis module with atomic append and read-and-delete for JSON arrays stored as plain Redis
//! strings.
//!
//! - `JSONMERGE.APPEND key array [TRUST] [EX seconds | PX milliseconds | EXAT unix-seconds |
//!   PXAT unix-milliseconds | PERSIST] [REPLY JSON | LEN | SIZE]`
//! - `JSONMERGE.TAKE key [COUNT count] [TRUST] [BLOCK milliseconds]`

#![deny(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod array;
pub mod cache;
pub mod counters;
pub mod error;
pub mod fault;
pub mod options;

mod command;
mod config;
mod info;
mod server;

#[global_allocator]
static ALLOCATOR: server::Allocator = server::Allocator;

static MODULE: server::module::Module = server::module::Module {
    name: c"jsonmerge",
    commands: command::TABLE,
    configs: config::TABLE,
    info: info::TABLE,
    warning: cache::warning,
    free: cache::free,
};
