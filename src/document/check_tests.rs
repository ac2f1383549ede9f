//! Tests of the messages.

use super::*;
use crate::diagnostic::Sources;
use crate::document::{
    Count, DurationText, Entries, FileType, Format, LawText, Marked, Percent, ProbabilityNumber, Read, TriState, parse, read,
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
pub(in crate::document) struct Shop {
    schema: String,
    name: Option<String>,
    #[serde(default)]
    pub(in crate::document) services: Entries<Service>,
    #[serde(default)]
    pub(in crate::document) dependencies: Vec<Marked<Dependency>>,
    seed: Option<u64>,
}

impl FileType for Shop {
    const SCHEMA: &'static str = "shockfront/shop/v1";
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
pub(in crate::document) struct Service {
    pub(in crate::document) owner: Option<Marked<String>>,
    tier: Option<u8>,
    kind: Option<Kind>,
    detect: Option<LawText>,
    cold_start: Option<DurationText>,
    load: Option<f64>,
    #[schemars(range(min = 0.0, max = 1.0))]
    goodput: Option<f64>,
    pub(in crate::document) tested: Option<TriState>,
    share: Option<Percent>,
    replicas: Option<Replicas>,
    #[serde(default)]
    groups: Vec<String>,
    rule: Option<Rule>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Replicas {
    count: Count,
    need: Option<Count>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Runs code.
    Service,
    /// Keeps data.
    Datastore,
    ControlPlane,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "when", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
enum Rule {
    Always { limit: u32 },
    Never { reason: String },
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
pub(in crate::document) struct Dependency {
    pub(in crate::document) from: String,
    pub(in crate::document) to: String,
    probability: Option<Chance>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
enum Chance {
    Known(ProbabilityNumber),
    Belief(Belief),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Belief {
    mean: ProbabilityNumber,
    strength: f64,
}

fn load(text: &str, format: Format) -> Result<Read<Shop>, Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let id = sources.add("shop", text);
    read(&sources, id, format)
}

/// `line:column code: message (help)` of every message for a file that begins with the schema line.
fn messages(yaml: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add("shop.yaml", format!("schema: shockfront/shop/v1\n{yaml}"));
    let found = match read::<Shop>(&sources, id, Format::Yaml) {
        Ok(read) => read.warnings,
        Err(errors) => errors,
    };
    let line = |d: &Diagnostic| {
        let (line, column) = sources.line_column(d.labels[0].span).unwrap_or_default();
        let help = d.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{line}:{column} {}: {}{help}", d.code, d.message)
    };
    found.iter().map(line).collect()
}

#[test]
fn all_errors_come_at_once_with_names() {
    let yaml = "\
services:
  checkout:
    onwer: team
    colour: red
    kind: datastor
    detect: 10
    cold_start: 5 minutes
    goodput: 1.3
    load: much
    tested: maybe
    share: 5
    tier: 300
    replicas: {need: -1}
    groups: zone-a
dependencies:
  - from: checkout
    probability: 1.3
  - {from: a, to: b, probability: {mean: 2, strenth: 3}}
nmae: x
";
    let keys = "known keys: owner, tier, kind, detect, cold_start, load, goodput, tested, share, replicas, groups, rule";
    assert_eq!(
        messages(yaml),
        [
            "4:5 unknown-key: unknown key `onwer` in service `checkout` (did you mean `owner`?)".to_owned(),
            format!("5:5 unknown-key: unknown key `colour` in service `checkout` ({keys})"),
            "6:11 unknown-value: expected one of `control_plane`, `service`, `datastore`, found `datastor` (did you mean `datastore`?)"
                .to_owned(),
            "7:13 bad-value: `10` has no unit: write ms, s, m (minutes), h or d after the number".to_owned(),
            "8:17 bad-value: `5 minutes` has no unit: write ms, s, m (minutes), h or d after the number".to_owned(),
            "9:14 out-of-range: expected a number from 0 to 1, found `1.3`".to_owned(),
            "10:11 wrong-type: expected a number, found `much`".to_owned(),
            "11:13 bad-value: expected yes, no or unknown, found `maybe`".to_owned(),
            "12:12 bad-value: expected a share such as `5%` or 0.05, found `5` (a bare number is a share from 0 to 1: write `5%` or 0.05)"
                .to_owned(),
            "13:11 out-of-range: expected a whole number from 0 to 255, found `300`".to_owned(),
            "14:16 missing-key: missing key `count` in `replicas` of service `checkout`".to_owned(),
            "14:22 bad-value: expected a whole number, at least 0, found `-1`".to_owned(),
            "15:13 wrong-type: expected a list, found `zone-a`".to_owned(),
            "17:5 missing-key: missing key `to` in entry 1 of `dependencies`".to_owned(),
            "18:18 bad-value: expected a number from 0 to 1, found `1.3` (write 0.05 for 5 %)".to_owned(),
            "19:36 missing-key: missing key `strength` in `probability` of entry 2 of `dependencies`".to_owned(),
            "19:42 bad-value: expected a number from 0 to 1, found `2` (write 0.05 for 5 %)".to_owned(),
            "19:45 unknown-key: unknown key `strenth` in `probability` of entry 2 of `dependencies` (did you mean `strength`?)".to_owned(),
            "20:1 unknown-key: unknown key `nmae` at the top level (did you mean `name`?)".to_owned(),
        ]
    );
}

#[test]
fn laws_are_judged_in_all_forms() {
    let law = |value: &str| messages(&format!("services: {{a: {{detect: {value}}}}}")).join("; ");
    for good in ["10m", "10m/60m", "'10m / 1h'", "{median: 10m, p95: 60m}", "{median: 10m, p95: 10m}", "0m", "null"] {
        assert_eq!(law(good), "", "{good}");
    }
    assert!(law("60m/10m").contains("p95 (10m) is below the median (1h)"), "{}", law("60m/10m"));
    assert!(law("0m/10m").contains("median is 0"));
    assert!(law("{median: 60m, p95: 10m}").contains("p95 (10m) is below the median (1h)"));
    assert!(law("{median: 60m}").contains("missing key `p95` in `detect` of service `a`"));
    assert!(law("{median: 60m, p99: 10m, p95: 2h}").contains("did you mean `p95`?"));
    assert!(law("{median: 60, p95: 10}").contains("`60` has no unit"));
    assert!(law("[1m]").contains("expected a duration such as `10m`, or"), "{}", law("[1m]"));
    assert!(law("10m/").contains("found nothing"));
}

#[test]
fn tagged_forms_speak_of_the_form_that_was_meant() {
    let rule = |value: &str| messages(&format!("services: {{a: {{rule: {value}}}}}")).join("; ");
    assert_eq!(rule("{when: always, limit: 3}"), "");
    assert!(rule("{when: alway, limit: 3}").contains("did you mean `always`?"));
    assert!(rule("{limit: 3}").contains("missing key `when`"));
    assert!(rule("{when: never, limt: 3}").contains("missing key `reason`"));
    assert!(rule("{when: always, limit: x}").contains("expected a whole number"));
    assert!(rule("5").contains("expected a table of keys, found `5`"), "{}", rule("5"));
}

#[test]
fn yes_no_unknown_work_in_every_format() {
    let tested = |text: &str, format| load(text, format).expect(text).value.services.0[0].1.tested;
    for (word, value) in [
        ("yes", TriState::Yes),
        ("true", TriState::Yes),
        ("no", TriState::No),
        ("false", TriState::No),
        ("unknown", TriState::Unknown),
    ] {
        let yaml = |word: &str| format!("schema: shockfront/shop/v1\nservices: {{a: {{tested: {word}}}}}");
        let toml = |word: &str| format!("schema = 'shockfront/shop/v1'\nservices.a.tested = {word}");
        let json =
            |word: &str| format!("{{\"schema\": \"shockfront/shop/v1\", \"services\": {{\"a\": {{\"tested\": {word}}}}}}}");
        let quoted = format!("\"{word}\"");
        assert_eq!(tested(&yaml(word), Format::Yaml), Some(value));
        assert_eq!(tested(&yaml(&quoted), Format::Yaml), Some(value));
        assert_eq!(tested(&toml(&quoted), Format::Toml), Some(value));
        assert_eq!(tested(&json(&quoted), Format::Json), Some(value));
        if matches!(word, "true" | "false") {
            assert_eq!(tested(&toml(word), Format::Toml), Some(value));
            assert_eq!(tested(&json(word), Format::Json), Some(value));
        }
    }
}

#[test]
fn a_later_minor_version_makes_unknown_keys_warnings() {
    let text = "schema: shockfront/shop/v1.1\nfuture: 1\nservices: {a: {owner: no, novel: [1]}}\n";
    let read = load(text, Format::Yaml).expect("later");
    assert_eq!(read.warnings.len(), 2);
    assert!(read.warnings.iter().all(|warning| warning.level == Level::Warning && warning.code == "unknown-key"));
    let owner = read.value.services.0[0].1.owner.as_ref().expect("owner");
    assert_eq!(owner.value, "no");
    assert_eq!(&text[owner.span.start as usize..owner.span.end as usize], "no");
    let errors = load("schema: shockfront/shop/v1.1\nfuture: 1\nservices: 5\n", Format::Yaml).expect_err("wrong");
    assert_eq!(errors.len(), 2);
}

#[test]
fn there_is_an_end_to_the_errors() {
    let yaml: String = (0..2_000).map(|n| format!("k{n}: 1\n")).collect();
    let all = messages(&yaml);
    assert_eq!(all.len(), LIMITS.errors + 1);
    assert!(all.last().is_some_and(|last| last.contains("1500 more errors are not shown")));
}

#[test]
fn editors_accept_what_we_accept() {
    let schema = schemars::schema_for!(Shop);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a valid schema");
    let shape = Shape::of::<Shop>();
    for (value, ok) in [
        (r#"{"detect": "10m/60m", "tested": true, "share": "5%", "cold_start": "1h30m"}"#, true),
        (r#"{"detect": {"median": "1m", "p95": "2m"}, "tested": "true", "share": 0.5, "kind": "service"}"#, true),
        (r#"{"replicas": {"count": 3}, "tier": 2.0, "rule": {"when": "always", "limit": 3}, "detect": null}"#, true),
        (r#"{"detect": 10}"#, false),
        (r#"{"share": 5}"#, false),
        (r#"{"tested": "maybe"}"#, false),
        (r#"{"tier": 2.5}"#, false),
        (r#"{"replicas": {"count": -3}}"#, false),
    ] {
        let text = format!("{{\"schema\": \"shockfront/shop/v1\", \"services\": {{\"a\": {value}}}}}");
        let json: Json = serde_json::from_str(&text).expect("json");
        assert_eq!(validator.is_valid(&json), ok, "editor: {text}");
        let mut sources = Sources::default();
        let id = sources.add("shop.json", text.as_str());
        let node = parse(&sources, id, Format::Json).expect("json");
        assert_eq!(check(&node, &shape, Version::Exact).is_empty(), ok, "{text}");
        assert_eq!(load(&text, Format::Json).is_ok(), ok, "{text}");
    }
}
