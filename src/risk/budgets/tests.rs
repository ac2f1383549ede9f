use super::*;
use crate::fault::{Fault, Scenario};
use crate::model::facts::{Doubt, Journey};
use crate::model::{Compact, System};
use crate::propagation::{Request, simulate};
use crate::risk::assessment::JourneyRisk;
use crate::risk::chance;
use crate::risk::ledger::{Entry, Ledger};
use crate::risk::score::{self, Part};
use crate::risk::testing::{arcs, build};
use crate::statistics::{Estimate, Interval};
use proptest::prelude::{prop_assert, proptest};

const SLOS: &str = "\
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {description: sells}
---
# what matters
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: buy, labels: {team: [a, b]}}
spec:
  service: shop
  indicatorRef: x
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: all, target: 0.99}, {targetPercent: 99.95}]
--- # a third
apiVersion: openslo/v1
kind: SLO
metadata: {name: shop-latency, annotations: {shockfront/journey: browse}}
spec: {service: shop, objectives: [{op: lte, value: 1, target: 0.9}]}
---
apiVersion: v1
kind: ConfigMap
---
schema: shockfront/budgets/v1
budgets:
  buy: {spent: 0.35, at: 2026-08-01}
  browse: {spent: 1.5, at: \"2026-08-01T10:00:00+02:00\"}
";

fn read(text: &str, format: Format) -> Result<(Budgets, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut sources = Sources::default();
    let id = sources.add("slo.yaml", text);
    read_budgets(&mut sources, id, format)
}

fn yaml(text: &str) -> Budgets {
    read(text, Format::Yaml).expect(text).0
}

fn days(days: u64) -> Option<Ticks> {
    Some(Ticks::from_days(days))
}

#[test]
fn objectives_and_spent_shares_are_read_and_the_rest_is_passed_over() {
    let found = yaml(SLOS);
    let objectives: Vec<_> = found.objectives.iter().map(|one| (one.name.as_str(), one.percent, one.window)).collect();
    assert_eq!(objectives, [("buy", 99.95, days(28)), ("shop-latency", 90.0, None)]);
    let named = found.objectives[1].journey.as_ref().map(|journey| journey.value.as_str());
    assert_eq!((found.objectives[0].journey.as_ref(), named), (None, Some("browse")));
    let spent: Vec<_> = found.spent.iter().map(|one| (one.journey.value.as_str(), one.share)).collect();
    assert_eq!(spent, [("buy", 0.35), ("browse", 1.5)]);
    assert!(matches!(found.spent[0].at, Stamp::Day(_)) && matches!(found.spent[1].at, Stamp::Time(_)));
    let json = r#"[{"apiVersion": "openslo.com/v1", "kind": "SLO", "metadata": {"name": "x"}, "spec": {"service": "y", "objectives": [{"target": 0}]}},
        {"apiVersion": "openslo/v1", "kind": "AlertPolicy"}]"#;
    assert_eq!(read(json, Format::Json).expect("JSON").0.objectives[0].percent, 0.0);
    let toml = "schema = 'shockfront/budgets/v1'\n[budgets]\nbuy = {spent = 0.5, at = 2026-08-01}\n";
    assert_eq!(read(toml, Format::Toml).expect("TOML").0.spent[0].share, 0.5);
    // A file of other objects only is one of theirs all the same.
    assert!(yaml("apiVersion: openslo/v1\nkind: DataSource\n").is_empty());
}

#[test]
fn windows_are_read_by_their_length() {
    let of = |duration: &str| {
        let text = format!(
            "apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: a}}\nspec: {{service: b, timeWindow: [{{duration: {duration}}}], objectives: [{{target: 0.9}}]}}\n"
        );
        read(&text, Format::Yaml).map(|(found, _)| found.objectives[0].window)
    };
    for (text, expected) in [("30d", 30), ("48h", 2), ("1440m", 1), ("1M", 30), ("2Q", 180), ("1Y", 365), ("4w", 28)] {
        assert_eq!(of(text), Ok(days(expected)), "{text}");
    }
    for text in ["0d", "30", "d", "1.5d", "30D", "-1d", "1d1h", "99999999999999999999d", "11Y", "ä"] {
        let problems = of(text).expect_err(text);
        assert!(problems[0].message.contains("no time window") && !problems[0].labels.is_empty(), "{text}");
    }
}

fn slo(spec: &str) -> String {
    format!("apiVersion: openslo/v1\nkind: SLO\nmetadata: {{name: buy}}\nspec: {spec}\n")
}

#[test]
fn broken_files_are_errors_with_their_places() {
    let own = |body: &str| format!("schema: shockfront/budgets/v1\nbudgets:\n  {body}\n");
    for (text, code, line) in [
        (String::new(), "no-budgets", 1),
        ("a: 1\n".to_owned(), "no-budgets", 1),
        ("apiversion: openslo/v1\nkind: Service\n".to_owned(), "missing-key", 1),
        ("kind: SLO\nmetadata: {}\n".to_owned(), "missing-key", 1),
        (slo("{}").replace("openslo/v1", "openslo/v2alpha"), "wrong-version", 1),
        (slo("{}").replace("openslo/v1", "n9/v1alpha"), "wrong-version", 1),
        (slo("{}").replace("SLO", "Slo"), "unknown-kind", 2),
        (slo("{objectives: [{target: 0.9}]}"), "missing-key", 4),
        (slo("{service: a}"), "missing-key", 4),
        (slo("{service: a, objectives: []}"), "bad-value", 4),
        (slo("{service: a, objectives: [{}]}"), "missing-key", 4),
        (slo("{service: a, objectives: [{target: 99.9}]}"), "bad-value", 4),
        (slo("{service: a, objectives: [{target: high}]}"), "bad-value", 4),
        (slo("{service: a, objectives: [{targetPercent: 100}]}"), "bad-value", 4),
        (slo("{service: a, objectives: [{target: 0.9, targetPercent: 90}]}"), "bad-value", 4),
        (slo("{service: a, objectives: [{target: .nan}]}"), "bad-value", 4),
        (slo("{service: a, objectives: [{target: 0.9}], timeWindow: []}"), "bad-value", 4),
        (slo("{service: a, objectives: [{target: 0.9}], timeWindow: [{isRolling: true}]}"), "missing-key", 4),
        (slo("{service: a, objectives: [{target: 0.9}], budgetingMethod: Ocurrences}"), "bad-value", 4),
        (slo("{service: [a], objectives: [{target: 0.9}]}"), "bad-value", 4),
        (format!("kind: x\n---\n{}", slo("[]")), "bad-value", 6),
        (format!("kind: x\n---\n{}", slo("{service: a, objectives: [")), "yaml-syntax", 7),
        (own("buy: {spent: -0.1, at: 2026-08-01}"), "bad-value", 3),
        (own("buy: {spent: .inf, at: 2026-08-01}"), "out-of-range", 3),
        (own("buy: {spent: 0.1, at: yesterday}"), "bad-value", 3),
        (own("buy: {spent: 0.1, at: 2026-08-01T10:00:00}"), "bad-value", 3),
        (own("buy: {spent: 0.1}"), "missing-key", 3),
        (own("buy: {spend: 0.1, at: 2026-08-01}"), "unknown-key", 3),
        (own("buy: 0.35"), "wrong-type", 3),
        ("schema: shockfront/budget/v1\nbudgets: {}\n".to_owned(), "wrong-schema", 1),
    ] {
        let mut sources = Sources::default();
        let id = sources.add("slo.yaml", text.as_str());
        let problems = read_budgets(&mut sources, id, Format::Yaml).expect_err(&text);
        let (found, label) = (&problems[0], problems[0].labels.first().expect("a place"));
        let place = sources.line_column(label.span).map(|(line, _)| line);
        assert_eq!((found.code, place), (code, Some(line)), "{text}{problems:?}");
    }
    let (_, warnings) = read(&slo("{service: a, objectives: [{targetPercent: 0.999}]}"), Format::Yaml).expect("a target");
    assert_eq!(warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["suspicious-target"]);
}

/// Source s takes shop with 0.4 and web with 0.5; buy has 100 users a minute at 99.9 %, browse 20 at 99.5 %: 4,320 user-minutes each.
fn two() -> System {
    let mut draft = arcs(&[("s", "shop", 0.4), ("s", "web", 0.5)]);
    for (name, needs, users, slo) in [("buy", "shop", 100.0, 99.9), ("browse", "web", 20.0, 99.5)] {
        let needs = vec![needs.to_owned()];
        let facts = Journey { needs, users_per_minute: Some(users), slo: Some(slo), ..Journey::default() };
        draft.journeys.push((name.to_owned(), facts));
    }
    build(draft)
}

fn at(text: &str) -> Option<Zoned> {
    Some(crate::change::file::parse_time(text).expect("a time"))
}

fn spent(shares: &[(&str, f64)]) -> Budgets {
    let entries = shares.iter().map(|(name, share)| format!("  {name}: {{spent: {share}, at: 2026-08-01}}\n"));
    yaml(&format!("schema: shockfront/budgets/v1\nbudgets:\n{}", entries.collect::<String>()))
}

fn joined(budgets: &Budgets) -> System {
    let mut system = two();
    join(budgets, &mut system, at("2026-08-02T12:00:00Z").as_ref()).expect("joined");
    system
}

/// P(breach | fault) of a crash of s for half an hour.
fn breach(system: &System, exact: bool, trials: u64) -> f64 {
    let compact = Compact::new(system);
    let fault = Fault::parse("crash@s,detect=5m,repair=25m").expect("a fault");
    let scenario = Scenario::new(system, &compact, &[fault], None).expect("a scenario");
    let request = Request { trials, exact, budgets: score::remaining(system), ..Request::default() };
    let impact = simulate(system, &compact, &scenario, &request).expect("simulated");
    let chance = chance::chance(
        &crate::change::facts::Change::default(),
        &chance::Ground::default(),
        &crate::change::team::Team::default(),
    );
    let risk = score::risk(system, &[Part { chance: &chance, impact: &impact }], 0.95);
    risk.breach.expect("a budget").mean / chance.estimate.mean
}

#[test]
fn a_breach_is_a_loss_above_what_remains() {
    // A crash takes 3,000 user-minutes of buy, and 600 of browse.
    for (share, expected) in [(0.0, 0.0), (0.5, 0.4), (1.0, 1.0 - 0.6 * 0.5), (7.0, 0.7)] {
        let system = joined(&spent(&[("buy", share), ("browse", share)]));
        let found = breach(&system, true, 1);
        assert!((found - expected).abs() < 1e-9, "{share}: {found}");
    }
    // The score is over whole budgets: what is spent does not enter it.
    let system = joined(&spent(&[("buy", 1.0)]));
    assert_eq!(score::budgets(&system), score::budgets(&two()));
    assert_eq!(score::remaining(&system), [Some(0.0), score::budgets(&two())[1]]);
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 24, ..Default::default() })]

    /// More spent never means less P(breach).
    #[test]
    fn p_breach_rises_with_what_is_spent(a in 0.0_f64..1.2, b in 0.0_f64..1.2, other in 0.0_f64..1.2) {
        let of = |share: f64| breach(&joined(&spent(&[("buy", share), ("browse", other)])), false, 512);
        let (less, more) = (of(a.min(b)), of(a.max(b)));
        prop_assert!(less <= more, "{less} {more}");
    }
}

fn objective(name: &str, service: &str, percent: f64, window: &str) -> Budgets {
    let text =
        slo(&format!("{{service: {service}, timeWindow: [{{duration: {window}}}], objectives: [{{targetPercent: {percent}}}]}}"));
    yaml(&text.replace("name: buy", &format!("name: {name}")))
}

#[test]
fn the_stricter_objective_counts_and_a_note_says_so() {
    for (percent, window, expected, notes) in [
        (99.9, "30d", (Some(99.9), None), 0),
        (99.99, "30d", (Some(99.99), days(30)), 1),
        (99.5, "30d", (Some(99.9), None), 1),
        (99.9, "7d", (Some(99.9), days(7)), 1),
        // A longer window is a larger budget, whatever the target.
        (99.95, "90d", (Some(99.9), None), 1),
    ] {
        let mut system = two();
        let said = join(&objective("buy", "nothing", percent, window), &mut system, None).expect("joined");
        let facts = &system.journeys()[0].facts;
        assert_eq!(((facts.slo, facts.window), said.len()), (expected, notes), "{percent} {window}: {said:?}");
        assert!(said.iter().all(|note| note.contains("stricter")), "{said:?}");
        assert_eq!(system.journeys()[1], two().journeys()[1]);
    }
    // The ledger of the week counts against the same budget.
    let entry = |title: &str| Entry {
        at: None,
        title: Some(title.to_owned()),
        head: None,
        services: vec!["shop".to_owned()],
        journeys: vec![("buy".to_owned(), 21.6)],
    };
    let ledger = Ledger { entries: vec![entry("a")] };
    let expected_user_minutes = Estimate { mean: 21.6, interval: Interval { low: 21.6, high: 21.6 } };
    let risk = [JourneyRisk {
        name: "buy".to_owned(),
        expected_user_minutes: Some(expected_user_minutes),
        budget_share: None,
        remaining: None,
    }];
    let mut strict = two();
    join(&objective("buy", "nothing", 99.99, "30d"), &mut strict, None).expect("joined");
    let [before, after] = [two(), strict].map(|system| ledger.weekly(&system, &entry("b"), &risk).expect("others").score.mean);
    assert!((before - 40.0).abs() < 1e-6 && (after - before - 20.0).abs() < 1e-6, "{before} {after}");
    // Where the topology says nothing, the file is heard.
    let mut draft = arcs(&[("s", "shop", 0.4)]);
    draft.journeys.push(("buy".to_owned(), Journey { needs: vec!["shop".to_owned()], ..Journey::default() }));
    let mut system = build(draft);
    let said = join(&objective("x", "shop", 99.0, "7d"), &mut system, None).expect("joined");
    assert_eq!((system.journeys()[0].facts.slo, said.len()), (Some(99.0), 1));
    let said = join(&spent(&[("buy", 0.5)]), &mut system, None).expect("joined");
    assert!(system.journeys()[0].spent.is_none() && said[0].contains("without objective and users"), "{said:?}");
}

#[test]
fn objectives_find_their_journeys_or_a_note_says_why_not() {
    let of = |budgets: &Budgets| {
        let mut system = two();
        let notes = join(budgets, &mut system, None)?;
        Ok::<_, Vec<Diagnostic>>((
            system.journeys().iter().map(|journey| journey.facts.slo.unwrap_or(0.0)).collect::<Vec<_>>(),
            notes,
        ))
    };
    // By name, by the one journey that needs the service, by annotation.
    assert_eq!(of(&objective("buy", "web", 99.99, "30d")).expect("by name").0, [99.99, 99.5]);
    assert_eq!(of(&objective("web-availability", "web", 99.99, "30d")).expect("by service").0, [99.9, 99.99]);
    let mut named = objective("web-availability", "web", 99.99, "30d");
    named.objectives[0].journey = Some(Marked { value: "buy".to_owned(), ..Marked::default() });
    assert_eq!(of(&named).expect("by annotation").0, [99.99, 99.5]);
    for (service, why) in [("nobody", "neither a journey"), ("s", "no journey needs `s`")] {
        let (targets, notes) = of(&objective("other", service, 99.99, "30d")).expect(service);
        assert_eq!((targets, notes.len()), (vec![99.9, 99.5], 1));
        assert!(notes[0].contains(why) && notes[0].contains("slo.yaml"), "{notes:?}");
    }
    named.objectives[0].journey = Some(Marked { value: "brose".to_owned(), ..Marked::default() });
    let problems = of(&named).expect_err("no such journey");
    assert_eq!((problems[0].code, problems[0].help.as_deref()), ("unknown-journey", Some("did you mean `browse`?")));
    assert_eq!(of(&spent(&[("brows", 0.1)])).expect_err("no such journey")[0].code, "unknown-journey");
    // Two journeys of one service: which is meant?
    let mut draft = arcs(&[("s", "shop", 0.4)]);
    for name in ["a", "b"] {
        draft.journeys.push((name.to_owned(), Journey { needs: vec!["shop".to_owned()], slo: Some(99.0), ..Journey::default() }));
    }
    let mut system = build(draft);
    let notes = join(&objective("x", "shop", 99.99, "30d"), &mut system, None).expect("joined");
    assert!(notes[0].contains("2 journeys need `shop`"), "{notes:?}");
}

#[test]
fn a_share_of_another_time_counts_as_a_question() {
    for (time, doubt) in [
        (at("2026-08-01T00:00:00Z"), None),
        (at("2026-08-31T00:00:00Z"), None),
        (at("2026-08-31T00:00:01Z"), Some(Doubt::Older)),
        (at("2026-07-31T23:59:59Z"), Some(Doubt::Later)),
        // A day is that of the place of the change.
        (at("2026-08-01T00:30:00+09:00"), None),
        (None, Some(Doubt::Undated)),
    ] {
        let mut system = two();
        let notes = join(&spent(&[("buy", 0.5)]), &mut system, time.as_ref()).expect("joined");
        let found = system.journeys()[0].spent.expect("spent");
        assert_eq!((found.share, found.doubt, notes.len()), (0.5, doubt, usize::from(doubt.is_some())), "{time:?} {notes:?}");
        // It counts all the same: a question never lowers a verdict.
        assert_eq!(score::remaining(&system)[0], score::budgets(&system)[0].map(|budget| 0.5 * budget));
    }
}

#[test]
fn a_share_of_a_larger_budget_is_a_larger_share_of_the_one_that_counts() {
    let mut budgets = objective("buy", "shop", 99.5, "30d");
    budgets.extend(spent(&[("buy", 0.1)]));
    budgets.extend(spent(&[("buy", 0.05)]));
    let mut system = two();
    let notes = join(&budgets, &mut system, at("2026-08-02T00:00:00Z").as_ref()).expect("joined");
    assert!((system.journeys()[0].spent.expect("spent").share - 0.5).abs() < 1e-9, "{notes:?}");
    assert_eq!(notes.len(), 3, "{notes:?}");
}

#[test]
fn what_no_file_says_stays_as_it_was() {
    let mut system = two();
    assert_eq!(join(&Budgets::default(), &mut system, None), Ok(Vec::new()));
    assert_eq!(system.journeys(), two().journeys());
    assert_eq!(score::remaining(&system), score::budgets(&system));
}
