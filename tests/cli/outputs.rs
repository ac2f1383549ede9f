//! One run of `assess`, several files.

use super::assess::repository;
use super::{boutique, json, run};
use std::fs;
use std::path::Path;

/// Formats and files of every kind.
const ALL: [&str; 7] = [
    "--report=json=a.json",
    "--report=markdown=a.md",
    "--report=html=a.html",
    "--report=sarif=a.sarif",
    "--report=junit=a.xml",
    "--report=code-quality=quality.json",
    "--report=annotations=a.txt",
];

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn one_run_is_written_in_every_format() {
    let place = repository();
    let directory = place.path();
    super::write(directory, "docs/notes.md", "a page\n");
    super::assess::git(directory, &["add", "."]);
    super::assess::git(directory, &["commit", "-q", "-m", "A page"]);
    let (topology, team) = (boutique("topology.yaml"), boutique("team.yaml"));
    let plain = ["assess", &topology, "--base", "main", "--team", &team, "--trials", "1024", "--comment-key", "shop -->"];
    let (code, text, err) = run(directory, &[&plain[..], &ALL].concat());
    assert_eq!(code, 1, "{err}");
    assert_eq!(text, run(directory, &plain).1, "more files change nothing of the first");
    assert_eq!(
        read(directory, "a.json"),
        run(directory, &[&plain[..], &["--format", "json"]].concat()).1,
        "the same bytes as alone"
    );
    assert!(read(directory, "a.md").starts_with("<!-- shockfront:report:shop_-__ -->\n"), "the key ends no comment");
    assert!(read(directory, "a.html").contains("--format html"), "each report says how it is got again");
    let sarif = json(&read(directory, "a.sarif"));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let uri = |result: &serde_json::Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap_or_default().to_owned()
    };
    let of = |rule: &'static str| results.iter().filter(move |result| result["ruleId"] == rule);
    assert!(of("verdict").all(|result| uri(result) == "docs/notes.md"), "{sarif}");
    assert!(of("unmapped-file").all(|result| uri(result) == "docs/notes.md"));
    assert!(of("worst-hit").count() > 0 && of("worst-hit").all(|result| uri(result).ends_with("topology.yaml")));
    assert!(of("worst-hit").all(|one| one["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64() > Some(1)));
    let quality = json(&read(directory, "quality.json"));
    assert_eq!(quality.as_array().map(Vec::len), Some(results.len()));
    assert!(read(directory, "a.xml").contains("<testcase classname=\"shockfront.rule\" name=\"ai-assisted-by-junior-or-mid\""));
    let annotations = read(directory, "a.txt");
    assert!(annotations.lines().count() <= 10 && annotations.lines().all(|line| line.starts_with("::")), "{annotations}");
    let leftovers = fs::read_dir(directory)
        .expect("listed")
        .filter(|entry| entry.as_ref().expect("an entry").file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn nothing_is_written_where_one_file_cannot_be() {
    let place = repository();
    let topology = boutique("topology.yaml");
    let plain = ["assess", &topology, "--base", "main", "--trials", "256", "--report", "json=a.json"];
    let (code, out, err) = run(place.path(), &[&plain[..], &["--report", "html=no/such/place.html"]].concat());
    assert_eq!((code, out.as_str()), (3, ""), "{err}");
    assert!(!place.path().join("a.json").exists(), "all or none");
    let (code, _, err) = run(place.path(), &[&plain[..], &["-o", "a.json"]].concat());
    assert!(code == 2 && err.contains("a.json"), "{err}");
    let (code, _, err) = run(place.path(), &[&plain[..], &["--report", "pdf=a.pdf"]].concat());
    assert!(code == 2 && err.contains("code-quality"), "{err}");
    assert!(!place.path().join("a.json").exists());
}

#[test]
fn findings_of_check_have_the_same_formats() {
    let place = super::place();
    let (code, out, err) = run(place.path(), &["check", "shop.yaml", "--format", "code-quality"]);
    assert_eq!(code, 0, "{err}");
    let issues = json(&out);
    assert!(issues.as_array().is_some_and(|issues| issues.iter().all(|issue| issue["location"]["path"] == "shop.yaml")));
    let (code, out, err) = run(place.path(), &["check", "shop.yaml", "--format", "annotations"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.lines().count() > 0 && out.lines().all(|line| line.contains("file=shop.yaml,line=") || line.starts_with("::notice "))
    );
}
