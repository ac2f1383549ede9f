//! Tests of change and team files.

use super::*;
use crate::topology::tests::{shipped, told};
use crate::units::DurationLaw;
use proptest::proptest;
use std::path::Path;

fn change(text: &str) -> Result<Change, Vec<String>> {
    let mut sources = Sources::default();
    let id = sources.add("c.yaml", format!("schema: shockfront/change/v1\n{text}"));
    read_change(&sources, id, Format::Yaml).map(|read| read.change).map_err(|problems| told(&sources, &problems))
}

fn shipped_files(schema: &str) -> Vec<(Sources, SourceId, Format)> {
    let paths = shipped(schema);
    assert!(!paths.is_empty());
    let open = |path: &String| {
        let mut sources = Sources::default();
        let id = sources.add(path.as_str(), std::fs::read_to_string(path).expect("a file"));
        (sources, id, Format::from_path(Path::new(path)).expect("a format"))
    };
    paths.iter().map(open).collect()
}

#[test]
fn all_shipped_change_files_load() {
    for (sources, id, format) in shipped_files("shockfront/change/v1") {
        let read = read_change(&sources, id, format).unwrap_or_else(|problems| panic!("{:#?}", told(&sources, &problems)));
        assert!(read.warnings.is_empty() && !read.change.services.is_empty() && read.change.at.is_some());
    }
}

#[test]
fn all_shipped_team_files_load() {
    for (sources, id, format) in shipped_files("shockfront/team/v1") {
        let (team, warnings) =
            read_team(&sources, id, format).unwrap_or_else(|problems| panic!("{:#?}", told(&sources, &problems)));
        assert!(warnings.is_empty() && team.people.len() > 3);
    }
}

#[test]
fn what_is_stated_is_read_and_the_rest_is_unknown() {
    let read = change(concat!(
        "ai: {assisted: yes, executes: no}\nauthor: {name: kim, level: junior}\ntests: {coverage: 60%}\n",
        "rollout: {strategy: canary, share: 5%, bake: 15m, rollback: 5m/15m}\nat: 2026-03-05T14:00:00-05:00\n",
    ))
    .expect("a change");
    assert_eq!(read.ai_assisted, Assisted { answer: TriState::Yes, basis: Basis::File });
    assert_eq!((read.author.level, read.test_coverage, read.rollback_tested), (Level::Junior, Some(0.6), TriState::Unknown));
    let rollout = read.rollout.expect("a roll-out");
    assert_eq!((rollout.strategy, rollout.share), (Strategy::Canary, Some(0.05)));
    assert_eq!(rollout.rollback, Some(DurationLaw::lognormal_minutes(5, 15)));
    assert_eq!(change(""), Ok(Change::default()));
}

#[test]
fn times_keep_their_offset_or_zone() {
    for (text, hour, printed) in [
        ("2026-03-05T14:00:00-05:00", 19, "2026-03-05T14:00:00-05:00[-05:00]"),
        ("2025-12-15T10:00:00Z", 10, "2025-12-15T10:00:00+00:00[UTC]"),
        ("2026-07-05T14:00:00[America/New_York]", 18, "2026-07-05T14:00:00-04:00[America/New_York]"),
        ("2026-07-05 14:00:00+02:00", 12, "2026-07-05T14:00:00+02:00[+02:00]"),
    ] {
        let time = parse_time(text).expect(text);
        assert_eq!(time.with_time_zone(TimeZone::UTC).hour(), hour, "{text}");
        assert_eq!(time.to_string(), printed);
    }
    for text in
        ["", "2026-03-05", "2026-03-05T14:00:00", "2026-07-05T14:00:00-05:00[America/New_York]", "2026-07-05T14:00[Nowhere]", "x"]
    {
        assert!(parse_time(text).is_err(), "{text}");
    }
}

#[test]
fn wrong_files_are_told_with_their_places() {
    for (text, expected) in [
        ("at: 2026-03-05T14:00:00", "c.yaml:2:5: bad-value"),
        ("kind: cod", "c.yaml:2:7: unknown-value"),
        ("author: {levle: junior}", "c.yaml:2:10: unknown-key"),
        ("tests: {coverage: 60}", "c.yaml:2:19: bad-value"),
        ("lines: -1", "c.yaml:2:8: out-of-range"),
        ("simulated: maybe", "c.yaml:2:12: bad-value"),
        ("rollout: {share: 5%}", "c.yaml:2:11: missing-key"),
    ] {
        let told = change(text).expect_err(text);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{text}: {told:?}");
    }
}

#[test]
fn shared_addresses_are_warnings() {
    let mut sources = Sources::default();
    let text = "schema: shockfront/team/v1\npeople: [{name: a, emails: [x@y.z]}, {name: b, emails: [X@y.z], level: senior}]\n";
    let id = sources.add("t.yaml", text);
    let (team, warnings) = read_team(&sources, id, Format::Yaml).expect("a team");
    assert_eq!((team.people.len(), warnings.len(), warnings[0].labels.len()), (2, 1, 2));
    assert_eq!(team.people[0].level, Level::Unknown);
}

proptest! {
    #[test]
    fn no_text_panics(tail in "(at|ai|author|kind|people|rollout|[ \n:\\-{}\\[\\],a-z0-9\"'%./TZ+]|\\PC){0,50}", time in "[-0-9TZ:+.\\[\\]a-zA-Z/]{0,40}") {
        drop(change(&tail));
        drop(change(&format!("at: {time}")));
        let mut sources = Sources::default();
        let id = sources.add("t.yaml", format!("schema: shockfront/team/v1\n{tail}"));
        drop(read_team(&sources, id, Format::Yaml));
    }
}
