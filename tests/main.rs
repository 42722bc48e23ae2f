//! Black-box tests: a real server that loads the module, and a real client. Each file tests one aspect.

mod acl;
mod append;
mod array;
mod cache;
mod clients;
mod coexistence;
mod command_pages;
mod documents;
mod effects;
mod errors;
mod hostile;
mod info;
mod introspection;
mod limits;
mod load;
mod memory;
mod options;
mod persistence;
mod protocol;
mod readme;
mod replication;
mod soak;
mod support;
mod take;
mod unload;
mod values;
