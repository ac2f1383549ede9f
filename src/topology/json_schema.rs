//! JSON Schemas of the file formats, for editors.
//!
//! They come from the same types that read the files, so they cannot tell another story. Copies lie in `topologies/`, where the
//! first line of every shipped file names them.

use super::schema::Topology;
use crate::change::file::{ChangeFile, TeamFile};
use crate::document::FileType;
use crate::fault::file::FaultFile;
use crate::policy::file::PolicyFile;
use crate::risk::budgets::BudgetsFile;
use crate::risk::ledger::LedgerFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

/// The names that [`schema_text`] knows.
pub const NAMES: [&str; 7] = ["topology", "change", "fault", "team", "policy", "ledger", "budgets"];

/// The JSON Schema (2020-12) of a file format, indented; `None` for a name that is not in [`NAMES`].
pub fn schema_text(name: &str) -> Option<String> {
    let schema = match name {
        "topology" => schema::<Topology>(),
        "change" => schema::<ChangeFile>(),
        "fault" => schema::<FaultFile>(),
        "team" => schema::<TeamFile>(),
        "policy" => schema::<PolicyFile>(),
        "ledger" => schema::<LedgerFile>(),
        "budgets" => schema::<BudgetsFile>(),
        _ => return None,
    };
    // A tree of maps with text keys always has a text.
    Some(serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n")
}

fn schema<T: FileType>() -> Json {
    named::<T>(T::SCHEMA)
}

/// The schema of a record that names its format in `schema`.
pub(crate) fn named<T: JsonSchema>(name: &str) -> Json {
    let generated = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    let Json::Object(mut generated) = generated else { return generated };
    if let Some(Json::Object(line)) = generated.get_mut("properties").and_then(|properties| properties.get_mut("schema")) {
        line.insert("const".to_owned(), json!(name));
    }
    let mut schema = Map::new();
    schema.extend(generated.remove("$schema").map(|value| ("$schema".to_owned(), value)));
    schema.insert("$id".to_owned(), json!(format!("urn:{}", name.replace('/', ":"))));
    schema.insert("title".to_owned(), json!(name));
    generated.remove("title");
    schema.extend(generated);
    Json::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Sources;
    use crate::document::{Format, Node, Scalar, Value, parse};
    use crate::topology::tests::shipped;

    fn path(name: &str) -> String {
        format!("{}/topologies/{name}.schema.json", env!("CARGO_MANIFEST_DIR"))
    }

    /// `SHOCKFRONT_WRITE=1 cargo test schema_files` writes them anew.
    #[test]
    fn shipped_schema_files_are_current() {
        for name in NAMES {
            let text = schema_text(name).expect("a schema");
            if std::env::var_os("SHOCKFRONT_WRITE").is_some() {
                std::fs::write(path(name), &text).expect("written");
            }
            let shipped = std::fs::read_to_string(path(name)).unwrap_or_default();
            assert!(shipped == text, "{} is out of date: SHOCKFRONT_WRITE=1 cargo test schema_files", path(name));
        }
        assert_eq!(schema_text("novel"), None);
    }

    fn to_json(node: &Node) -> Json {
        match (&node.value, node.scalar()) {
            (Value::Sequence(items), _) => items.iter().map(to_json).collect(),
            (_, None) => {
                node.entries().iter().map(|(key, value)| (key.text.to_string(), to_json(value))).collect::<Map<_, _>>().into()
            }
            (_, Some(Scalar::Null)) => Json::Null,
            (_, Some(Scalar::Bool(value))) => json!(value),
            (_, Some(Scalar::Integer(value))) => json!(value),
            (_, Some(Scalar::Unsigned(value))) => json!(value),
            (_, Some(Scalar::Float(value))) => json!(value),
            (_, Some(Scalar::Text(text))) => json!(text),
        }
    }

    /// Editors judge by the schema alone, with another program than ours.
    #[test]
    fn shipped_files_fit_their_schema() {
        for name in NAMES {
            let schema: Json = serde_json::from_str(&schema_text(name).expect("a schema")).expect("JSON");
            let validator = jsonschema::validator_for(&schema).expect("a valid schema");
            for path in shipped(&format!("shockfront/{name}/v1")) {
                let mut sources = Sources::default();
                let id = sources.add(path.as_str(), std::fs::read_to_string(&path).expect("a file"));
                let value = to_json(&parse(&sources, id, Format::Yaml).expect("YAML"));
                let wrong: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
                assert!(wrong.is_empty(), "{path}: {wrong:#?}");
            }
            assert!(!validator.is_valid(&json!({ "schema": "shockfront/other/v1" })));
        }
    }
}
