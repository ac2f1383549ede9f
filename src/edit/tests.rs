//! The grammar of edits, and what they do to systems, faults and changes.

use super::*;
use crate::change::facts::{Change, Level, Reviewer, Strategy, TriState};
use crate::fault::{Fault, FaultKind};
use crate::model::System;
use crate::model::crossing::Crossing;
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{
    Belief, Dependency, DependencyKind, Fallback, Group, GroupKind, OnInvalid, Replicas, Requires, Retries, Service,
};
use crate::units::{DependencyId, ServiceId};
use proptest::prelude::*;

fn dependency(from: &str, to: &str, kind: DependencyKind, facts: Dependency) -> DraftDependency {
    DraftDependency { from: from.to_owned(), to: to.to_owned(), kind: Some(kind), facts }
}

fn stated(p: f64) -> Dependency {
    Dependency { probability: Some(Belief { mean: Probability::clipped(p), strength: Some(8.0) }), ..Dependency::default() }
}

/// web needs shop; shop needs db, ads softly, mail behind a queue; agents may write and delete db.
fn shop() -> System {
    let mut draft = Draft::default();
    for name in ["web", "shop", "db", "ads", "mail", "agent"] {
        draft.services.push((name.to_owned(), Service::default()));
    }
    draft.services[2].1.groups = vec!["zone-a".to_owned()];
    draft.services[2].1.replicas = Some(Replicas { count: 2, need: 2 });
    draft.services[1].1.requires = Some(Requires { at_least: 2, of: vec!["db".to_owned(), "ads".to_owned()] });
    let zone = || Group {
        kind: GroupKind::Zone,
        kind_name: "zone".to_owned(),
        hit: None,
        waves: Vec::new(),
        beta: None,
        paths: Vec::new(),
    };
    draft.groups = vec![("zone-a".to_owned(), zone()), ("zone-b".to_owned(), zone())];
    let mut writes = dependency("db", "agent", DependencyKind::Authority, Dependency::default());
    writes.facts.verbs = vec!["write".to_owned(), "delete".to_owned()];
    draft.dependencies = vec![
        dependency("web", "shop", DependencyKind::Hard, stated(0.8)),
        dependency("shop", "db", DependencyKind::Hard, Dependency::default()),
        dependency("shop", "ads", DependencyKind::Soft, stated(0.7)),
        dependency("shop", "mail", DependencyKind::Async, Dependency::default()),
        writes,
    ];
    System::build(draft, &Nowhere).expect("valid")
}

fn edit(text: &str) -> Edit {
    Edit::parse(text).unwrap_or_else(|(message, _)| panic!("{text}: {message}"))
}

fn edited(text: &str) -> System {
    let mut system = shop();
    assert_eq!(on_system(&edit(text), &mut system), Ok(true), "{text}");
    system
}

fn service(system: &System, name: &str) -> ServiceId {
    system.find_service(name).expect(name)
}

#[test]
fn a_fallback_multiplies_what_is_stated_by_the_ratio_of_the_defaults() {
    let p = |text: &str, id: u32| edited(text).stated_probability(DependencyId(id));
    // Hard between whole services is 0.67, soft with a tested fallback 0.05, without 0.35.
    for (text, id, expected) in [
        ("fallback:web->shop,coverage=1,tested", 0, 0.8 * 0.05 / 0.67),
        ("fallback:web->shop,tested=no", 0, 0.8 * 0.35 / 0.67),
        ("fallback:shop->ads,tested", 2, 0.7 * 0.05 / 0.35),
    ] {
        assert!((p(text, id).expect("stated") - expected).abs() < 1e-15, "{text}");
    }
    let system = edited("fallback:web->shop,coverage=0.9");
    assert_eq!(system.kind(DependencyId(0)), DependencyKind::Soft);
    assert_eq!(system.drawn_as(DependencyId(0)), DependencyKind::Hard, "its random numbers stay");
    let facts = system.dependency(DependencyId(0));
    assert_eq!(facts.fallback, Some(Fallback { coverage: 0.9, tested: Some(true) }));
    assert_eq!(facts.probability.and_then(|belief| belief.strength), Some(8.0));
    // What nobody stated takes the default of what it has become.
    let system = edited("fallback:shop->db");
    assert_eq!(system.stated_probability(DependencyId(1)), None);
    assert!((crate::model::crossing::Crossing::of(&system, DependencyId(1)).p_errors - 0.05).abs() < 1e-15);
    // A fallback that is tested already changes nothing.
    let mut twice = edited("fallback:shop->ads");
    let once = twice.stated_probability(DependencyId(2));
    on_system(&edit("fallback:shop->ads"), &mut twice).expect("fits");
    assert_eq!(twice.stated_probability(DependencyId(2)), once);
}

#[test]
fn mechanisms_join_what_is_there() {
    let facts = |text: &str| edited(text).dependency(DependencyId(1)).clone();
    assert_eq!(facts("retry-budget:shop->db=10%").retries, Some(Retries { attempts: 1, budget: Some(0.1) }));
    assert_eq!(facts("retries:shop->db=3").retries, Some(Retries { attempts: 3, budget: None }));
    assert_eq!(facts("timeout:shop->db=500ms").timeout, Some(Ticks(500_000)));
    assert_eq!(facts("breaker:shop->db,open_at=40%").breaker.and_then(|breaker| breaker.open_at), Some(0.4));
    assert_eq!(edited("validator:shop->mail").dependency(DependencyId(3)).validated, Some(Some(true)));
    let closed = edited("validator:shop->mail,on_invalid=reject");
    assert_eq!(closed.dependency(DependencyId(3)).on_invalid, Some(OnInvalid::Reject));
    assert_eq!(edited("validator:shop->mail").dependency(DependencyId(3)).on_invalid, None);
    // Where no data cross there is nothing to validate.
    let refused = on_system(&edit("validator:shop->db"), &mut shop()).expect_err("no data");
    assert!(refused.problem.message.contains("`validated` means nothing"), "{refused:?}");
    assert!(facts("buffer:shop->db=30m/2h").buffer.is_some() && facts("serve-stale:shop->db=4h").cache.is_some());
    assert_eq!(facts("probability:shop->db=0.2").probability.map(|belief| belief.mean.value()), Some(0.2));
}

#[test]
fn services_change_too() {
    let db = |text: &str| {
        let system = edited(text);
        let id = service(&system, "db");
        system.service(id).clone()
    };
    assert_eq!(db("replica:db=+1").replicas, Some(Replicas { count: 3, need: 2 }));
    assert_eq!(db("replica:db=5").replicas, Some(Replicas { count: 5, need: 2 }));
    assert_eq!(db("rollback:db").rollback, Some(crate::fault::catalogue::ROLLBACK));
    assert_eq!(db("detect:db=5m").detect, Some(DurationLaw::Constant(Ticks(5 * Ticks::PER_MINUTE))));
    let system = edited("zones:db=zone-a,zone-b");
    let id = service(&system, "db");
    assert!(system.groups().all(|(.., members)| members == [id]));
    let system = edited("zones:db=zone-b");
    assert!(system.find_group("zone-a").is_some_and(|(.., members)| members.is_empty()));
    let system = edited("monitor:db");
    let last = DependencyId(system.dependency_count() as u32 - 1);
    assert_eq!((system.kind(last), system.consumer(last).service), (DependencyKind::Monitors, service(&system, "db")));
}

#[test]
fn what_is_removed_leaves_its_gate() {
    let system = edited("remove:shop->ads");
    assert_eq!(system.dependency_count(), 4);
    let requires = system.service(service(&system, "shop")).requires.clone().expect("a gate");
    assert_eq!((requires.at_least, requires.of), (1, vec!["db".to_owned()]));
    let system = edited("deny-delete:db");
    assert!(system.dependency_ids().all(|id| system.kind(id) != DependencyKind::Authority));
    assert_eq!(on_system(&edit("deny-delete:web"), &mut shop()), Ok(false));
}

#[test]
fn an_edge_list_takes_probabilities() {
    let mut system = System::build(
        Draft {
            services: vec![("a".to_owned(), Service::default()), ("b".to_owned(), Service::default())],
            dependencies: vec![dependency("b", "a", DependencyKind::Hard, stated(0.5))],
            ..Draft::default()
        },
        &Nowhere,
    )
    .expect("valid");
    on_system(&edit("probability:b->a=10%"), &mut system).expect("fits");
    assert_eq!(system.stated_probability(DependencyId(0)), Some(0.1));
}

#[test]
fn quoted_names_hold_what_separates() {
    let Edit { what: What::Fallback { ends, .. }, .. } = edit("fallback:\"a, b\" -> \"c=->\"\"d\"\".x\",tested=no") else {
        panic!()
    };
    assert_eq!((ends.from.as_str(), ends.to.as_str()), ("a, b", "c=->\"d\".x"));
    assert_eq!(edit("replica:\"a=1\"=+2").what, What::Replicas("a=1".to_owned(), Replication::More(2)));
    assert_eq!(edit("zones:a=\"x,y\", z").what, What::Zones("a".to_owned(), vec!["x,y".to_owned(), "z".to_owned()]));
    assert_eq!(edit("rollback:\"a,b\"=5m").to_string(), "rollback:\"a,b\"=5m");
}

/// Delay crosses a hard dependency as often as errors; with a fallback it may not cross more often.
#[test]
fn a_fallback_makes_no_channel_worse() {
    for (p, delay) in
        [(Some(0.3), 0.3), (None, crate::model::crossing::WHOLE_SERVICE), (Some(0.99), crate::model::crossing::SOFT_LATENCY)]
    {
        let dependencies = vec![dependency("shop", "db", DependencyKind::Hard, p.map_or_else(Dependency::default, stated))];
        let services = ["shop", "db"].map(|name| (name.to_owned(), Service::default())).to_vec();
        let mut system = System::build(Draft { services, dependencies, ..Draft::default() }, &Nowhere).expect("valid");
        let before = Crossing::of(&system, DependencyId(0));
        on_system(&edit("fallback:shop->db,tested"), &mut system).expect("fits");
        let after = Crossing::of(&system, DependencyId(0));
        assert_eq!(after.p_latency, delay, "{p:?}");
        assert!(after.p_latency <= before.p_latency && after.p_errors <= before.p_errors && after.p_data <= before.p_data);
    }
}

#[test]
fn wrong_edits_say_what_was_expected_and_where() {
    for (text, expected, place) in [
        ("canery=5%/15m", "did you mean `canary`", "canery"),
        ("canary=5%", "share and bake time", "5%"),
        ("canary=5%/0m", "above 0", "0m"),
        ("canary=5%/15m,powr=1", "did you mean `power`", "powr"),
        ("canary:shop", "about the change as a whole", "shop"),
        ("fallback:shop", "CONSUMER->PROVIDER", "shop"),
        ("fallback", "CONSUMER->PROVIDER", "fallback"),
        ("fallback:a->b,coverage=2", "share", "2"),
        ("validator:a->b,on_invalid=drop", "pass or reject", "drop"),
        ("validator:a->b,on_invalid", "pass or reject", "on_invalid"),
        ("fallback:a->b,tested,tested", "twice", "tested"),
        ("timeout:a->b", "needs a value", "timeout:a->b"),
        ("timeout:a->b=5", "no unit", "5"),
        ("probability:a->b=1.3", "share", "1.3"),
        ("replica:db", "+1 or 5", "replica:db"),
        ("replica:db=0", "whole number", "0"),
        ("zones:db=zone-a,", "missing", "zone-a,"),
        ("remove:a->b=1", "takes no value", "1"),
        ("senior-review,x", "nothing behind a comma", "x"),
        ("replica:\"a,b=+1", "quotes stand around a whole name", "\"a,b=+1"),
        ("remove:a->b\"c\"", "quotes stand around a whole name", "b\"c\""),
        ("", "there is no edit", ""),
    ] {
        let (message, range) = Edit::parse(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
        assert_eq!(text.get(range), Some(place), "{text}: {message}");
    }
}

#[test]
fn names_that_do_not_exist_are_refused() {
    for (text, expected) in [
        ("fallback:shop->dbb", "did you mean `db`"),
        ("fallback:shop->web", "the other way round"),
        ("fallback:web->db", "it depends on shop"),
        ("fallback:shop->mail", "goes with hard, soft, unknown"),
        ("replica:bd=+1", "did you mean `db`"),
        ("replica:db=1", "too few"),
        ("zones:db=zone-c", "did you mean `zone-"),
    ] {
        let edit = edit(text);
        let refusal = on_system(&edit, &mut shop()).expect_err(text);
        let said = format!("{} {}", refusal.problem.message, refusal.problem.help.unwrap_or_default());
        assert!(said.contains(expected), "{text}: {said}");
        assert!(text.get(refusal.range).is_some_and(|place| !place.is_empty()));
    }
}

#[test]
fn faults_and_changes_take_what_is_about_them() {
    let mut faults = [Fault::new(FaultKind::BadDeploy, "shop"), Fault::new(FaultKind::Crash, "db")];
    assert!(on_faults(&edit("canary=5%/15m,power=0.9"), &mut faults) && on_faults(&edit("rollback"), &mut faults));
    assert_eq!(faults[0].rollout.map(|rollout| rollout.strategy), Some(Strategy::Canary));
    assert_eq!((faults[0].rollback_tested, faults[1].rollout, faults[1].rollback_tested), (Some(true), None, None));
    assert!(!on_faults(&edit("restore-tested"), &mut faults));
    let senior =
        Reviewer { name: "lee".to_owned(), emails: Vec::new(), level: Level::Senior, service: None, head: None, forecast: None };
    let mut change = Change { destructive: TriState::Yes, ..Change::default() };
    for text in ["flag=5%/15m", "rollback", "restore-tested", "deny-delete", "simulated", "tests=80%", "senior-review"] {
        assert!(on_change(&edit(text), &mut change, Some(&senior)), "{text}");
    }
    assert_eq!((change.destructive, change.rollback_tested), (TriState::No, TriState::Yes));
    assert_eq!((change.test_coverage, change.reviewers.len()), (Some(0.8), 1));
    assert!(!on_change(&edit("replica:shop=+1"), &mut change, None));
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(number in 0_u32..1_000, share in 0.0..=1.0_f64, which in 0..18_usize) {
        let minutes = Ticks(u64::from(number + 1) * Ticks::PER_MINUTE);
        let ends = if number % 2 == 0 { "a b.Op->c\\.d" } else { "\"a, \"\"b\"->\"c=->d\"" };
        let text = match which {
            0 => format!("canary={share}/{minutes},power={share}"),
            1 => format!("waves={share}/{minutes}"),
            2 => "flag".to_owned(),
            3 => format!("rollback=1m/{minutes}"),
            4 => "rollback:a".to_owned(),
            5 => format!("fallback:{ends},coverage={share},tested=no"),
            6 => format!("breaker:{ends},window={},open_at={share}", number + 1),
            7 => format!("timeout:{ends}={minutes}"),
            8 => format!("retry-budget:{ends}={share}"),
            9 => format!("buffer:{ends}={minutes}"),
            10 => format!("serve-stale:{ends}={minutes}"),
            11 => format!("probability:{ends}={share}"),
            12 => format!("remove:{ends}"),
            13 => format!("replica:\"a,b\"=+{}", number + 1),
            14 => "zones:a=x,\"y,z\"".to_owned(),
            15 => format!("detect:a={minutes}"),
            16 => format!("tests={share}"),
            _ => "blue-green".to_owned(),
        };
        let read = edit(&text);
        let again = edit(&read.to_string());
        prop_assert_eq!(&read.what, &again.what);
        prop_assert!(!read.words().is_empty());
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        if let Err((message, range)) = Edit::parse(&text) {
            prop_assert!(!message.is_empty() && text.get(range).is_some());
        }
    }
}
