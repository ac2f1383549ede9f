//! Policy files: what they change, what is wrong with them, and that nothing they leave unknown opens a gate.

use super::assess::git;
use super::{boutique, json, place, run, write};
use serde_json::Value;
use std::path::Path;

const CHANGE: &str = "\
schema: shockfront/change/v1
title: Faster queries
services: [shop]
kind: code
ai: {assisted: no, executes: no}
author: {name: kim, level: senior}
lines: 80
tests: {coverage: 0.9}
simulated: yes
destructive: no
rollout: {strategy: big_bang}
rollback: {tested: yes}
at: 2026-08-14T15:00:00+02:00
";

const TEAM: &str = "\
schema: shockfront/team/v1
people:
  - {name: kim, emails: [kim@example.com], level: senior, teams: [team-shop]}
  - {name: lee, emails: [lee@example.com], level: senior, teams: [team-shop, team-web]}
  - {name: noor, emails: [noor@example.com], level: mid, teams: [team-web]}
";

/// The assessment of a change by a policy, as exit code and JSON.
fn assess(directory: &Path, policy: &str, change: &str) -> (i32, Value) {
    write(directory, "policy.yaml", &format!("schema: shockfront/policy/v1\n{policy}"));
    write(directory, "change.yaml", change);
    write(directory, "team.yaml", TEAM);
    let arguments =
        ["assess", "shop.yaml", "--change", "change.yaml", "--team", "team.yaml", "--policy", "policy.yaml", "--trials", "1024"];
    let (code, out, err) = run(directory, &[&arguments[..], &["--format", "json"]].concat());
    assert!(code == 0 || code == 1, "{policy}: {err}");
    (code, json(&out))
}

fn rules(result: &Value) -> Vec<String> {
    let floors = result["floors"].as_array().cloned().unwrap_or_default();
    floors.iter().filter_map(|floor| floor["rule"].as_str().map(str::to_owned)).collect()
}

fn reviewed(by: &str) -> String {
    CHANGE.replace("lines: 80", &format!("lines: 80\nreviewers: [{by}]"))
}

#[test]
fn bands_begin_and_ask_as_a_file_says() {
    let place = place();
    let (_, shipped) = assess(place.path(), "name: as shipped", CHANGE);
    let score = shipped["verdict"]["score"].as_f64().expect("a score");
    assert!((1.0..99.0).contains(&score), "{score}");
    for (limits, band) in [
        ([score + 0.3, score + 0.4, score + 0.5], "green"),
        ([score - 0.5, score + 0.4, score + 0.5], "yellow"),
        ([score - 0.6, score - 0.5, score + 0.5], "orange"),
        ([score - 0.7, score - 0.6, score - 0.5], "red"),
    ] {
        let [yellow, orange, red] = limits;
        let policy = format!("bands: {{yellow: {{from: {yellow}}}, orange: {{from: {orange}}}, red: {{from: {red}}}}}");
        let (_, result) = assess(place.path(), &policy, CHANGE);
        assert_eq!(result["verdict"]["score_band"], band, "{limits:?}");
    }
}

/// The same change passes or waits, by what the file asks of its band.
#[test]
fn what_is_asked_for_is_what_is_missing() {
    let place = place();
    let everywhere = |asks: &str| {
        format!(
            "bands: {{green: {asks}, yellow: {{asks: {asks}}}, orange: {{asks: {asks}}}, red: {{asks: {asks}}}}}\n\
            breach: {{orange: 98%, red: 99%}}"
        )
    };
    let lee = reviewed("{name: lee, level: senior}");
    for (asks, change, code, missing) in [
        ("{}", CHANGE, 0, &[][..]),
        ("{seniors: 1}", CHANGE, 1, &["senior engineer"]),
        ("{seniors: 1}", &lee, 0, &[]),
        ("{seniors: 2}", &lee, 1, &["1 of 2 senior engineers"]),
        ("{owners: yes}", CHANGE, 1, &["somebody of team-shop"]),
        ("{owners: yes}", &lee, 0, &[]),
        ("{gradual: yes}", CHANGE, 1, &["roll out by canary"]),
        ("{simulated: yes}", CHANGE, 0, &[]),
        ("{simulated: yes}", &CHANGE.replace("simulated: yes", "simulated: no"), 1, &["load test or a simulation"]),
        ("{blocked: yes}", &lee, 1, &["two people have to take it up"]),
    ] {
        let (found, result) = assess(place.path(), &everywhere(asks), change);
        let said: Vec<&str> = result["missing"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        assert_eq!(found, code, "{asks}: {said:?}");
        assert!(missing.iter().all(|part| said.iter().any(|line| line.contains(part))), "{asks}: {said:?}");
        assert_eq!(result["verdict"]["gate"] == "blocked", asks.contains("blocked"));
    }
}

#[test]
fn conditions_judge_the_change_and_unknown_counts_as_yes() {
    let place = place();
    for (when, fires) in [
        ("change.lines > 50", true),
        ("change.lines > 100", false),
        ("change.weekday == 5 && change.hour >= 14", true),
        ("change.hour > 15", false),
        ("\"shop\" in change.services && change.kind == \"code\"", true),
        ("change.owners.exists(owner, owner.startsWith(\"team-w\"))", false),
        ("change.tiers.exists(tier, tier <= 1)", true),
        ("risk.score > 0 && risk.reach >= 1", true),
        ("risk.breach > 0.999", false),
        ("risk.band == \"green\" && risk.score > 80.0", false),
        ("topology.coverage < 0.95 && topology.services == 4", true),
        ("change.rollout != \"canary\"", true),
        // Nobody says who the author's manager is, and a text is no yes or no.
        ("change.title", true),
        // The files are not known to be many: without a diff there are none.
        ("change.files.size() > 0", false),
    ] {
        let policy = format!("rules: [{{name: own, when: '{when}', raises_to: red}}]");
        let (_, result) = assess(place.path(), &policy, CHANGE);
        assert_eq!(rules(&result).contains(&"own".to_owned()), fires, "{when}");
        assert!(!fires || result["verdict"]["band"] == "red", "{when}");
    }
    let policy = "rules: [{name: own, when: 'change.lines > 400', asks: {gradual: yes}, because: too large to see}]";
    let (_, result) = assess(place.path(), policy, &CHANGE.replace("lines: 80\n", ""));
    let floors = result["floors"].to_string();
    assert!(floors.contains("too large to see") && floors.contains("counts as yes"), "{floors}");
    assert!(result["missing"].to_string().contains("roll out by canary"));
}

#[test]
fn a_freeze_holds_at_its_time_and_where_the_time_is_unknown() {
    let place = place();
    for (freeze, holds) in [
        ("{from: 2026-08-14, to: 2026-08-15}", true),
        ("{from: 2026-08-15, to: 2026-08-16}", false),
        ("{from: 2026-08-15, to: 2026-08-16, timezone: Pacific/Kiritimati}", true),
        ("{cron: \"0 14 * * fri\", lasts: 2h, timezone: Europe/Berlin}", true),
        ("{cron: \"0 16 * * fri\", lasts: 62h, timezone: Europe/Berlin}", false),
    ] {
        let policy = format!("freezes: [{freeze}]");
        let (_, result) = assess(place.path(), &policy, CHANGE);
        assert_eq!(rules(&result).contains(&"frozen".to_owned()), holds, "{freeze}");
        assert_eq!(result["verdict"]["gate"] == "blocked", holds, "{freeze}");
        let undated = CHANGE.lines().filter(|line| !line.starts_with("at:")).collect::<Vec<_>>().join("\n");
        let (_, result) = assess(place.path(), &policy, &undated);
        assert!(rules(&result).contains(&"frozen".to_owned()), "{freeze}");
    }
}

#[test]
fn overrides_are_kept_and_shown_and_count_only_where_all_is_known() {
    let place = place();
    let rule = "rules: [{name: own, when: 'true', raises_to: red}]\n";
    let aside = |change: &str, approver: &str, expires: &str| {
        let text = "overrides: [{rule: own, change: CHANGE, approver: WHO, reason: agreed with lee, expires: END}]";
        rule.to_owned() + &text.replace("CHANGE", change).replace("WHO", approver).replace("END", expires)
    };
    let undated = CHANGE.lines().filter(|line| !line.starts_with("at:")).collect::<Vec<_>>().join("\n");
    for (policy, change, why) in [
        (aside("Faster queries", "lee", "2026-08-15"), CHANGE, None),
        (aside("Slower queries", "lee", "2026-08-15"), CHANGE, Some("another change")),
        (aside("Faster queries", "lee", "2026-08-14"), CHANGE, Some("it ended on 2026-08-14")),
        (aside("Faster queries", "kim", "2026-08-15"), CHANGE, Some("kim wrote the change")),
        (aside("Faster queries", "noor", "2026-08-15"), CHANGE, Some("noor is no senior engineer")),
        (aside("Faster queries", "nobody", "2026-08-15"), CHANGE, Some("nobody is no senior engineer")),
        (aside("Faster queries", "lee", "2026-08-15"), undated.as_str(), Some("not known")),
    ] {
        let (_, result) = assess(place.path(), &policy, change);
        let own = result["floors"].as_array().expect("a list").iter().find(|floor| floor["rule"] == "own").expect("it fired");
        assert_eq!(result["verdict"]["band"] == "red", why.is_some(), "{policy}");
        match why {
            None => assert!(own["overridden"].as_str().is_some_and(|said| said.contains("agreed with lee")), "{own}"),
            Some(why) => {
                assert!(own["overridden"].is_null(), "{own}");
                assert!(result["notes"].to_string().contains(why), "{why}: {}", result["notes"]);
            }
        }
    }
}

/// What touches money asks for a simulation, and a team can say otherwise.
#[test]
fn effects_ask_for_a_simulation() {
    let place = place();
    let topology = super::SHOP.replace("shop: {owner", "shop: {effects: [financial], owner");
    write(place.path(), "shop.yaml", &topology);
    for (policy, simulated, fires) in [
        ("name: x", "no", true),
        ("name: x", "unknown", true),
        ("name: x", "yes", false),
        ("simulation_for: [safety]", "no", false),
        ("simulation_for: []", "unknown", false),
    ] {
        let change = CHANGE.replace("simulated: yes", &format!("simulated: {simulated}"));
        let (code, result) = assess(place.path(), policy, &change);
        assert_eq!(rules(&result).contains(&"simulation-missing".to_owned()), fires, "{policy} {simulated}");
        assert!(!fires || code == 1 && result["missing"].to_string().contains("simulated: yes"), "{policy} {simulated}");
    }
}

#[test]
fn an_approval_lapses_with_its_commit_and_with_its_forecast() {
    let place = place();
    let path = place.path();
    write(path, "team.yaml", TEAM);
    git(path, &["init", "-q", "-b", "main"]);
    write(path, "shop/main.rs", "one\n");
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    write(path, "shop/main.rs", "two\n");
    git(path, &["commit", "-q", "-a", "-m", "Faster queries"]);
    let ask = |reviewer: &str, topology: &str| {
        let change = format!("schema: shockfront/change/v1\nkind: code\nreviewers: [{reviewer}]\n");
        write(path, "change.yaml", &change);
        let arguments = ["assess", topology, "--base", "main", "--change", "change.yaml", "--team", "team.yaml"];
        let (_, out, err) = run(path, &[&arguments[..], &["--trials", "512", "--format", "json"]].concat());
        assert!(!out.is_empty(), "{err}");
        json(&out)
    };
    let signed = |result: &Value| {
        let entries = result["sign_off"].as_array().expect("a list");
        entries.iter().any(|entry| entry["role"] == "senior engineer" && entry["given_by"] == "lee")
    };
    let bare = ask("{name: lee, level: senior}", "shop.yaml");
    assert!(!signed(&bare) && bare["notes"].to_string().contains("names no commit"), "{}", bare["notes"]);
    let (head, forecast) =
        (bare["heads"][0].as_str().expect("a head").to_owned(), bare["forecast"].as_str().expect("a name").to_owned());
    let bound = format!("{{name: lee, level: senior, head: {head}, forecast: {forecast}}}");
    let result = ask(&bound, "shop.yaml");
    assert!(signed(&result), "{}", result["notes"]);
    assert_eq!(result["forecast"], forecast.as_str(), "a review does not change what it is about");
    // Another topology is another forecast.
    write(path, "other.yaml", &super::SHOP.replace("repair: 25m", "repair: 26m"));
    let other = ask(&bound, "other.yaml");
    assert!(!signed(&other) && other["notes"].to_string().contains("it is for forecast"), "{}", other["notes"]);
    // Another commit is another head.
    write(path, "shop/main.rs", "three\n");
    git(path, &["commit", "-q", "-a", "-m", "More"]);
    let later = ask(&bound, "shop.yaml");
    assert!(!signed(&later) && later["notes"].to_string().contains("it is for commit"), "{}", later["notes"]);
    // A line in a commit speaks for that commit only.
    git(path, &["commit", "-q", "--allow-empty", "-m", "Reviewed\n\nReviewed-by: lee <lee@example.com>"]);
    assert!(signed(&ask("", "shop.yaml")));
    git(path, &["commit", "-q", "--allow-empty", "-m", "After the review"]);
    assert!(!signed(&ask("", "shop.yaml")));
}

#[test]
fn who_edits_the_policy_is_not_judged_by_it_alone() {
    let place = place();
    let path = place.path();
    git(path, &["init", "-q", "-b", "main"]);
    write(path, "gate/policy.yaml", "schema: shockfront/policy/v1\n");
    write(path, "shop/main.rs", "one\n");
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    write(path, "shop/main.rs", "two\n");
    write(path, "gate/policy.yaml", "schema: shockfront/policy/v1\nbands: {red: {asks: {}}}\n");
    git(path, &["commit", "-q", "-a", "-m", "Both"]);
    let arguments =
        ["assess", "shop.yaml", "--base", "main", "--policy", "./gate/policy.yaml", "--trials", "512", "--format", "json"];
    let (code, out, err) = run(path, &arguments);
    assert_eq!(code, 1, "{err}");
    assert!(rules(&json(&out)).contains(&"policy-edited".to_owned()), "{out}");
}

/// One risky change cut into pieces, each recorded: the pieces add up.
#[test]
fn a_week_of_small_changes_is_one_large_one() {
    let place = place();
    write(place.path(), "policy.yaml", "schema: shockfront/policy/v1\n");
    let ask = |title: &str, at: &str, more: &[&str]| {
        let change = CHANGE.replace("Faster queries", title).replace("2026-08-14T15:00:00+02:00", at);
        write(place.path(), "change.yaml", &change);
        let base =
            ["assess", "shop.yaml", "--change", "change.yaml", "--trials", "1024", "--format", "json", "--ledger", "ledger.json"];
        let (code, out, err) = run(place.path(), &[&base[..], more].concat());
        assert!(code < 2, "{err}");
        json(&out)
    };
    let alone = ask("part 0", "2026-08-10T10:00:00Z", &["--record"]);
    let score = alone["verdict"]["score"].as_f64().expect("a score");
    for part in 1..20 {
        let result = ask(&format!("part {part}"), "2026-08-11T10:00:00Z", &["--record"]);
        assert_eq!(result["verdict"]["score"], alone["verdict"]["score"], "the score is that of the change alone");
    }
    let fires = |result: &Value| rules(result).contains(&"weekly-ledger".to_owned());
    let last = ask("part 20", "2026-08-12T10:00:00Z", &[]);
    assert!(fires(&last), "{score}: {last}");
    assert!(last["floors"].to_string().contains("with 20 changes of the same services"), "{}", last["floors"]);
    // A change that was recorded before counts once, and a week later nothing is left.
    assert!(ask("part 19", "2026-08-12T10:00:00Z", &[])["floors"].to_string().contains("with 19 changes"));
    assert!(!fires(&ask("part 20", "2026-08-19T10:00:00Z", &[])));
    write(place.path(), "ledger.json", "{\"schema\": \"shockfront/ledger/v1\", \"entries\": [{\"services\": [\"shop\"]}]}");
    let arguments = ["assess", "shop.yaml", "--change", "change.yaml", "--ledger", "ledger.json"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("ledger.json:1:") && err.contains("expected_user_minutes"), "{err}");
}

#[test]
fn whether_reviews_keep_up_is_said() {
    let place = place();
    for (seniors, said) in [
        ("12", "5.0 Erlang for 4.5 reviewers at work: the queue grows without end"),
        ("16", "6.0 reviewers at work: they wait 12 min"),
    ] {
        let policy = format!("capacity: {{changes_per_day: 120, review: 20m, seniors: {seniors}}}");
        let (_, result) = assess(place.path(), &policy, CHANGE);
        let notes = result["notes"].to_string();
        assert!(notes.contains(said) && notes.contains("signing only the riskiest 25 % they wait"), "{notes}");
    }
}

#[test]
fn the_shipped_policy_reads_and_names_its_signers() {
    let place = place();
    let (topology, change, team, policy) =
        (boutique("topology.yaml"), boutique("change.yaml"), boutique("team.yaml"), boutique("policy.yaml"));
    let arguments = ["assess", &topology, "--change", &change, "--team", &team, "--policy", &policy, "--trials", "1024"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!(code, 1, "{err}");
    assert!(
        // Lee and noor would be two as well; jo also speaks for the frontend, which breaks with it.
        out.contains(
            "The fewest people who can sign\n  - noor: senior review, team-checkout, team-payments\n  - jo: senior review, team-storefront"
        ),
        "{out}"
    );
    assert!(out.contains("late-in-the-week, set aside by sam until 2026-11-22"), "{out}");
}

#[test]
fn broken_policies_are_refused_with_their_place() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    let deep = format!("rules:\n  - {{name: a, when: '{}true{}', raises_to: red}}", "(".repeat(250), ")".repeat(250));
    for (text, line, said) in [
        ("bands: {yellow: {from: 50}, orange: {from: 40}}", 2, "the bands do not rise"),
        ("bands: {blue: {from: 50}}", 2, "blue"),
        ("bands: {red: {from: 140}}", 2, "above 0 and up to 100"),
        ("breach: {orange: 5%, red: 1%}", 2, "the limits do not rise"),
        ("topology: {stale_after: 90}", 2, "90"),
        ("topology: {stale_after: 5h}", 2, "whole days"),
        ("width: {yellow: {share: 5%}}", 2, "at_least"),
        ("ai: {authors: [intern]}", 2, "intern"),
        ("simulation_for: [money]", 2, "money"),
        ("rules:\n  - {name: a, when: 'change.lines >', raises_to: red}", 3, "this is no condition"),
        ("rules:\n  - {name: a, when: 'chnage.lines > 1', raises_to: red}", 3, "nothing that a condition can ask for"),
        ("rules:\n  - {name: a, when: 'change.line > 1', raises_to: red}", 3, "change.lines"),
        (&deep, 3, "this is no condition"),
        ("rules:\n  - {name: a, when: 'true'}", 3, "does nothing"),
        ("rules:\n  - {name: frozen, when: 'true', raises_to: red}", 3, "ships"),
        ("rules:\n  - {name: a, when: 'true', raises_to: red}\n  - {name: a, when: 'true', raises_to: red}", 4, "two rules"),
        ("capacity: {changes_per_day: 120, working_hours: 0}", 2, "between 0 and 24"),
        ("freezes:\n  - {from: 2026-12-24}", 3, "either `from` and `to`"),
        ("freezes:\n  - {from: 2026-12-24, to: 2026-12-20}", 3, "ends before it begins"),
        ("freezes:\n  - {from: 2026-12-24, to: soon}", 3, "soon"),
        ("freezes:\n  - {cron: '0 25 * * *', lasts: 2h}", 3, "hour"),
        ("freezes:\n  - {cron: '0 16 * * *', lasts: 2h, timezone: Europe/Atlantis}", 3, "Atlantis"),
        (
            "overrides:\n  - {rule: topology-stail, approver: lee, reason: x, expires: 2026-12-01}",
            3,
            "did you mean `topology-stale`",
        ),
        ("overrides:\n  - {rule: topology-stale, approver: lee, reason: '', expires: 2026-12-01}", 3, "reason"),
        ("overrides:\n  - {rule: topology-stale, approver: lee, expires: 2026-12-01}", 3, "reason"),
    ] {
        write(place.path(), "policy.yaml", &format!("schema: shockfront/policy/v1\n{text}\n"));
        let (code, out, err) =
            run(place.path(), &["assess", "shop.yaml", "--change", "change.yaml", "--policy", "policy.yaml", "-o", "result.txt"]);
        assert_eq!((code, out.as_str()), (2, ""), "{text}: {err}");
        assert!(err.contains(&format!("policy.yaml:{line}:")) && err.contains(said), "{text}: {err}");
        assert!(!place.path().join("result.txt").exists(), "{text}");
    }
}
