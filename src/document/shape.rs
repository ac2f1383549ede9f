//! A JSON Schema made ready for checking many nodes.
//!
//! It covers what `schemars` emits for structs, maps, lists, enums and options, plus one keyword of our own: `x-shockfront` names
//! a scalar of [`super::scalar`], whose check replaces the editor's approximation beside it. (`format` would clash with the
//! standard: its `duration` is ISO 8601.) References are resolved and nested alternatives flattened once, here. What must hold:
//! everything the decoder needs is checked; a keyword that is not known is ignored, as JSON Schema demands.

use super::scalar::Custom;
use schemars::JsonSchema;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// The rules for one file type.
#[derive(Debug, Clone)]
pub struct Shape {
    pub(super) rules: Vec<Rule>,
    pub(super) root: usize,
}

/// Sets of JSON types.
pub(super) mod types {
    pub(in super::super) const NULL: u8 = 1;
    pub(in super::super) const BOOL: u8 = 2;
    pub(in super::super) const INTEGER: u8 = 4;
    pub(in super::super) const NUMBER: u8 = 8;
    pub(in super::super) const TEXT: u8 = 16;
    pub(in super::super) const LIST: u8 = 32;
    pub(in super::super) const TABLE: u8 = 64;
    pub(in super::super) const ANY: u8 = 127;
}

/// One subschema. References to other rules are positions.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    /// 0 stands for all types.
    pub(super) types: u8,
    pub(super) properties: Vec<(Box<str>, usize)>,
    pub(super) required: Vec<Box<str>>,
    pub(super) additional: Additional,
    pub(super) items: Option<usize>,
    pub(super) prefix: Vec<usize>,
    pub(super) literals: Vec<Json>,
    /// One of them must fit.
    pub(super) alternatives: Vec<usize>,
    /// All of them must fit.
    pub(super) all: Vec<usize>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) min_items: usize,
    pub(super) max_items: Option<usize>,
    pub(super) unique: bool,
    pub(super) min_length: usize,
    pub(super) custom: Option<Custom>,
}

/// What a table may hold besides its known keys.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Additional {
    #[default]
    Allowed,
    Forbidden,
    /// Names chosen in the file, with values of this rule.
    Each(usize),
}

impl Shape {
    /// The rules of a type, from its JSON Schema.
    pub fn of<T: JsonSchema>() -> Self {
        let schema = schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        Self::compile(schema.as_value())
    }

    /// The rules of a JSON Schema.
    pub fn compile(schema: &Json) -> Self {
        let mut compiler = Compiler { schema, rules: Vec::new(), references: HashMap::new() };
        let root = compiler.reference("#");
        for rule in 0..compiler.rules.len() {
            compiler.flatten(rule);
        }
        Self { rules: compiler.rules, root }
    }

    pub(super) fn rule(&self, at: usize) -> &Rule {
        &self.rules[at]
    }

    /// The key and text by which an alternative is told from the others, as in `kind: crash`.
    pub(super) fn tag<'a>(&'a self, rule: &'a Rule) -> Option<(&'a str, &'a str)> {
        rule.properties.iter().find_map(|(name, at)| match self.rules[*at].literals.as_slice() {
            [Json::String(text)] if rule.required.contains(name) => Some((&**name, text.as_str())),
            _ => None,
        })
    }
}

impl Rule {
    /// Nothing but a list of allowed values.
    fn is_literals(&self) -> bool {
        !self.literals.is_empty() && self.custom.is_none() && self.properties.is_empty() && self.all.is_empty()
    }
}

struct Compiler<'a> {
    schema: &'a Json,
    rules: Vec<Rule>,
    references: HashMap<&'a str, usize>,
}

impl<'a> Compiler<'a> {
    /// The rule behind a `$ref`. Its place is taken before it is filled, for types that hold themselves.
    fn reference(&mut self, pointer: &'a str) -> usize {
        if let Some(&known) = self.references.get(pointer) {
            return known;
        }
        let at = self.reserve();
        self.references.insert(pointer, at);
        if let Some(schema) = self.schema.pointer(pointer.trim_start_matches('#')) {
            self.rules[at] = self.rule(schema);
        }
        at
    }

    fn reserve(&mut self) -> usize {
        self.rules.push(Rule::default());
        self.rules.len() - 1
    }

    fn add(&mut self, schema: &'a Json) -> usize {
        let notes = ["description", "title", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$ref"];
        if let Some(pointer) = schema.get("$ref").and_then(Json::as_str)
            && schema.as_object().is_some_and(|object| object.keys().all(|key| notes.contains(&key.as_str())))
        {
            return self.reference(pointer);
        }
        let at = self.reserve();
        self.rules[at] = self.rule(schema);
        at
    }

    fn rule(&mut self, schema: &'a Json) -> Rule {
        let empty = Map::new();
        let object = schema.as_object();
        let get = |key: &str| object.unwrap_or(&empty).get(key).cloned();
        let number = |key: &str| get(key).and_then(|value| value.as_f64());
        let count = |key: &str| get(key).and_then(|value| value.as_u64()).and_then(|value| usize::try_from(value).ok());
        let mut rule = Rule {
            minimum: number("minimum"),
            maximum: number("maximum"),
            above: number("exclusiveMinimum"),
            below: number("exclusiveMaximum"),
            min_items: count("minItems").unwrap_or(0),
            max_items: count("maxItems"),
            unique: get("uniqueItems") == Some(Json::Bool(true)),
            min_length: count("minLength").unwrap_or(0),
            custom: get("x-shockfront").and_then(|name| Custom::named(name.as_str()?)),
            ..Rule::default()
        };
        match get("type") {
            Some(Json::String(name)) => rule.types = type_named(&name),
            Some(Json::Array(names)) => rule.types = names.iter().filter_map(Json::as_str).map(type_named).fold(0, |a, b| a | b),
            _ => {}
        }
        match get("enum") {
            Some(Json::Array(values)) => rule.literals = values,
            _ => rule.literals.extend(get("const")),
        }
        if let Some(maximum) = get("format").as_ref().and_then(Json::as_str).and_then(largest) {
            rule.maximum = Some(rule.maximum.map_or(maximum, |stated| stated.min(maximum)));
        }
        if let Some(object) = object {
            self.children(object, &mut rule);
        }
        rule
    }

    fn children(&mut self, object: &'a Map<String, Json>, rule: &mut Rule) {
        let list = |key: &str| object.get(key).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        if let Some(properties) = object.get("properties").and_then(Json::as_object) {
            rule.properties = properties.iter().map(|(name, schema)| (name.as_str().into(), self.add(schema))).collect();
        }
        rule.required = list("required").iter().filter_map(Json::as_str).map(Into::into).collect();
        rule.additional = match object.get("additionalProperties") {
            None | Some(Json::Bool(true)) => Additional::Allowed,
            Some(Json::Bool(false)) => Additional::Forbidden,
            Some(schema) => Additional::Each(self.add(schema)),
        };
        rule.items = object.get("items").filter(|items| items.is_object()).map(|items| self.add(items));
        rule.prefix = list("prefixItems").iter().map(|schema| self.add(schema)).collect();
        rule.alternatives = list("anyOf").iter().chain(list("oneOf")).map(|schema| self.add(schema)).collect();
        rule.all = list("allOf").iter().map(|schema| self.add(schema)).collect();
        if let Some(pointer) = object.get("$ref").and_then(Json::as_str) {
            rule.all.push(self.reference(pointer));
        }
    }

    /// Draws alternatives of alternatives up, and joins alternatives that are single words to one list of words.
    fn flatten(&mut self, at: usize) {
        if self.rules[at].alternatives.is_empty() {
            return;
        }
        let mut flat = Vec::new();
        let mut words = Vec::new();
        let mut todo: Vec<usize> = self.rules[at].alternatives.iter().rev().copied().collect();
        // A chain of alternatives is at most as long as there are rules; the bound stops types that hold themselves.
        for _ in 0..self.rules.len() * 4 {
            let Some(next) = todo.pop() else { break };
            let rule = &self.rules[next];
            if rule.is_literals() && rule.alternatives.is_empty() {
                words.extend(rule.literals.iter().cloned());
            } else if rule.types == 0 && rule.custom.is_none() && rule.properties.is_empty() && !rule.alternatives.is_empty() {
                todo.extend(rule.alternatives.iter().rev());
            } else {
                flat.push(next);
            }
        }
        if !words.is_empty() {
            let joined = Rule { types: words.iter().map(type_of).fold(0, |a, b| a | b), literals: words, ..Rule::default() };
            if flat.is_empty() && self.rules[at].custom.is_none() {
                self.rules[at].literals = joined.literals;
                self.rules[at].types |= joined.types;
            } else {
                let joined_at = self.reserve();
                self.rules[joined_at] = joined;
                flat.insert(0, joined_at);
            }
        }
        self.rules[at].alternatives = flat;
    }
}

fn type_named(name: &str) -> u8 {
    match name {
        "null" => types::NULL,
        "boolean" => types::BOOL,
        "integer" => types::INTEGER,
        "number" => types::NUMBER | types::INTEGER,
        "string" => types::TEXT,
        "array" => types::LIST,
        "object" => types::TABLE,
        _ => 0,
    }
}

fn type_of(value: &Json) -> u8 {
    match value {
        Json::Null => types::NULL,
        Json::Bool(_) => types::BOOL,
        Json::Number(_) => types::NUMBER | types::INTEGER,
        Json::String(_) => types::TEXT,
        Json::Array(_) => types::LIST,
        Json::Object(_) => types::TABLE,
    }
}

/// The largest number of an integer format; `schemars` states it only for the small ones.
fn largest(format: &str) -> Option<f64> {
    Some(match format {
        "uint8" => f64::from(u8::MAX),
        "uint16" => f64::from(u16::MAX),
        "uint32" => f64::from(u32::MAX),
        "uint64" | "uint" => u64::MAX as f64,
        "int32" => f64::from(i32::MAX),
        "int64" | "int" => i64::MAX as f64,
        _ => return None,
    })
}
