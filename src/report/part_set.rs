//! What all parts have in common, whatever they are parts of: who wrote them, which shard they are, whether a set is whole.

use super::part::{PartOf, SCHEMA};
use super::record::{TOOL, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the whole was asked about its trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplingInputs {
    /// Trials of all parts together, of each service in a ranking.
    pub trials: u64,
    /// The seed.
    pub seed: u64,
    /// The generator of random numbers.
    pub generator: String,
    /// When it happens, where that was said.
    pub at: Option<String>,
    /// How long harm is followed, where that was said.
    pub horizon: Option<String>,
    /// How many incidents can be worked on, where that was said.
    pub responders: Option<u32>,
    /// Whether dependents and users notice.
    pub symptom_detection: bool,
}

/// A part of something.
pub(super) trait OfRun {
    /// What the whole was asked.
    type Inputs: PartialEq + Serialize;
    fn inputs(&self) -> &Self::Inputs;
    fn shard(&self) -> PartOf;
}

/// Whether a part can be read.
///
/// # Errors
/// With a sentence.
pub(super) fn check_head(schema: &str, tool: &Tool, generator: &str, shard: PartOf) -> Result<(), String> {
    if schema != SCHEMA {
        return Err(format!("expected `{SCHEMA}`, found `{schema}`"));
    }
    if *tool != TOOL || generator != crate::random::GENERATOR {
        let Tool { name, version } = tool;
        return Err(format!("a part is read by the version that wrote it: {name} {version}"));
    }
    if shard.number >= shard.of {
        return Err(format!("there is no part {} of {}", shard.number, shard.of));
    }
    Ok(())
}

/// Whether a part belongs to those before it.
///
/// # Errors
/// With its position.
pub(super) fn check_member<P: OfRun>(parts: &[P], at: usize) -> Result<(), (Option<usize>, String)> {
    let (first, part) = (&parts[0], &parts[at]);
    if part.inputs() != first.inputs() || part.shard().of != first.shard().of {
        return Err((Some(at), format!("it is of another run than the first: {}", difference(first, part))));
    }
    if parts[..at].iter().any(|known| known.shard() == part.shard()) {
        let PartOf { number, of } = part.shard();
        return Err((Some(at), format!("part {number} of {of} is given twice")));
    }
    Ok(())
}

/// Whether none is missing, where all belong together.
///
/// # Errors
/// With the numbers of some that are.
pub(super) fn check_whole<P: OfRun>(parts: &[P]) -> Result<(), (Option<usize>, String)> {
    let Some(first) = parts.first() else { return Err((None, "there is no part".to_owned())) };
    let of = first.shard().of;
    if (parts.len() as u64) < of {
        let is_missing = |number: &u64| parts.iter().all(|part| part.shard().number != *number);
        let missing: Vec<String> = (0..of).filter(is_missing).take(5).map(|number| number.to_string()).collect();
        let more = of - parts.len() as u64;
        return Err((None, format!("{more} of {of} parts are missing, among them part {}", missing.join(", "))));
    }
    Ok(())
}

/// The first thing in which two parts differ.
fn difference<P: OfRun>(a: &P, b: &P) -> String {
    let (x, y) = (serde_json::to_value(a.inputs()).unwrap_or_default(), serde_json::to_value(b.inputs()).unwrap_or_default());
    match first_difference(&x, &y) {
        Some((key, value, other)) => format!("`{key}` is {other} and not {value}"),
        None => format!("it is cut into {} and not {}", b.shard().of, a.shard().of),
    }
}

/// The first field that two records of the same shape do not share, with its values.
fn first_difference<'a>(a: &'a Value, b: &'a Value) -> Option<(&'a str, &'a Value, &'a Value)> {
    let fields = a.as_object()?.iter().map(|(key, value)| (key.as_str(), value, &b[key]));
    let (key, value, other) = fields.into_iter().find(|(_, value, other)| value != other)?;
    first_difference(value, other).or(Some((key, value, other)))
}
