//! What an assessment must do, on small systems.

use super::*;
use crate::change::facts::{Assisted, Basis, ChangeKind, Level, Person, Reviewer, Rollout, Strategy, TriState};
use crate::change::paths::Touched;
use crate::change::team::TeamMember;
use crate::model::DurationLaw;
use crate::model::draft::Draft;
use crate::risk::assessment::{Band, Floor, Gate};
use crate::risk::ledger::Entry;
use crate::risk::testing::{arcs, build, journey};

/// pay is used by checkout, checkout by web; people use web. Everything is known and recent.
fn shop() -> Draft {
    let mut draft = arcs(&[("pay", "checkout", 0.5), ("checkout", "web", 0.8), ("pay", "report", 0.3)]);
    for (name, service) in &mut draft.services {
        service.owner = Some(format!("team-{name}"));
        service.tier = Some(2);
    }
    draft.observed_at = Some(jiff::civil::date(2026, 3, 1));
    draft.coverage = Some(0.95);
    draft.journeys.push(journey("web", 100.0, 99.9));
    draft
}

/// The same, with a journey so patient that nothing hurts.
fn calm() -> Draft {
    let mut draft = shop();
    draft.journeys = vec![journey("report", 100.0, 1.0)];
    draft
}

fn at() -> Option<Zoned> {
    "2026-03-05T14:00:00-05:00[America/New_York]".parse().ok()
}

/// A careful change by a senior without AI.
fn careful() -> Change {
    Change {
        title: Some("Raise the pool size".to_owned()),
        kind: Some(ChangeKind::Code),
        services: vec!["pay".to_owned()],
        ai_assisted: Assisted { answer: TriState::No, basis: Basis::File },
        agent_executes: TriState::No,
        author: Person { name: Some("Kim".to_owned()), emails: Vec::new(), level: Level::Senior },
        lines: Some(100),
        test_coverage: Some(0.8),
        simulated: TriState::Yes,
        destructive: TriState::No,
        rollout: Some(Rollout { strategy: Strategy::Canary, share: Some(0.05), bake: None, power: Some(1.0), rollback: None }),
        rollback_tested: TriState::Yes,
        at: at(),
        ..Change::default()
    }
}

/// The same, everywhere at once.
fn at_once() -> Change {
    Change { rollout: None, ..careful() }
}

fn reviewer(name: &str, level: Level, service: Option<&str>) -> Reviewer {
    let service = service.map(str::to_owned);
    Reviewer { name: name.to_owned(), emails: Vec::new(), level, service, head: None, forecast: None }
}

fn request(change: Change) -> AssessRequest<'static> {
    AssessRequest {
        changes: vec![InFlight { change, mapping: None, owned_paths: Vec::new() }],
        trials: 2_048,
        threads: Some(2),
        ..AssessRequest::default()
    }
}

fn ask(draft: Draft, request: &AssessRequest<'_>) -> Assessment {
    let system = build(draft);
    assess(&system, &Compact::new(&system), request).expect("an assessment")
}

fn of(draft: Draft, change: Change) -> Assessment {
    ask(draft, &request(change))
}

fn has(assessment: &Assessment, rule: &str) -> Option<Band> {
    assessment.floors.iter().filter(|floor| floor.rule == rule).map(|floor| floor.raises_to).max()
}

fn says(sentences: &[String], part: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(part))
}

#[test]
fn a_careful_change_of_a_calm_system_passes() {
    let found = of(calm(), careful());
    assert_eq!((found.verdict.band, found.verdict.gate), (Band::Green, Gate::Pass), "{found:#?}");
    assert!(found.verdict.settled && found.missing.is_empty() && found.floors.is_empty());
    assert_eq!(found.faults, ["bad_deploy@pay"]);
    assert!(found.impact.is_some() && !found.limits.is_empty());
}

#[test]
fn harm_raises_the_band_and_tells_who_why_and_what() {
    let change = Change { rollout: None, rollback_tested: TriState::Unknown, ..careful() };
    let found = of(shop(), change);
    assert!(found.verdict.band >= Band::Orange && found.verdict.gate != Gate::Pass, "{:?}", found.verdict);
    let who: Vec<&str> = found.sign_off.iter().map(|entry| entry.who.as_str()).collect();
    assert_eq!(who[..2], ["any team", "team-pay"], "{who:?}");
    assert!(who.contains(&"team-checkout") && says(&found.sign_off[2].because, "checkout is impaired in"));
    assert!(
        says(&found.missing, "a senior engineer who did not write it")
            && says(&found.missing, "roll out by canary, waves or flag first")
    );
    let web = found.paths.iter().find(|path| path.steps.last().is_some_and(|last| last == "web")).expect("a path");
    assert_eq!(web.steps, ["pay", "checkout", "web"]);
    assert!((web.probability - 0.4).abs() < 1e-12);
    assert!(says(&found.advice, "canary") && says(&found.advice, "roll-back"));
}

#[test]
fn score_is_that_of_its_parts() {
    let found = of(shop(), at_once());
    let impact = found.impact.as_ref().expect("impact");
    let harm = impact.journeys[0].user_minutes.mean.mean + impact.journeys[0].integrity_minutes.mean.mean;
    let x = found.fault_probability.belief.mean * harm / (100.0 * 43_200.0 * 0.001);
    assert!((found.verdict.score - 20.0 * (x.log10() + 4.0)).abs() < 1e-6);
    assert!((found.journeys[0].budget_share.expect("budget") - x).abs() < 1e-9 * x);
    assert!(found.verdict.interval.contains(found.verdict.score));
}

#[test]
fn senior_review_changes_the_chance_and_nothing_else() {
    let without = of(shop(), at_once());
    let with = of(shop(), Change { reviewers: vec![reviewer("Lee", Level::Senior, None)], ..at_once() });
    assert_eq!(without.impact, with.impact);
    assert!(with.fault_probability.belief.mean < without.fault_probability.belief.mean);
    assert!(with.verdict.score < without.verdict.score);
}

#[test]
fn score_rises_with_the_chance() {
    let scores: Vec<f64> =
        [0, 50, 400, 6_000].iter().map(|lines| of(shop(), Change { lines: Some(*lines), ..at_once() }).verdict.score).collect();
    assert!(scores.windows(2).all(|pair| pair[0] < pair[1]), "{scores:?}");
}

#[test]
fn ai_work_by_less_experienced_authors_needs_a_senior() {
    for (answer, level, raised) in [
        (TriState::Yes, Level::Junior, true),
        (TriState::Yes, Level::Mid, true),
        (TriState::Yes, Level::Unknown, true),
        (TriState::Unknown, Level::Junior, true),
        (TriState::Unknown, Level::Unknown, true),
        (TriState::Yes, Level::Senior, false),
        (TriState::No, Level::Junior, false),
    ] {
        let author = Person { name: Some("Kim".to_owned()), emails: Vec::new(), level };
        let change = Change { ai_assisted: Assisted { answer, basis: Basis::File }, author, ..careful() };
        let found = of(calm(), change.clone());
        assert_eq!(has(&found, "ai-assisted-by-junior-or-mid"), raised.then_some(Band::Yellow), "{answer} {level}");
        assert_eq!(found.verdict.gate == Gate::SignOffRequired, raised);
        assert_eq!(found.verdict.score_band, Band::Green);
        let found = of(calm(), Change { reviewers: vec![reviewer("Lee", Level::Senior, None)], ..change.clone() });
        assert_eq!(found.verdict.gate, Gate::Pass, "{answer} {level}");
        let found = of(calm(), Change { reviewers: vec![reviewer("Lee", Level::Unknown, None)], ..change });
        assert_eq!(found.verdict.gate == Gate::SignOffRequired, raised, "a review of unknown level is no senior review");
    }
}

#[test]
fn unknown_facts_never_lower() {
    let known = of(calm(), careful());
    let cases: Vec<(&str, Change)> = vec![
        ("ai", Change { ai_assisted: Assisted::default(), ..careful() }),
        ("tests", Change { test_coverage: None, ..careful() }),
        ("simulated", Change { simulated: TriState::Unknown, ..careful() }),
        ("rollout", Change { rollout: None, ..careful() }),
        ("rollback", Change { rollback_tested: TriState::Unknown, ..careful() }),
        ("kind", Change { kind: None, ..careful() }),
        ("author", Change { author: Person::default(), ..careful() }),
        ("author and ai", Change { author: Person::default(), ai_assisted: Assisted::default(), ..careful() }),
    ];
    for (what, change) in cases {
        let found = of(calm(), change);
        assert!(found.verdict.band >= known.verdict.band && found.verdict.score >= known.verdict.score, "{what}");
        assert!(found.data_quality.assumed != known.data_quality.assumed || found.floors != known.floors, "{what} is not marked");
    }
}

#[test]
fn missing_facts_of_the_topology_raise_or_mark() {
    let mut unowned = calm();
    unowned.services.iter_mut().for_each(|(_, service)| service.owner = None);
    let found = of(unowned, careful());
    assert!(found.sign_off.iter().any(|entry| entry.who.starts_with("unowned: pay") && says(&entry.because, "nobody owns pay")));
    assert!(says(&found.data_quality.assumed, "owner of 4 of 4 services"));

    let stale = Draft { observed_at: Some(jiff::civil::date(2025, 11, 1)), ..calm() };
    let undated = Draft { observed_at: None, ..calm() };
    for draft in [stale, undated] {
        let found = of(draft, careful());
        assert_eq!((has(&found, "topology-stale"), found.verdict.gate), (Some(Band::Orange), Gate::SignOffRequired));
    }
    for coverage in [None, Some(0.79)] {
        assert_eq!(has(&of(Draft { coverage, ..calm() }, careful()), "topology-incomplete"), Some(Band::Orange));
    }

    let found = of(Draft { journeys: Vec::new(), ..calm() }, careful());
    assert_eq!((found.verdict.band, found.verdict.gate), (Band::Orange, Gate::NotAssessed));
    assert!(says(&found.missing, "users cannot be counted") && !found.verdict.settled);

    let mut bare = calm();
    bare.journeys.push(journey("web", 100.0, 99.9));
    bare.journeys[1].1.slo = None;
    assert_eq!(has(&of(bare.clone(), careful()), "journey-not-counted"), Some(Band::Yellow));
    bare.journeys.remove(0);
    assert_eq!(of(bare, careful()).verdict.gate, Gate::NotAssessed);
}

#[test]
fn files_without_a_service_raise() {
    let file = |unmapped: &str| Mapping { unmapped: vec![unmapped.to_owned()], n_files: 1, ..Mapping::default() };
    let mut request = request(careful());
    request.changes[0].mapping = Some(file("docs/x"));
    let found = ask(calm(), &request);
    assert_eq!((has(&found, "unmapped-files"), found.verdict.band), (Some(Band::Yellow), Band::Yellow));
    request.changes[0].change.services.clear();
    let found = ask(calm(), &request);
    assert_eq!((found.verdict.band, found.verdict.gate), (Band::Orange, Gate::NotAssessed));
    assert!(found.impact.is_none() && says(&found.missing, "name the services of the change"));
}

#[test]
fn files_and_names_of_services_come_together() {
    let mut request = request(careful());
    let touched = |lines| Touched { paths: vec!["x".to_owned()], lines, ..Touched::default() };
    let by_service = [("checkout".to_owned(), touched(30)), ("web".to_owned(), touched(10))].into();
    request.changes[0].mapping = Some(Mapping { by_service, n_files: 2, n_mapped: 2, ..Mapping::default() });
    let found = ask(calm(), &request);
    assert_eq!(found.services, ["pay", "checkout", "web"]);
    let impact = found.impact.expect("impact");
    let p = |at: u32| impact.p_impaired(ServiceId(at));
    assert!(p(1) > p(0), "checkout has more of the lines than pay: {} {}", p(1), p(0));

    for wrong in ["chekout", "chkt"] {
        request.changes[0].change.services = vec![wrong.to_owned()];
        let system = build(calm());
        let problems = assess(&system, &Compact::new(&system), &request).expect_err("unknown");
        assert_eq!(problems[0].help.as_deref(), Some("did you mean `checkout`?"), "{problems:?}");
    }
}

#[test]
fn destruction_without_a_tested_restore_is_blocked() {
    for (tested, blocked) in [(TriState::No, true), (TriState::Unknown, true), (TriState::Yes, false)] {
        let change =
            Change { destructive: TriState::Yes, rollback_tested: tested, kind: Some(ChangeKind::Infrastructure), ..careful() };
        let found = of(calm(), change);
        assert_eq!(found.faults, ["state_loss@pay"]);
        assert_eq!(has(&found, "destructive-without-tested-restore") == Some(Band::Red), blocked);
        if blocked {
            assert_eq!(found.verdict.gate, Gate::Blocked);
            assert!(says(&found.missing, "test the restore"));
        }
    }
}

#[test]
fn orange_needs_an_owner_of_what_is_changed() {
    let draft = Draft { coverage: None, ..calm() };
    let reviewed = |reviewers| Change { reviewers, ..careful() };
    let senior = reviewer("Lee", Level::Senior, None);
    let required = |found: &Assessment| {
        let entries = found.sign_off.iter().filter(|entry| entry.required);
        entries.map(|entry| entry.who.clone()).collect::<Vec<_>>()
    };
    let lacking = "somebody of team-pay, which owns pay, has to sign off";
    for (signs, missing) in [(None, true), (Some("checkout"), true), (Some("pay"), false)] {
        let signed = signs.map(|service| reviewer("Ann", Level::Mid, Some(service)));
        let found = of(draft.clone(), reviewed([senior.clone()].into_iter().chain(signed).collect()));
        assert_eq!(required(&found), ["any team", "team-pay"], "who has to sign does not depend on who signed");
        assert_eq!((found.verdict.band, found.missing.contains(&lacking.to_owned())), (Band::Orange, missing), "{signs:?}");
        assert_eq!(found.verdict.gate == Gate::Pass, !missing);
        assert!(says(&found.notes, "reviewer Lee are as stated and not checked"), "{:?}", found.notes);
    }
    let mut unowned = draft;
    unowned.services[0].1.owner = None;
    let found = of(unowned.clone(), reviewed(vec![senior]));
    assert_eq!(found.missing, ["nobody owns pay: a senior engineer has to take it, as a reviewer with `service`"]);
    let found = of(unowned, reviewed(vec![reviewer("Lee", Level::Senior, Some("pay"))]));
    assert_eq!(found.verdict.gate, Gate::Pass, "{:?}", found.missing);
}

#[test]
fn a_team_file_decides_who_counts() {
    let draft = Draft { coverage: None, ..calm() };
    let member = |name: &str, level, team: &str| TeamMember {
        name: name.to_owned(),
        emails: Vec::new(),
        level,
        teams: vec![team.to_owned()],
    };
    let ask = |people, reviewers| {
        let mut request = request(Change { reviewers, ..careful() });
        request.team = Team { people };
        ask(draft.clone(), &request)
    };
    let stated = |service| vec![reviewer("Lee", Level::Senior, service)];
    let found = ask(vec![member("Lee", Level::Senior, "team-pay")], stated(None));
    assert_eq!((found.verdict.gate, found.notes.len()), (Gate::Pass, 0), "{:?}", found.missing);
    let found = ask(vec![member("Lee", Level::Mid, "team-pay")], stated(None));
    assert!(says(&found.missing, "senior engineer"), "the team file knows better: {:?}", found.missing);
    let found = ask(vec![member("Lee", Level::Senior, "team-web")], stated(Some("pay")));
    assert_eq!(found.missing, ["somebody of team-pay, which owns pay, has to sign off"]);
    let pay = [("Kim", Level::Senior), ("Noor", Level::Mid), ("Ann", Level::Senior)];
    let others = pay.map(|(name, level)| member(name, level, "team-pay")).to_vec();
    let found = ask(others, stated(Some("pay")));
    assert_eq!(found.missing.len(), 2, "{:?}", found.missing);
    assert_eq!(found.notes, ["reviewer Lee is not in the team file: the stated level does not count"]);
    assert!(
        says(&found.sign_off[0].because, "Ann can sign") && says(&found.sign_off[1].because, "Noor or Ann of team-pay can sign")
    );
}

#[test]
fn a_short_horizon_never_lowers_the_band() {
    // Red by its score alone.
    let mut draft = shop();
    draft.journeys = vec![journey("web", 100.0, 99.999)];
    let mut request = request(at_once());
    let usual = ask(draft.clone(), &request);
    assert_eq!((usual.verdict.score_band, usual.verdict.gate), (Band::Red, Gate::Blocked), "{:?}", usual.verdict);
    request.horizon = Some(Ticks::from_minutes(1.0));
    let short = ask(draft.clone(), &request);
    assert_eq!(short.verdict, usual.verdict);
    assert!(says(&short.notes, "a horizon of 1m would cut it") && usual.notes.is_empty(), "{:?}", short.notes);
    request.horizon = Some(Ticks::from_days(300));
    let long = ask(draft, &request);
    assert!(long.verdict.score >= usual.verdict.score && long.notes.is_empty(), "{:?}", long.verdict);
    assert_eq!(long.impact.and_then(|impact| impact.horizon_minutes), Some(300.0 * 1_440.0));
}

#[test]
fn harm_beyond_the_horizon_raises_the_band() {
    let slow = |mut draft: Draft| {
        let (_, pay) = draft.services.iter_mut().find(|(name, _)| name == "pay").expect("pay");
        pay.repair = Some(DurationLaw::Constant(Ticks::from_days(5)));
        draft
    };
    let change = Change { rollback_tested: TriState::Unknown, ..careful() };
    let found = of(slow(calm()), change.clone());
    assert_eq!(has(&found, "harm-beyond-horizon"), Some(Band::Orange), "{:?}", found.floors);
    assert!(found.verdict.band >= Band::Orange);
    let followed = ask(slow(calm()), &AssessRequest { horizon: Some(Ticks::from_days(30)), ..request(change) });
    assert_eq!(has(&followed, "harm-beyond-horizon"), None, "{:?}", followed.floors);
}

#[test]
fn wrong_answers_count_as_harm() {
    let mut draft = shop();
    let data = crate::model::facts::Channels::DATA;
    draft.dependencies.iter_mut().for_each(|dependency| dependency.facts.carries = Some(data));
    let found = of(draft, Change { kind: Some(ChangeKind::Model), ..careful() });
    assert_eq!(found.faults, ["corrupt_output@pay"]);
    let impact = found.impact.as_ref().expect("impact");
    assert_eq!(impact.journeys[0].user_minutes.mean.mean, 0.0);
    assert!(found.verdict.band >= Band::Orange, "{:?}", found.verdict);
}

#[test]
fn changes_in_flight_add_up() {
    let other = Change { services: vec!["checkout".to_owned()], ..careful() };
    let mut request = request(careful());
    let one = ask(shop(), &request);
    request.changes.push(InFlight { change: other, mapping: None, owned_paths: Vec::new() });
    let both = ask(shop(), &request);
    assert_eq!(both.faults.len(), 2);
    let p = one.fault_probability.belief.mean;
    assert!((both.fault_probability.belief.mean - (1.0 - (1.0 - p) * (1.0 - p))).abs() < 1e-9);
    assert!(both.verdict.score > one.verdict.score);
    assert!(both.impact.expect("impact").p_impaired(ServiceId(1)) > one.impact.expect("impact").p_impaired(ServiceId(1)));
}

/// At a limit that lies exactly at the score, noise decides nothing: the verdict is the stricter one and says that it was close. Away
/// from a limit all seeds agree.
#[test]
fn noise_flips_no_verdict() {
    let ask_with = |seed: u64, limit: f64| {
        let mut request = request(Change { rollback_tested: TriState::Unknown, ..careful() });
        (request.seed, request.trials) = (Seed(seed), 4_096);
        request.policy.band_limits = [0.5 * limit, limit, 99.0];
        request.policy.escalation = 1.0;
        request.policy.worst_share = 1.1;
        request.policy.breach_limits = [1.1, 1.2];
        ask(shop(), &request)
    };
    let exact = (0..8).map(|seed| ask_with(1_000 + seed, 50.0).verdict.score).sum::<f64>() / 8.0;
    let found: Vec<Assessment> = (0..200).map(|seed| ask_with(seed, exact)).collect();
    let is_close = |one: &&Assessment| one.floors.iter().any(|floor| floor.rule == "too-close-to-call");
    assert!(found.iter().filter(is_close).all(|one| one.verdict.band == Band::Orange));
    // Each verdict may be wrong with 1 %, and half of the limit's sides is the lenient one.
    let lenient = found.iter().filter(|one| one.verdict.band < Band::Orange).count();
    assert!(lenient <= 6, "{lenient} of 200 verdicts below the limit");
    for limit in [exact + 8.0, exact - 8.0] {
        let mut verdicts: Vec<(Band, Gate)> =
            (0..200).map(|seed| ask_with(seed, limit).verdict).map(|verdict| (verdict.band, verdict.gate)).collect();
        verdicts.dedup();
        assert_eq!(verdicts.len(), 1, "{limit}: {verdicts:?}");
    }
}

/// Rules that hold something else against a limit fire for every sample where the truth is at the limit, or say why they do.
#[test]
fn noise_switches_no_rule_off() {
    let change = Change { rollback_tested: TriState::Unknown, ..careful() };
    let system = build(shop());
    let compact = Compact::new(&system);
    let quiet = Policy { escalation: 1.0, worst_share: 1.1, breach_limits: [1.1, 1.2], ..Policy::default() };
    let ask = |seed: u64, policy: &Policy, ledger: &Ledger| {
        let (policy, ledger) = (policy.clone(), ledger.clone());
        let asked = AssessRequest { seed: Seed(seed), trials: 4_096, policy, ledger, ..request(change.clone()) };
        assess(&system, &compact, &asked).expect("an assessment")
    };
    let minutes = |seed: u64| ask(seed, &quiet, &Ledger::default()).journeys[0].expected_user_minutes.expect("traffic").mean;
    let minutes = (1_000..1_032).map(minutes).sum::<f64>() / 32.0;
    let budget = score::budgets(&system)[0].expect("a budget");
    let own = score::score(minutes / budget);
    let fires = |rule: &str, policy: &Policy, ledger: &Ledger| {
        let fired = |seed| ask(seed, policy, ledger).floors.into_iter().find(|floor| floor.rule == rule);
        let fired: Vec<Floor> = (0..200).filter_map(fired).collect();
        let is_close = |floor: &&Floor| floor.because.contains("too close to the limit to call");
        // Each sample may be wrong with 1 %, and half of the limit's sides is the lenient one.
        assert!(fired.len() >= 194, "{rule}: {} of 200", fired.len());
        let n_close = fired.iter().filter(is_close).count();
        assert!((50..=150).contains(&n_close), "{rule}: {n_close} of 200 are too close to call");
    };
    let asked = request(change.clone());
    let chance = place(&system, &compact, &asked, &[]).expect("placed").remove(0).chance;
    let target = score::budget_share(own + 10.0) * budget / (minutes / chance.estimate.mean);
    let escalation = 1.0 - chance.belief.cumulative(target);
    let policy = Policy { band_limits: [0.5 * own, own + 10.0, 99.0], escalation, ..quiet.clone() };
    fires("next-band-likely", &policy, &Ledger::default());
    let entry = Entry {
        at: at(),
        title: Some("Another".to_owned()),
        head: None,
        services: vec!["pay".to_owned()],
        journeys: vec![(system.journeys()[0].name.clone(), minutes)],
    };
    let together = score::score(2.0 * minutes / budget);
    let policy = Policy { band_limits: [0.5 * own, together, 99.0], ..quiet };
    fires("weekly-ledger", &policy, &Ledger { entries: vec![entry] });
}

#[test]
fn threads_do_not_matter_and_seeds_agree_or_do_not_settle() {
    let change = || Change { rollback_tested: TriState::Unknown, ..careful() };
    let mut bands = Vec::new();
    for seed in 0..30 {
        let mut request = request(change());
        (request.seed, request.trials) = (Seed(seed), 4_096);
        let found = ask(shop(), &request);
        if found.verdict.settled {
            bands.push(found.verdict.band);
        }
        if seed == 0 {
            request.threads = Some(1);
            assert_eq!(ask(shop(), &request), found);
        }
    }
    bands.dedup();
    assert!(bands.len() <= 1, "{bands:?}");
}
