//! What the gate would have said to the incident scenarios: the part of each README that the tool writes.
//!
//! `SHOCKFRONT_WRITE=1 cargo test --test scenario_reviews` writes it anew; otherwise the test compares. So no figure of these pages
//! was typed, and none can grow old.

use assert_cmd::Command;
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

const BEGIN: &str = "<!-- what the gate says: written by tests/scenario_reviews.rs -->";
const END: &str = "<!-- end -->";
/// Most mitigations of a table.
const MOST: usize = 6;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("topologies").join(name)
}

fn assessed(name: &str, change: &str) -> Value {
    let path = |file: &str| folder(name).join(file).display().to_string();
    let arguments = ["assess".to_owned(), path("topology.yaml"), "--change".to_owned(), path(change)];
    let output =
        Command::cargo_bin("shockfront").expect("built").args(arguments).args(["--format", "json"]).output().expect("runs");
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn words(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// `52.1 (50.8 … 53.3)`.
fn with_interval(mean: &Value, interval: &Value) -> String {
    format!("{:.1} ({:.1} … {:.1})", number(mean), number(&interval[0]), number(&interval[1]))
}

/// The part of a README between its marks.
fn review(name: &str, change: &str) -> String {
    let result = assessed(name, change);
    let (verdict, chance, reach) = (&result["verdict"], &result["fault_probability"], &result["impact"]["reach"]);
    let mut out = format!("{BEGIN}\n");
    let line = |out: &mut String, text: String| writeln!(out, "{text}").expect("memory");
    line(&mut out, format!("\n`shockfront assess topologies/{name}/topology.yaml --change topologies/{name}/{change}`\n"));
    line(&mut out, "| | |\n|---|---|".to_owned());
    let gate = words(&verdict["gate"]).replace('_', " ");
    line(&mut out, format!("| verdict | **{}**, {gate} |", words(&verdict["band"])));
    line(&mut out, format!("| score | {} |", with_interval(&verdict["score"], &verdict["interval"])));
    let percent = |value: &Value| 100.0 * number(value);
    let (low, high) = (percent(&chance["interval"][0]), percent(&chance["interval"][1]));
    line(&mut out, format!("| P(fault) | {:.0} % ({low:.0} … {high:.0} %) |", percent(&chance["mean"])));
    line(&mut out, format!("| services if it fails | {} in the median, {} at the 99th percentile |", reach["p50"], reach["p99"]));
    let breach = percent(&result["breach_probability"]);
    line(&mut out, format!("| P(a journey exceeds its budget) | {breach:.1} % |"));
    let rules: Vec<String> = list(&result["floors"]).iter().map(|floor| format!("`{}`", words(&floor["rule"]))).collect();
    line(&mut out, format!("| rules that fired | {} |", rules.join(", ")));
    let required = list(&result["sign_off"]).iter().filter(|sign| sign["required"] == true);
    let required: Vec<String> = required.map(|sign| format!("{} ({})", words(&sign["who"]), words(&sign["role"]))).collect();
    line(&mut out, format!("| has to sign | {} |", required.join(", ")));
    line(&mut out, "\nSafeguards, simulated on the same random numbers:\n".to_owned());
    line(&mut out, "| safeguard | score with it | difference | band |\n|---|---|---|---|".to_owned());
    let search = &result["mitigation_search"];
    let (shown, rest) = list(&result["mitigations"]).split_at(list(&result["mitigations"]).len().min(MOST));
    // What is named the cheapest stands in the table, even where others lower the score more.
    let cheapest = rest.iter().find(|one| one["with"] == search["cheapest"]["with"]);
    for one in shown.iter().chain(cheapest) {
        let difference = with_interval(&one["difference"], &one["interval"]);
        line(
            &mut out,
            format!("| {} | {:.1} | {difference} | {} |", words(&one["edit"]), number(&one["score"]), words(&one["band"])),
        );
    }
    match search["cheapest"]["edit"].as_str() {
        Some(edit) => line(&mut out, format!("\nThe cheapest that lowers the band: {edit}.")),
        None => line(&mut out, "\nNone of those tried lowers the band.".to_owned()),
    }
    let idle: Vec<&str> = list(&search["without_effect"]).iter().map(|one| words(&one["edit"])).collect();
    if !idle.is_empty() {
        line(&mut out, format!("No gain that could be told: {}.", idle.join("; ")));
    }
    out + END
}

#[test]
fn the_reviews_in_the_scenarios_are_what_the_tool_says() {
    for (name, change) in [
        ("six-hour-checkout", "change.yaml"),
        ("delete-and-recreate", "change.yaml"),
        ("stale-wiki-advice", "change.yaml"),
        ("bad-recommendations", "change.yaml"),
        ("poisoned-loop", "change.yaml"),
        ("false-all-clear", "change.yaml"),
        ("four-in-a-week", "change.yaml"),
    ] {
        let path = folder(name).join("README.md");
        let text = std::fs::read_to_string(&path).expect("a README");
        let (begin, end) = (text.find(BEGIN), text.find(END));
        let (Some(begin), Some(end)) = (begin, end) else { panic!("{name}: README.md has no marks {BEGIN} and {END}") };
        let fresh = format!("{}{}{}", &text[..begin], review(name, change), &text[end + END.len()..]);
        if std::env::var_os("SHOCKFRONT_WRITE").is_some() {
            std::fs::write(&path, &fresh).expect("written");
        } else {
            assert!(fresh == text, "{name}: SHOCKFRONT_WRITE=1 cargo test --test scenario_reviews\n{fresh}");
        }
    }
}
