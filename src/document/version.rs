//! The `schema:` line.
//!
//! It is judged before anything else, because every other message depends on it. A later minor version of the same major may hold
//! keys that this version does not know; they are then warnings.

use super::check::found;
use super::tree::{Node, Value};
use crate::diagnostic::{Diagnostic, nearest};

/// How the version of a file stands to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The same.
    Exact,
    /// A later minor version: unknown keys are left out with a warning.
    Later,
}

/// Compares the `schema:` line with what is expected, such as `shockfront/topology/v1`.
///
/// # Errors
/// When it is missing or says something else.
pub fn expect_schema(node: &Node, expected: &str) -> Result<Version, Diagnostic> {
    if !matches!(node.value, Value::Table(_)) {
        let message = format!("expected a table of keys with `schema: {expected}`, found {}", found(node));
        return Err(Diagnostic::error("wrong-type", message).at(node.span, ""));
    }
    let Some((_, value)) = node.entry("schema") else {
        let near = nearest("schema", node.entries().iter().map(|(key, _)| &*key.text));
        let error =
            Diagnostic::error("missing-schema", format!("missing key `schema`: expected `{expected}`")).at(node.anchor(), "");
        return Err(match near {
            Some(near) => error.help(format!("`{near}` should be `schema`")),
            None => error.help("begin the file with it"),
        });
    };
    let text = value.text().unwrap_or_default();
    if text == expected {
        return Ok(Version::Exact);
    }
    let error = Diagnostic::error("wrong-schema", format!("expected `{expected}`, found {}", found(value))).at(value.span, "");
    let minor = text.strip_prefix(expected).and_then(|rest| rest.strip_prefix('.')).and_then(|minor| minor.parse::<u32>().ok());
    match minor {
        Some(0) => Ok(Version::Exact),
        Some(_) => Ok(Version::Later),
        None => {
            let kind = |text: &str| text.rsplit_once('/').map(|(kind, _)| kind.to_owned());
            let same_kind = kind(text).is_some() && kind(text) == kind(expected);
            Err(if same_kind {
                error.help("this version of shockfront reads only that major version")
            } else {
                error.suggest(text, [expected])
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{SourceId, Sources};
    use crate::document::{Format, parse};

    fn judge(text: &str) -> Result<Version, Diagnostic> {
        let mut sources = Sources::default();
        let id: SourceId = sources.add("a.yaml", text);
        expect_schema(&parse(&sources, id, Format::Yaml).expect("yaml"), "shockfront/topology/v1")
    }

    #[test]
    fn the_version_decides() {
        assert_eq!(judge("schema: shockfront/topology/v1"), Ok(Version::Exact));
        assert_eq!(judge("schema: shockfront/topology/v1.0"), Ok(Version::Exact));
        assert_eq!(judge("schema: shockfront/topology/v1.12"), Ok(Version::Later));
        for (text, code) in [
            ("schema: shockfront/topology/v2", "wrong-schema"),
            ("schema: shockfront/topology/v1.x", "wrong-schema"),
            ("schema: shockfront/topology/v12", "wrong-schema"),
            ("schema: shockfront/team/v1", "wrong-schema"),
            ("schema: 1", "wrong-schema"),
            ("schema:", "wrong-schema"),
            ("name: x", "missing-schema"),
            ("- x", "wrong-type"),
            ("x", "wrong-type"),
        ] {
            let error = judge(text).expect_err(text);
            assert_eq!(error.code, code, "{text}");
            assert!(error.message.contains("shockfront/topology/v1"), "{}", error.message);
        }
        assert_eq!(judge("shema: shockfront/topology/v1").expect_err("near").help.as_deref(), Some("`shema` should be `schema`"));
    }
}
