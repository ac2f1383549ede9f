//! A [`System`] as text: YAML and JSON that load to the same system, or an edge list.
//!
//! Everything that was stated is written, defaults are not. In YAML every service and dependency takes one line. An edge list
//! holds less: one certain or likely arc per pair of services, without operations, durations and groups. What must hold: names
//! survive whatever they are made of.

use super::write_facts::{dependency, group, journey, service, waiver};
use crate::document::{Scalar, resolve};
use crate::model::System;
use crate::model::crossing::{Crossing, default_probability};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// `shockfront/topology/v1` as JSON, indented.
pub fn json(system: &System) -> String {
    // A tree of maps with text keys always has a text.
    serde_json::to_string_pretty(&Json::Object(document(system))).unwrap_or_default() + "\n"
}

/// `shockfront/topology/v1` as YAML.
pub fn yaml(system: &System) -> String {
    let mut text = String::new();
    for (key, value) in document(system) {
        match value {
            Json::Object(table) if key != "people" => {
                text += &format!("\n{key}:\n");
                for (name, value) in table {
                    text += "  ";
                    plain_or_quoted(&name, &mut text);
                    text += ": ";
                    flow(&value, &mut text);
                    text += "\n";
                }
            }
            Json::Array(list) => {
                text += &format!("\n{key}:\n");
                for value in list {
                    text += "  - ";
                    flow(&value, &mut text);
                    text += "\n";
                }
            }
            value => {
                text += &format!("{key}: ");
                flow(&value, &mut text);
                text += "\n";
            }
        }
    }
    text
}

/// Writes `provider consumer probability` lines, cut at tabs. Of several dependencies between two services the likeliest counts;
/// dependencies over which no failure crosses while the program runs are left out.
///
/// # Errors
/// When the output refuses.
pub fn edge_list(system: &System, out: &mut dyn io::Write) -> io::Result<()> {
    let arc = |id| {
        let (consumer, provider) = (system.consumer(id).service, system.provider(id).service);
        (consumer, provider, system.stated_probability(id).unwrap_or_else(|| default_probability(system, id)))
    };
    writeln!(out, "# provider\tconsumer\tprobability")?;
    if system.service_detail.is_empty() {
        // Came from an edge list: nothing to join, and too large for a table of pairs.
        for id in system.dependency_ids() {
            let (consumer, provider, probability) = arc(id);
            line(system.service_name(provider), system.service_name(consumer), probability, out)?;
        }
        return Ok(());
    }
    let mut arcs: BTreeMap<_, f64> = BTreeMap::new();
    for id in system.dependency_ids() {
        let (crossing, (consumer, provider, probability)) = (Crossing::of(system, id), arc(id));
        let directions = [
            (crossing.channels.0 != 0, (consumer, provider)),
            // Wrong data that is written harms the other side.
            (crossing.writes_data, (provider, consumer)),
        ];
        for (_, pair) in directions.into_iter().filter(|(crosses, pair)| *crosses && pair.0 != pair.1) {
            let known = arcs.entry(pair).or_insert(probability);
            *known = known.max(probability);
        }
    }
    for ((consumer, provider), probability) in arcs {
        line(system.service_name(provider), system.service_name(consumer), probability, out)?;
    }
    Ok(())
}

fn line(provider: &str, consumer: &str, probability: f64, out: &mut dyn io::Write) -> io::Result<()> {
    // A name could look like a comment or like a quoted one.
    let quote = |name: &str| if name.starts_with(['#', '"']) || name.trim() != name { "\"" } else { "" };
    let (a, b) = (quote(provider), quote(consumer));
    writeln!(out, "{a}{provider}{a}\t{b}{consumer}{b}\t{probability}")
}

/// The keys of the file, in the order of the documentation.
fn document(system: &System) -> Map<String, Json> {
    let mut keys = Map::new();
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            keys.insert(key.to_owned(), value);
        }
    };
    put("schema", Some(json!("shockfront/topology/v1")));
    put("name", (!system.name.is_empty()).then(|| json!(system.name)));
    put("observed_at", system.observed_at.map(|day| json!(day.to_string())));
    put("coverage", system.coverage.map(super::write_facts::number));
    put("people", system.responders.map(|responders| json!({ "responders": responders })));
    let services = system.service_ids().map(|id| (system.service_name(id).to_owned(), service(system.service(id)))).collect();
    put("services", Some(Json::Object(services)));
    let dependencies: Vec<Json> = system.dependency_ids().map(|id| dependency(system, id)).collect();
    put("dependencies", (!dependencies.is_empty()).then_some(Json::Array(dependencies)));
    let groups: Map<_, _> = system.groups().map(|(_, name, facts, _)| (name.to_owned(), group(facts))).collect();
    put("groups", (!groups.is_empty()).then_some(Json::Object(groups)));
    let journeys: Map<_, _> = system.journeys().iter().map(|known| (known.name.clone(), journey(&known.facts))).collect();
    put("journeys", (!journeys.is_empty()).then_some(Json::Object(journeys)));
    let waivers: Vec<Json> = system.waivers.iter().map(waiver).collect();
    put("waivers", (!waivers.is_empty()).then_some(Json::Array(waivers)));
    keys
}

/// A value on one line of YAML.
fn flow(value: &Json, text: &mut String) {
    match value {
        Json::String(word) => plain_or_quoted(word, text),
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                flow(item, text);
            }
            text.push(']');
        }
        Json::Object(table) => {
            text.push('{');
            for (at, (key, value)) in table.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                plain_or_quoted(key, text);
                text.push_str(": ");
                flow(value, text);
            }
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// Text that every YAML reader takes for that text.
fn plain_or_quoted(word: &str, text: &mut String) {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    // Older readers take these for truth values.
    let truth = ["y", "n", "yes", "no", "on", "off"].iter().any(|truth| word.eq_ignore_ascii_case(truth));
    if word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(harmless)
        && !truth
        && resolve(word) == Scalar::Text(word)
    {
        text.push_str(word);
        return;
    }
    text.push('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            // Spaces and marks that a reader may fold or refuse.
            c if c.is_control() || (c.is_whitespace() && c != ' ') || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}') => {
                // Writing to a `String` cannot fail.
                _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
