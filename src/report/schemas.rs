//! JSON Schemas of what is written for programs and read again.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of a record that names its format in `schema`, indented, with a newline at the end.
pub(super) fn text<T: JsonSchema>(name: &str) -> String {
    let mut generated = match SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value() {
        Value::Object(generated) => generated,
        _ => Map::new(),
    };
    if let Some(Value::Object(line)) = generated.get_mut("properties").and_then(|properties| properties.get_mut("schema")) {
        line.insert("const".to_owned(), json!(name));
    }
    let mut schema = Map::new();
    schema.extend(generated.remove("$schema").map(|value| ("$schema".to_owned(), value)));
    schema.insert("$id".to_owned(), json!(format!("urn:{}", name.replace('/', ":"))));
    schema.insert("title".to_owned(), json!(name));
    generated.remove("title");
    schema.extend(generated);
    super::record::pretty(&schema)
}
