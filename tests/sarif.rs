//! What `check` and `assess` write as SARIF is valid SARIF 2.1.0, by the schema itself.
//!
//! `scripts/test` fetches the schema and names it in `SHOCKFRONT_SARIF_SCHEMA`; a plain `cargo test` without it skips this test.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn findings_are_valid_sarif() {
    let Some(path) = env::var_os("SHOCKFRONT_SARIF_SCHEMA") else { return };
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&path).display()));
    let mut schema: Value = serde_json::from_str(&text).expect("a schema in JSON");
    // The published pattern of language codes has a stray bracket and is no regular expression; we write no `language`.
    for place in ["/definitions/run/properties/language", "/definitions/toolComponent/properties/language"] {
        if let Some(language) = schema.pointer_mut(place).and_then(Value::as_object_mut) {
            language.remove("pattern");
        }
    }
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut n_results = [0, 0];
    let mut folders: Vec<_> =
        fs::read_dir(package.join("topologies")).expect("topologies").map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    for topology in folders.iter().map(|folder| folder.join("topology.yaml")).filter(|path| path.exists()) {
        let change = topology.with_file_name("change.yaml");
        let mut commands = vec![vec!["check".as_ref(), topology.as_os_str()]];
        if change.exists() {
            let assess = ["assess".as_ref(), topology.as_os_str(), "--change".as_ref(), change.as_os_str()];
            commands.push([&assess[..], &["--trials".as_ref(), "128".as_ref(), "--advisory".as_ref()]].concat());
        }
        for (at, arguments) in commands.iter().enumerate() {
            n_results[at] += valid_results(&validator, arguments);
        }
    }
    assert!(n_results.iter().all(|results| *results > 0), "no topology has a finding: the test is blind");
}

/// Runs a command that writes SARIF, and counts its results.
fn valid_results(validator: &jsonschema::Validator, arguments: &[&OsStr]) -> usize {
    let run = Command::new(env!("CARGO_BIN_EXE_shockfront"))
        .args(arguments)
        .args(["--format", "sarif"])
        .output()
        .expect("shockfront runs");
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    let log: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&log).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{arguments:?}:\n{}", errors.join("\n"));
    let results = log["runs"][0]["results"].as_array().expect("results");
    for result in results {
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(uri.is_string(), "without a place: {result}");
    }
    results.len()
}
