//! Files to typed values, with every error at its place.
//!
//! A file format is defined once, as a plain struct that derives `serde::Deserialize` and `schemars::JsonSchema`. [`read`] parses
//! YAML, TOML or JSON into one [`Node`] tree, checks the tree against the JSON Schema of the struct (so that all errors come at
//! once and editors see the same rules), then decodes it. Meaning, such as whether a name exists, is the caller's: it finds places
//! in the tree by path or in [`Marked`] fields. What must hold: no input panics, and whatever passes the check decodes.

mod check;
mod decode;
mod entries;
mod json;
mod scalar;
mod several;
mod shape;
mod toml;
mod tree;
mod version;
mod yaml;

pub use check::check;
pub use decode::decode;
pub use entries::{Entries, Marked};
pub use scalar::{Count, DurationText, LawText, Percent, ProbabilityNumber, TriState};
pub use several::{alone, documents, is_blank};
pub use shape::Shape;
pub use tree::{Key, Node, Scalar, Value, resolve};
pub use version::{Version, expect_schema};

use crate::diagnostic::{Diagnostic, SourceId, Sources, Span};
use std::path::Path;

/// What is refused before or while it is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Size of a YAML file in bytes.
    pub yaml_bytes: usize,
    /// Size of a TOML file in bytes.
    pub toml_bytes: usize,
    /// Size of a JSON file in bytes.
    pub json_bytes: usize,
    /// Lists and tables inside each other.
    pub depth: usize,
    /// YAML aliases.
    pub aliases: usize,
    /// Values that YAML aliases stand for.
    pub nodes: usize,
    /// Errors that are reported for one file.
    pub errors: usize,
}

/// The limits of all files.
pub const LIMITS: Limits = Limits {
    yaml_bytes: 32 << 20,
    toml_bytes: 32 << 20,
    json_bytes: 512 << 20,
    depth: 64,
    aliases: 10_000,
    nodes: 10_000_000,
    errors: 500,
};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.yaml`, `.yml`.
    Yaml,
    /// `.toml`.
    Toml,
    /// `.json`.
    Json,
}

impl Format {
    /// By the extension of the file name, whatever its case.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }

    /// How many bytes a file may have; callers can refuse before reading.
    pub fn limit(self) -> usize {
        match self {
            Self::Yaml => LIMITS.yaml_bytes,
            Self::Toml => LIMITS.toml_bytes,
            Self::Json => LIMITS.json_bytes,
        }
    }
}

/// A type that defines a file format.
pub trait FileType: serde::de::DeserializeOwned + schemars::JsonSchema {
    /// What the `schema:` line says, such as `shockfront/topology/v1`.
    const SCHEMA: &'static str;
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Read<T> {
    /// The typed value.
    pub value: T,
    /// The tree, to find places in.
    pub node: Node,
    /// What was overlooked because the file is of a later minor version.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a file of a known type. `T` has a field `schema`; its value is checked here.
///
/// # Errors
/// Everything that is wrong with the form of the file.
pub fn read<T: FileType>(sources: &Sources, id: SourceId, format: Format) -> Result<Read<T>, Vec<Diagnostic>> {
    from_node(parse(sources, id, format)?)
}

/// The second half of [`read`], for callers that looked at the tree to find out the type.
///
/// # Errors
/// Everything that is wrong with the form of the file.
pub fn from_node<T: FileType>(node: Node) -> Result<Read<T>, Vec<Diagnostic>> {
    let version = expect_schema(&node, T::SCHEMA).map_err(|error| vec![error])?;
    let (errors, warnings): (Vec<_>, Vec<_>) = check(&node, &Shape::of::<T>(), version)
        .into_iter()
        .partition(|diagnostic| diagnostic.level == crate::diagnostic::Level::Error);
    if !errors.is_empty() {
        return Err(errors.into_iter().chain(warnings).collect());
    }
    let value = decode(&node, version).map_err(|error| vec![error])?;
    Ok(Read { value, node, warnings })
}

/// Text to tree, without regard to what the file means.
///
/// # Errors
/// Size limits and syntax errors.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn parse(sources: &Sources, id: SourceId, format: Format) -> Result<Node, Vec<Diagnostic>> {
    let text = &sources.get(id).expect("the id came from these sources").text;
    if text.len() > format.limit() {
        let message = format!(
            "the file has {} MB; the limit for {} is {} MB",
            text.len().div_ceil(1 << 20),
            format.name(),
            format.limit() >> 20
        );
        let error = Diagnostic::error("too-large", message).at(span(id, 0, 0), "");
        return Err(vec![if format == Format::Json { error } else { error.help("write it as JSON, or split it") }]);
    }
    if let Some(nul) = text.find('\0') {
        return Err(vec![Diagnostic::error("binary", "this is not text: it holds a NUL byte").at(span(id, nul, nul + 1), "")]);
    }
    // A byte order mark is not content, but it counts in the positions of everything behind it.
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let empty = || vec![Diagnostic::error("empty", "the file is empty: expected a `schema:` line").at(span(id, base, base), "")];
    if text[base..].trim().is_empty() {
        return Err(empty());
    }
    let node = match format {
        Format::Yaml => yaml::parse(id, text, base),
        Format::Toml => toml::parse(id, text, base),
        Format::Json => json::parse(id, text, base),
    }?;
    // Only comments, or a lone `---`.
    let comments = matches!(&node.value, Value::Plain(text) if text.is_empty()) || matches!(node.value, Value::Null);
    if format == Format::Yaml && comments && node.is_null() { Err(empty()) } else { Ok(node) }
}

/// Bytes to text.
///
/// # Errors
/// Names the first byte that cannot be text.
pub fn decode_utf8(name: &str, bytes: Vec<u8>) -> Result<String, Diagnostic> {
    if let Some(nul) = bytes.iter().position(|&byte| byte == 0) {
        return Err(Diagnostic::error("binary", format!("{name} is not text: byte {nul} is NUL")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(at).copied().unwrap_or_default();
        Diagnostic::error("not-utf8", format!("{name} is not UTF-8: byte {at} is 0x{byte:02x}"))
            .help("save the file with the encoding UTF-8")
    })
}

/// Sizes are limited far below 4 GB, so offsets fit.
fn span(source: SourceId, start: usize, end: usize) -> Span {
    Span { source, start: start as u32, end: end as u32 }
}

#[cfg(test)]
mod tests;
