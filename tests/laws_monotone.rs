//! Worse never looks better (model.md §3.5): a longer detection, a longer repair, another dependency and a likelier crossing lower
//! nothing, trial by trial, in the layers without load, breakers, dependents' symptoms, or people who are too few.
//!
//! What is left out below is where worse can be better for a reason: each says which.

mod common;

use common::rich::{Case, belief, constant, propagates, rich_case, service_of};
use common::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use shockfront::model::System;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Dependency, DependencyKind};
use shockfront::propagation::Simulation;

fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(20_260_307), failure_persistence: None, ..ProptestConfig::default() }
}

/// Without what makes worse better for a reason.
fn coupled(mut draft: Draft) -> Draft {
    for (_, service) in &mut draft.services {
        // What fails makes no load.
        service.load = None;
        // A tail lasts at the last severity before it, which a fault that goes on longer at a lower one replaces.
        service.restore_tail = None;
    }
    for dependency in &mut draft.dependencies {
        let facts = &mut dependency.facts;
        // A breaker opens sooner.
        facts.breaker = None;
        // A longer wait ends at the timeout, and where errors do not cross nothing is left of it.
        (facts.timeout, facts.pool, facts.rate) = (None, None, None);
        // Failures that a retry escapes are those of services that a fault hits itself.
        facts.transient = facts.retries.map(|_| 0.5);
        // The rest of a backlog is worked off at the last severity.
        facts.queue = None;
    }
    draft
}

/// Every severity is 0 or 1: ways to fail that become one circle count once, which is less than twice.
fn total(mut draft: Draft) -> Draft {
    for dependency in &mut draft.dependencies {
        dependency.facts.share = None;
        dependency.facts.fallback.iter_mut().for_each(|fallback| fallback.coverage = 1.0);
        dependency.facts.cache = dependency.facts.cache.filter(|cache| cache.ttl.is_none());
    }
    draft
}

/// Without circles: providers come before their consumers.
fn without_circles(mut draft: Draft) -> Draft {
    let number = |reference: &str| service_of(reference)[1..].parse::<usize>().expect("a number");
    draft.dependencies.retain(|known| number(&known.to) < number(&known.from));
    draft.dependencies.iter_mut().for_each(|known| known.facts.writes_data = None);
    for (name, service) in &mut draft.services {
        let providers: Vec<&str> = draft
            .dependencies
            .iter()
            .filter(|known| service_of(&known.from) == name && propagates(known.kind))
            .map(|known| service_of(&known.to))
            .collect();
        if let Some(requires) = &mut service.requires {
            requires.of.retain(|of| providers.contains(&of.as_str()));
            requires.at_least = requires.at_least.min(requires.of.len() as u32);
        }
        service.requires = service.requires.take().filter(|requires| !requires.of.is_empty());
    }
    draft
}

/// The same faults, a key of one of them longer.
fn longer(faults: &[String], key: &str, which: usize) -> Vec<String> {
    let mut faults = faults.to_vec();
    let at = which % faults.len();
    let fault = &mut faults[at];
    let stated =
        fault.split(',').find_map(|part| part.strip_prefix(&format!("{key}="))?.strip_suffix('m')?.parse::<usize>().ok());
    let stated = stated.expect("minutes");
    *fault = fault.replace(&format!("{key}={stated}m"), &format!("{key}={}m", stated + 17));
    faults
}

/// A likelier crossing. Of a monitor it would be a likelier detection.
fn likelier(mut draft: Draft, which: usize) -> Draft {
    let count = draft.dependencies.len().max(1);
    if let Some(known) = draft.dependencies.get_mut(which % count).filter(|known| known.kind != Some(DependencyKind::Monitors)) {
        known.facts.probability = belief(1.0);
    }
    draft
}

/// Another dependency, where there is none of its kind yet.
fn denser(mut draft: Draft, which: usize, is_ordered: bool) -> Draft {
    let count = draft.services.len();
    let (mut from, mut to) = (which % count, which / count % count);
    if is_ordered {
        (from, to) = (from.max(to), from.min(to));
    }
    let [from, to] = [from, to].map(|at| draft.services[at].0.clone());
    let kind = Some([DependencyKind::Hard, DependencyKind::Startup, DependencyKind::Async][which / 64 % 3]);
    let known = draft.dependencies.iter().any(|known| (&known.from, &known.to, known.kind) == (&from, &to, kind));
    if from != to && !known {
        draft.dependencies.push(DraftDependency {
            from,
            to,
            kind,
            facts: Dependency { probability: belief(0.7), ..Dependency::default() },
        });
    }
    draft
}

/// What must not fall, by name: chances, minutes down and impaired, user-minutes.
fn harm(system: &System, found: &Simulation) -> Vec<(String, Vec<f64>)> {
    let mut harm = Vec::new();
    for name in system.service_names() {
        let times = if found.timed { times(system, found, name) } else { (0.0, 0.0) };
        harm.push((name.to_owned(), vec![p(system, found, name), times.0, times.1]));
    }
    for journey in &found.journeys {
        harm.push((
            journey.name.clone(),
            vec![journey.impaired.mean, journey.downtime.mean.mean, journey.user_minutes.mean.mean],
        ));
    }
    harm
}

fn never_better(
    (before, faults): (&Draft, &[String]),
    (after, worse): (&Draft, &[String]),
    hows: &[How],
) -> Result<(), TestCaseError> {
    let (a, b) = (build(before.clone()), build(after.clone()));
    fn words(faults: &[String]) -> Vec<&str> {
        faults.iter().map(String::as_str).collect()
    }
    let (one, other) = (words(faults), words(worse));
    for how in hows {
        let (Ok(found), Ok(then)) = (try_run(&a, &one, *how), try_run(&b, &other, *how)) else { continue };
        for ((name, before), (_, after)) in harm(&a, &found).into_iter().zip(harm(&b, &then)) {
            let better = before.iter().zip(&after).any(|(before, after)| *after < before - 1e-9 * before.abs().max(1.0));
            prop_assert!(!better, "{}: {:?} became {:?}; {:?} became {:?}; {:?}", name, before, after, one, other, how);
        }
    }
    Ok(())
}

fn no_load(faults: &[String]) -> Vec<String> {
    let fits = |fault: &&String| !fault.starts_with("overload");
    faults.iter().filter(fits).cloned().collect()
}

proptest! {
    #![proptest_config(fixed(128))]

    /// Total severity, circles and gates included.
    #[test]
    fn worse_is_never_better_where_harm_is_total(case in rich_case(), seed in any::<u64>(), which in any::<u16>()) {
        let Case { draft, total: faults, .. } = case;
        let (draft, which) = (total(coupled(draft)), usize::from(which));
        let timed = [TIMED_EXACT, How { trials: 512, seed, ..TIMED }];
        let both = [TIMED_EXACT, STATIC_EXACT, How { trials: 512, seed, ..TIMED }, How { trials: 512, seed, ..STATIC }];
        never_better((&draft, &faults), (&draft, &longer(&faults, "detect", which)), &timed)?;
        never_better((&draft, &faults), (&draft, &longer(&faults, "repair", which)), &timed)?;
        never_better((&draft, &faults), (&likelier(draft.clone(), which), &faults), &both)?;
        never_better((&draft, &faults), (&denser(draft.clone(), which, false), &faults), &both)?;
    }

    /// Partial severities and faults of all kinds one after the other. Another way to fail can close a circle, in which ways count once,
    /// so that there must be none; a longer outage closes none.
    #[test]
    fn worse_is_never_better_where_harm_is_partial(case in rich_case(), seed in any::<u64>(), which in any::<u16>()) {
        let faults = no_load(&case.faults);
        prop_assume!(!faults.is_empty());
        let (draft, which) = (coupled(case.draft), usize::from(which));
        let timed = [TIMED_EXACT, How { trials: 512, seed, ..TIMED }];
        never_better((&draft, &faults), (&draft, &longer(&faults, "detect", which)), &timed)?;
        never_better((&draft, &faults), (&draft, &longer(&faults, "repair", which)), &timed)?;
        let draft = without_circles(draft);
        let both = [TIMED_EXACT, STATIC_EXACT, How { trials: 512, seed, ..TIMED }, How { trials: 512, seed, ..STATIC }];
        never_better((&draft, &faults), (&likelier(draft.clone(), which), &faults), &both)?;
        // Whoever needs the service that advice is about may be misled in its place.
        if !faults.iter().any(|fault| fault.starts_with("operator_advice")) {
            never_better((&draft, &faults), (&denser(draft.clone(), which, true), &faults), &both)?;
        }
    }

    /// A tail after an outage of one cause: it begins later and is as long.
    #[test]
    fn a_longer_outage_has_no_shorter_tail(case in rich_case(), seed in any::<u64>(), tail in 1_usize..90, which in any::<u16>()) {
        let mut draft = total(coupled(case.draft));
        let count = draft.services.len();
        draft.services[usize::from(which) % count].1.restore_tail = Some(constant(tail));
        let faults = vec![case.total[0].clone()];
        let timed = [TIMED_EXACT, How { trials: 512, seed, ..TIMED }];
        never_better((&draft, &faults), (&draft, &longer(&faults, "detect", 0)), &timed)?;
        never_better((&draft, &faults), (&draft, &longer(&faults, "repair", 0)), &timed)?;
    }
}
