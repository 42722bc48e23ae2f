//! What an event is. The producer sends nothing else.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Where the events are kept.
pub const KEY: &str = "events";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub id: u64,
    pub name: String,
    pub tags: Vec<String>,
    /// Any JSON, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<RawValue>>,
}
