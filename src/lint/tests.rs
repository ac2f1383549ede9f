use super::*;
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{
    Belief, Breaker, Dependency, DependencyKind, Failover, Fallback, Journey, Replicas, Requires, Retries, Service, Waiver,
};
use crate::units::{Probability, Ticks};
use jiff::civil::{Date, date};

fn one_replica() -> Service {
    Service { replicas: Some(Replicas::default()), ..Service::default() }
}

fn arc(from: &str, to: &str, kind: DependencyKind) -> DraftDependency {
    let belief = Belief { mean: Probability::ONE, strength: None };
    let facts = Dependency { probability: Some(belief), ..Dependency::default() };
    DraftDependency { from: from.to_owned(), to: to.to_owned(), kind: Some(kind), facts }
}

/// Services with one replica each, and one journey that needs the first.
fn draft(services: &[&str], dependencies: Vec<DraftDependency>) -> Draft {
    Draft {
        observed_at: Some(date(2026, 8, 1)),
        coverage: Some(0.9),
        services: services.iter().map(|name| ((*name).to_owned(), one_replica())).collect(),
        journeys: vec![("buy".to_owned(), Journey { needs: vec![services[0].to_owned()], ..Journey::default() })],
        dependencies,
        ..Draft::default()
    }
}

fn run(draft: Draft, at: Option<Date>) -> Vec<Finding> {
    let system = System::build(draft, &Nowhere).expect("a system");
    lint(&system, &Compact::new(&system), &Nowhere, at)
}

/// `rule target level`, one a line.
#[track_caller]
fn expect(draft: Draft, expected: &[&str]) {
    let mut found: Vec<String> = run(draft, Some(date(2026, 8, 2)))
        .iter()
        .map(|f| {
            format!(
                "{} {} {}{}",
                f.rule,
                f.target.as_deref().unwrap_or("-"),
                f.level,
                if f.waived.is_some() { " waived" } else { "" }
            )
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);
}

use DependencyKind::{Hard, Monitors, Soft, Startup, Unknown};

#[test]
fn a_journey_goes_down_with_what_it_needs_hard() {
    // web -> shop -> db; shop -> ads is soft; the journey names web itself.
    let dependencies = vec![arc("web", "shop", Hard), arc("shop", "db", Hard), arc("shop", "ads", Soft)];
    let mut draft = draft(&["web", "shop", "db", "ads"], dependencies);
    draft.services[2].1.failover = Some(Failover { after: Ticks::ZERO, works: Probability::ONE });
    draft.dependencies[2].facts.fallback = Some(Fallback { coverage: 1.0, tested: Some(true) });
    expect(draft.clone(), &["single-point-of-failure shop warning"]);
    draft.services[1].1.replicas = None;
    draft.services[2].1.failover = None;
    draft.dependencies[1].facts.share = Some(0.1);
    expect(draft, &["single-point-of-failure shop note"]);
}

#[test]
fn a_gate_needs_more_than_one_loss_unless_they_share_a_provider() {
    // pay needs 2 of a, b, c; a and b both rest on bank.
    let pairs = [("pay", "a"), ("pay", "b"), ("pay", "c"), ("a", "bank"), ("b", "bank"), ("c", "post")];
    let dependencies = pairs.map(|(from, to)| arc(from, to, Hard)).to_vec();
    let mut draft = draft(&["pay", "a", "b", "c", "bank", "post"], dependencies);
    let of = ["a", "b", "c"].map(str::to_owned).to_vec();
    draft.services[0].1.requires = Some(Requires { at_least: 2, of: of.clone() });
    expect(draft.clone(), &["single-point-of-failure bank warning"]);
    draft.services[0].1.requires = Some(Requires { at_least: 3, of });
    let all = ["a", "b", "bank", "c", "post"].map(|name| format!("single-point-of-failure {name} warning"));
    expect(draft, &all.each_ref().map(String::as_str));
}

#[test]
fn dependencies_say_what_happens_without_the_provider() {
    let mut all = vec![arc("a", "b", Soft), arc("a", "c", Soft), arc("a", "d", Soft), arc("a", "e", Soft)];
    all[1].facts.fallback = Some(Fallback { coverage: 1.0, tested: None });
    all[2].facts.fallback = Some(Fallback { coverage: 1.0, tested: Some(false) });
    all[2].facts.breaker = Some(Breaker { window: None, open_at: None, open_for: None });
    all[3].facts.fallback = Some(Fallback { coverage: 1.0, tested: Some(true) });
    all[0].facts.breaker = all[2].facts.breaker;
    all[0].facts.probability = None;
    let mut draft = draft(&["a", "b", "c", "d", "e"], all);
    draft.services[0].1.tier = Some(1);
    expect(
        draft,
        &[
            "breaker-without-fallback a -> b note",
            "defaulted-values - note",
            "untested-fallback a -> b note",
            "untested-fallback a -> c warning",
            "untested-fallback a -> d warning",
        ],
    );
}

#[test]
fn retries_that_keep_an_overload_up_are_found() {
    let mut draft = draft(&["web", "server"], vec![arc("web", "server", Soft)]);
    draft.dependencies[0].facts.fallback = Some(Fallback { coverage: 1.0, tested: Some(true) });
    draft.dependencies[0].facts.retries = Some(Retries { attempts: 3, budget: None });
    // V20: with half of the work wasted and three tries, from 0.5714 on.
    draft.services[1].1.load = Some(0.5714);
    expect(draft.clone(), &[]);
    draft.services[1].1.load = Some(0.5715);
    expect(draft.clone(), &["metastable-load server warning"]);
    draft.dependencies[0].facts.retries = Some(Retries { attempts: 3, budget: Some(0.1) });
    expect(draft.clone(), &[]);
    draft.dependencies[0].facts.retries = Some(Retries { attempts: 3, budget: None });
    draft.services[1].1.goodput = Some(1.0);
    expect(draft, &[]);
}

#[test]
fn services_that_no_journey_sees_and_unknown_ways_stand_out() {
    let mut draft = draft(&["web", "x", "batch", "store", "lone"], vec![arc("web", "x", Unknown), arc("batch", "store", Hard)]);
    draft.services[2].1.tier = Some(0);
    expect(
        draft.clone(),
        &[
            "journey-over-unknown buy warning",
            "unowned-tier-0 batch error",
            "unreachable-service batch warning",
            "unreachable-service lone note",
            "unreachable-service store note",
        ],
    );
    let mut watched = draft.clone();
    watched.dependencies.push(arc("web", "lone", Monitors));
    assert!(!run(watched, None).iter().any(|finding| finding.message.contains("`lone`")));
    draft.journeys.clear();
    draft.services[2].1.owner = Some("team".to_owned());
    expect(draft, &["unreachable-service lone note"]);
}

#[test]
fn services_that_wait_for_each_other_are_found_once() {
    let dependencies = vec![arc("a", "b", Startup), arc("b", "c", Startup), arc("c", "a", Startup), arc("c", "d", Startup)];
    let findings = run(draft(&["a", "b", "c", "d"], dependencies), Some(date(2026, 8, 2)));
    let cycles: Vec<_> = findings.iter().filter(|finding| finding.rule == "startup-cycle").collect();
    assert_eq!(cycles.len(), 1);
    assert!(cycles[0].message.starts_with("`a`, `b` and `c` need each other"), "{}", cycles[0].message);
}

#[test]
fn age_and_coverage_are_unknown_until_stated() {
    let base = draft(&["a"], Vec::new());
    let rules = |draft: Draft, at| run(draft, at).iter().map(|f| format!("{} {}", f.rule, f.level)).collect::<Vec<_>>();
    assert!(rules(base.clone(), Some(date(2026, 10, 30))).is_empty());
    assert_eq!(rules(base.clone(), Some(date(2026, 10, 31))), ["stale-observed-at warning"]);
    assert_eq!(rules(base.clone(), Some(date(2026, 7, 31))), ["stale-observed-at warning"]);
    assert_eq!(rules(base.clone(), None), ["stale-observed-at note"]);
    let silent = Draft { observed_at: None, coverage: None, ..base.clone() };
    assert_eq!(rules(silent, Some(date(2026, 8, 2))), ["missing-coverage warning", "stale-observed-at warning"]);
    assert_eq!(rules(Draft { coverage: Some(0.79), ..base }, Some(date(2026, 8, 2))), ["incomplete warning"]);
}

#[test]
fn waivers_mark_end_and_answer_for_themselves() {
    let waiver = |rule: &str, target: Option<&str>, expires| Waiver {
        rule: rule.to_owned(),
        target: target.map(str::to_owned),
        reason: "known".to_owned(),
        expires,
    };
    let mut draft = draft(&["web", "shop", "db"], vec![arc("web", "shop", Hard), arc("shop", "db", Soft)]);
    draft.waivers = vec![
        waiver("single-point-of-failure", Some("shop"), date(2026, 8, 2)),
        waiver("untested-fallback", Some("shop->db"), date(2026, 8, 1)),
        waiver("single-point-of-failure", Some("shap"), date(2027, 1, 1)),
        waiver("single-point-of-failures", None, date(2027, 1, 1)),
    ];
    expect(
        draft.clone(),
        &[
            "expired-waiver shop->db warning",
            "single-point-of-failure shop warning waived",
            "unknown-rule - error",
            "untested-fallback shop -> db note",
            "unused-waiver shap warning",
        ],
    );
    // Without a date the day of observation decides, and it is said that this is not enough.
    let findings = run(draft, None);
    let of = |rule: &str| findings.iter().filter(|finding| finding.rule == rule).count();
    assert_eq!((of("expired-waiver"), of("unchecked-waiver"), of("unused-waiver")), (0, 2, 1));
    let help = findings.iter().find(|finding| finding.rule == "unused-waiver").and_then(|finding| finding.help.as_deref());
    assert_eq!(help, Some("did you mean `shop`?"));
}

#[test]
fn floods_are_cut_and_counted() {
    let names: Vec<String> = (0..SHOWN + 5).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let findings = run(draft(&names, Vec::new()), Some(date(2026, 8, 2)));
    assert_eq!(findings.len(), SHOWN + 1);
    assert_eq!(findings[SHOWN].message, "4 more findings of this rule are not listed");
}

#[test]
fn code_of_operations_lies_in_files_of_their_service() {
    let mut draft = draft(&["web"], Vec::new());
    draft.services[0].1 = Service {
        replicas: Some(Replicas { count: 2, need: 1 }),
        paths: vec!["src/web/**".to_owned()],
        operations: vec!["Get".to_owned(), "v1.Put".to_owned()],
        operation_paths: vec![vec!["src/web/**#Get".to_owned(), "**#Get".to_owned()], vec!["src/shop/**#Put".to_owned()]],
        ..Service::default()
    };
    expect(draft.clone(), &["operation-outside-paths web.v1\\.Put warning"]);
    draft.services[0].1.operation_paths = Vec::new();
    expect(draft, &[]);
}
