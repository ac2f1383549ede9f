//! Field types with a grammar of their own: durations, shares, yes-no-unknown.
//!
//! Each has one function that reads it. Decoding calls it, and the check of the file calls it through the keyword `x-shockfront`
//! of the type's JSON Schema. The rest of that schema is for editors; it must allow whatever the function allows.

use super::tree::{Node, Scalar, Value};
use crate::units::{DurationLaw, Ticks};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A constant duration such as `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DurationText(pub Ticks);

/// A duration, constant or random: `10m`, `10m/60m` or `{median: 10m, p95: 60m}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LawText(pub DurationLaw);

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct ProbabilityNumber(pub f64);

/// A share: `5%` or a number from 0 to 1. Holds the number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

/// `yes`, `no` or `unknown`; `true` and `false` mean yes and no. The same in every format, quoted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TriState {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// A whole number from 0 up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count(pub u32);

/// Why a scalar is refused.
#[derive(Debug)]
pub(super) enum Complaint {
    /// What was expected, and what to write.
    Expected(&'static str, Option<&'static str>),
    /// The whole sentence.
    Says(String),
    /// The node has a form that other rules judge.
    Elsewhere,
}

/// The scalars that a schema can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Custom {
    Duration,
    Law,
    Probability,
    Percent,
    TriState,
    Count,
}

impl Custom {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "duration" => Self::Duration,
            "law" => Self::Law,
            "probability" => Self::Probability,
            "percent" => Self::Percent,
            "tri-state" => Self::TriState,
            "count" => Self::Count,
            _ => return None,
        })
    }

    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Duration => "a duration such as `30s`, `10m` or `1h30m`",
            Self::Law => "a duration such as `10m`, or `{median: 10m, p95: 60m}`",
            Self::Probability => "a number from 0 to 1",
            Self::Percent => "a share such as `5%` or 0.05",
            Self::TriState => "yes, no or unknown",
            Self::Count => "a whole number, at least 0",
        }
    }
}

/// Judges a node by the grammar of a scalar.
pub(super) fn check(custom: Custom, node: &Node) -> Result<(), Complaint> {
    let Some(scalar) = node.scalar() else {
        let elsewhere = custom == Custom::Law && matches!(node.value, Value::Table(_));
        return Err(if elsewhere { Complaint::Elsewhere } else { Complaint::Expected(custom.expected(), None) });
    };
    match custom {
        Custom::Duration => duration(scalar, custom).map(drop),
        Custom::Law => law(scalar).map(drop),
        Custom::Probability => share(scalar, custom).map(drop),
        Custom::Percent => share(scalar, custom).map(drop),
        Custom::TriState => tri_state(scalar).map(drop),
        Custom::Count => count(scalar).map(drop),
    }
}

/// Judges the table form of a [`LawText`] whose parts are durations.
pub(super) fn check_pair(node: &Node) -> Result<(), String> {
    let part = |key: &str| node.entry(key).and_then(|(_, value)| Ticks::parse(value.text()?).ok());
    match (part("median"), part("p95")) {
        (Some(median), Some(p95)) => DurationLaw::lognormal(median, p95).map(drop),
        _ => Ok(()),
    }
}

fn duration(scalar: Scalar<'_>, custom: Custom) -> Result<Ticks, Complaint> {
    match scalar {
        Scalar::Text(text) => Ticks::parse(text).map_err(Complaint::Says),
        Scalar::Integer(number) => Ticks::parse(&number.to_string()).map_err(Complaint::Says),
        Scalar::Float(number) => Ticks::parse(&number.to_string()).map_err(Complaint::Says),
        _ => Err(Complaint::Expected(custom.expected(), None)),
    }
}

fn law(scalar: Scalar<'_>) -> Result<LawText, Complaint> {
    match scalar {
        Scalar::Text(text) => DurationLaw::parse(text).map(LawText).map_err(Complaint::Says),
        _ => duration(scalar, Custom::Law).map(|ticks| LawText(DurationLaw::Constant(ticks))),
    }
}

fn share(scalar: Scalar<'_>, custom: Custom) -> Result<f64, Complaint> {
    let refuse = |help| Err(Complaint::Expected(custom.expected(), help));
    let number = match scalar {
        Scalar::Integer(number) => number as f64,
        Scalar::Float(number) => number,
        Scalar::Text(text) => {
            let Some(number) = text.strip_suffix('%').map(str::trim_end) else { return refuse(None) };
            return match number.parse::<f64>() {
                _ if custom == Custom::Probability => refuse(Some("write 0.05 for 5 %")),
                Ok(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
                _ => refuse(Some("a share lies between 0% and 100%")),
            };
        }
        _ => return refuse(None),
    };
    match number {
        _ if (0.0..=1.0).contains(&number) => Ok(number),
        _ if !(1.0..=100.0).contains(&number) => refuse(None),
        _ if custom == Custom::Percent => refuse(Some("a bare number is a share from 0 to 1: write `5%` or 0.05")),
        _ => refuse(Some("write 0.05 for 5 %")),
    }
}

fn tri_state(scalar: Scalar<'_>) -> Result<TriState, Complaint> {
    match scalar {
        Scalar::Bool(true) | Scalar::Text("yes" | "true") => Ok(TriState::Yes),
        Scalar::Bool(false) | Scalar::Text("no" | "false") => Ok(TriState::No),
        Scalar::Text("unknown") => Ok(TriState::Unknown),
        _ => Err(Complaint::Expected(Custom::TriState.expected(), None)),
    }
}

fn count(scalar: Scalar<'_>) -> Result<u32, Complaint> {
    let number = match scalar {
        Scalar::Integer(number) => u32::try_from(number).ok(),
        // The cast is exact inside the range.
        Scalar::Float(number) if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) => Some(number as u32),
        _ => None,
    };
    number.ok_or(Complaint::Expected(Custom::Count.expected(), None))
}

/// A scalar that serde handed over, or the table form of a law.
enum Given {
    Scalar(Option<String>, Scalar<'static>),
    Pair(LawText),
}

impl Given {
    fn scalar(&self) -> Result<Scalar<'_>, Complaint> {
        match self {
            Self::Scalar(Some(text), _) => Ok(Scalar::Text(text)),
            Self::Scalar(None, scalar) => Ok(*scalar),
            Self::Pair(_) => Err(Complaint::Elsewhere),
        }
    }

    fn read<'de, D: Deserializer<'de>, T>(
        deserializer: D,
        custom: Custom,
        convert: impl FnOnce(Scalar<'_>) -> Result<T, Complaint>,
    ) -> Result<T, D::Error> {
        let given = deserializer.deserialize_any(AnyScalar(custom))?;
        given.scalar().and_then(convert).map_err(|complaint| {
            D::Error::custom(match complaint {
                Complaint::Says(message) => message,
                Complaint::Expected(expected, _) => format!("expected {expected}"),
                Complaint::Elsewhere => format!("expected {}", custom.expected()),
            })
        })
    }
}

struct AnyScalar(Custom);

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expected())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Given, E> {
        Ok(Given::Scalar(None, Scalar::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Given, E> {
        Ok(Given::Scalar(None, Scalar::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Given, E> {
        Ok(Given::Scalar(None, i64::try_from(value).map_or(Scalar::Unsigned(value), Scalar::Integer)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Given, E> {
        Ok(Given::Scalar(None, Scalar::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Given, E> {
        Ok(Given::Scalar(Some(value.to_owned()), Scalar::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        if self.0 != Custom::Law {
            return Err(A::Error::custom(format!("expected {}", self.0.expected())));
        }
        let (mut median, mut p95) = (None, None);
        while let Some((key, value)) = map.next_entry::<String, DurationText>()? {
            match key.as_str() {
                "median" => median = Some(value.0),
                "p95" => p95 = Some(value.0),
                _ => return Err(A::Error::unknown_field(&key, &["median", "p95"])),
            }
        }
        let median = median.ok_or_else(|| A::Error::missing_field("median"))?;
        let p95 = p95.ok_or_else(|| A::Error::missing_field("p95"))?;
        DurationLaw::lognormal(median, p95).map(|law| Given::Pair(LawText(law))).map_err(A::Error::custom)
    }
}

impl<'de> Deserialize<'de> for LawText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(AnyScalar(Custom::Law))? {
            Given::Pair(law) => Ok(law),
            given => given.scalar().and_then(law).map_err(|complaint| match complaint {
                Complaint::Says(message) => D::Error::custom(message),
                _ => D::Error::custom(format!("expected {}", Custom::Law.expected())),
            }),
        }
    }
}

macro_rules! scalar {
    ($type:ty, $name:literal, $custom:expr, $read:expr, $schema:tt) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Given::read(deserializer, $custom, $read)
            }
        }

        schema!($type, $name, $schema);
    };
}

macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

scalar!(DurationText, "Duration", Custom::Duration, |scalar| duration(scalar, Custom::Duration).map(DurationText), {
    "description": "A duration: numbers with ms, s, m (minutes), h or d, joined as in 1h30m",
    "type": "string",
    "pattern": r"^\s*([0-9.]+(ms|s|m|h|d))+\s*$",
    "x-shockfront": "duration"
});

schema!(LawText, "Law", {
    "description": "A duration: constant (10m), or a lognormal by median and p95 (10m/60m or a table)",
    "anyOf": [
        { "type": "string", "pattern": r"^\s*([0-9.]+(ms|s|m|h|d))+\s*(/\s*([0-9.]+(ms|s|m|h|d))+\s*)?$" },
        {
            "type": "object",
            "properties": {
                "median": {
                    "type": "string", "pattern": r"^\s*([0-9.]+(ms|s|m|h|d))+\s*$", "x-shockfront": "duration"
                },
                "p95": {
                    "type": "string", "pattern": r"^\s*([0-9.]+(ms|s|m|h|d))+\s*$", "x-shockfront": "duration"
                }
            },
            "required": ["median", "p95"],
            "additionalProperties": false
        }
    ],
    "x-shockfront": "law"
});

scalar!(ProbabilityNumber, "Probability", Custom::Probability, |scalar| share(scalar, Custom::Probability).map(Self), {
    "description": "A number from 0 to 1",
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "x-shockfront": "probability"
});

scalar!(Percent, "Percent", Custom::Percent, |scalar| share(scalar, Custom::Percent).map(Self), {
    "description": "A share: 5% or a number from 0 to 1",
    "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, { "type": "string", "pattern": r"^[+0-9.eE-]+\s*%$" }],
    "x-shockfront": "percent"
});

scalar!(TriState, "TriState", Custom::TriState, tri_state, {
    "description": "yes, no or unknown; true and false mean yes and no",
    "enum": ["yes", "no", "unknown", true, false, "true", "false"],
    "x-shockfront": "tri-state"
});

scalar!(Count, "Count", Custom::Count, |scalar| count(scalar).map(Self), {
    "description": "A whole number, at least 0",
    "type": "integer",
    "minimum": 0,
    "maximum": 4_294_967_295_u32,
    "x-shockfront": "count"
});
