//! The operations of a service in a file: a list of names, or a table from names to where their code lies.

use crate::document::Entries;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Names of operations in file order, with the globs of their code.
#[derive(Debug, Default)]
pub struct Operations(Vec<(String, Vec<String>)>);

/// What is stated about an operation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Operation {
    /// Globs of its code, inside the paths of the service: `FILES`, or `FILES#SYMBOL` where the part behind `#` is a glob of
    /// functions, methods and types.
    #[serde(default)]
    paths: Vec<String>,
}

impl Operations {
    /// The names, and their globs in the same order; no globs at all where no operation has any.
    pub fn into_parts(self) -> (Vec<String>, Vec<Vec<String>>) {
        let (names, paths): (Vec<String>, Vec<Vec<String>>) = self.0.into_iter().unzip();
        let has_none = paths.iter().all(Vec::is_empty);
        (names, if has_none { Vec::new() } else { paths })
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Operations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names, or a table of names")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Operations::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let names = Vec::<String>::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(Operations(names.into_iter().map(|name| (name, Vec::new())).collect()))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                let entries = Entries::<Operation>::deserialize(MapAccessDeserializer::new(table))?;
                Ok(Operations(entries.0.into_iter().map(|(name, operation)| (name.value, operation.paths)).collect()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Operations {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Operations".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [generator.subschema_for::<Vec<String>>(), generator.subschema_for::<Entries<Operation>>()] })
    }
}
