//! A ledger as a file, `shockfront/ledger/v1`; `risk::ledger` reads it.

use super::record::pretty;
use crate::risk::ledger::{Entry, Ledger};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Debug, Serialize)]
struct LedgerRecord<'a> {
    schema: &'static str,
    entries: Vec<EntryRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct EntryRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<&'a str>,
    services: &'a [String],
    expected_user_minutes: Map<String, Value>,
}

/// Writes a ledger, with a newline at the end; `time` writes a point in time.
pub fn ledger_json(ledger: &Ledger, time: &dyn Fn(&jiff::Zoned) -> String) -> String {
    let record = |entry: &'_ Entry| -> Map<String, Value> {
        entry.journeys.iter().map(|(name, minutes)| (name.clone(), Value::from(*minutes))).collect()
    };
    let entries = ledger.entries.iter().map(|entry| EntryRecord {
        at: entry.at.as_ref().map(time),
        title: entry.title.as_deref(),
        head: entry.head.as_deref(),
        services: &entry.services,
        expected_user_minutes: record(entry),
    });
    pretty(&LedgerRecord { schema: "shockfront/ledger/v1", entries: entries.collect() })
}
