//! Laws of the graph alone: what cut sets promise, and fixpoints that no order of visits changes, each against a naive reference.

mod common;

use common::drafts::random_draft;
use common::rich::{belief, rich_case};
use common::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::draft::Draft;
use shockfront::model::facts::Journey;
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, simulate};
use shockfront::risk::cut_sets::{LARGEST, cut_sets};
use shockfront::units::DependencyId;
use std::collections::BTreeSet;

fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(20_260_306), failure_persistence: None, ..ProptestConfig::default() }
}

fn scenario(system: &System, compact: &Compact, faults: &[String]) -> Scenario {
    let faults: Vec<Fault> = faults.iter().map(|text| Fault::parse(text).expect("a fault")).collect();
    Scenario::new(system, compact, &faults, None).expect("they fit")
}

fn with_journey(mut draft: Draft, needs: &str) -> Draft {
    draft.journeys.push(("use".to_owned(), Journey { needs: vec![needs.to_owned()], ..Journey::default() }));
    draft
}

/// Who is harmed when `s0` fails and these entries let nothing through, by naive closure. Services are named s0, s1, …
fn harmed(draft: &Draft, cut: &BTreeSet<usize>) -> Vec<bool> {
    let index = |name: &str| name[1..].parse::<usize>().expect("index");
    let mut harmed = vec![false; draft.services.len()];
    harmed[0] = true;
    loop {
        let before = harmed.clone();
        for (service, (name, facts)) in draft.services.iter().enumerate() {
            let lost = draft.dependencies.iter().enumerate().filter(|(at, known)| {
                known.from == *name
                    && !cut.contains(at)
                    && known.facts.probability.is_none_or(|p| p.mean.value() > 0.0)
                    && before[index(&known.to)]
            });
            let tolerated = facts.requires.as_ref().map_or(0, |requires| requires.of.len() - requires.at_least as usize);
            harmed[service] |= lost.count() > tolerated;
        }
        if harmed == before {
            return harmed;
        }
    }
}

/// All sets of at most three entries whose cut keeps a service whole and of which no entry can be left out.
fn minimal_cuts(draft: &Draft, target: usize) -> BTreeSet<BTreeSet<usize>> {
    let holds = |cut: &BTreeSet<usize>| !harmed(draft, cut)[target];
    let count = draft.dependencies.len();
    let mut minimal: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
    for a in 0..count {
        for b in a..count {
            for c in b..count {
                let cut = BTreeSet::from([a, b, c]);
                let less = |out: &usize| cut.iter().copied().filter(|at| at != out).collect();
                if holds(&cut) && !cut.iter().any(|out| holds(&less(out))) {
                    minimal.insert(cut);
                }
            }
        }
    }
    minimal
}

/// Severity of every service by repeated sweeps over all of them, from nothing: providers on a circle with the service combine by
/// maximum, the others as independent (model.md §2.2). Every dependency lets everything through.
fn severities(draft: &Draft, own: &[f64]) -> Vec<f64> {
    let index = |name: &str| name[1..].parse::<usize>().expect("index");
    let arcs: Vec<(usize, usize)> = draft.dependencies.iter().map(|known| (index(&known.to), index(&known.from))).collect();
    let mut reaches: Vec<Vec<bool>> = vec![vec![false; own.len()]; own.len()];
    arcs.iter().for_each(|(provider, consumer)| reaches[*provider][*consumer] = true);
    for middle in 0..own.len() {
        for from in 0..own.len() {
            for to in 0..own.len() {
                reaches[from][to] |= reaches[from][middle] && reaches[middle][to];
            }
        }
    }
    let mut found = vec![0.0; own.len()];
    loop {
        let before = found.clone();
        for service in 0..own.len() {
            let (mut working, mut round) = (1.0 - own[service], 0.0_f64);
            for (provider, _) in arcs.iter().filter(|(_, consumer)| *consumer == service) {
                match reaches[service][*provider] {
                    true => round = round.max(before[*provider]),
                    false => working *= 1.0 - before[*provider],
                }
            }
            found[service] = (1.0 - working).max(round);
        }
        if found.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-12) {
            return found;
        }
    }
}

proptest! {
    #![proptest_config(fixed(128))]

    /// Whatever the mechanisms: where nothing crosses the dependencies of a cut set, no trial harms the journey.
    #[test]
    fn a_cut_set_keeps_its_journey_whole(case in rich_case(), seed in any::<u64>()) {
        let mut draft = case.draft;
        // Overload reaches whom no failure reaches, and cut sets leave it out.
        draft.services.iter_mut().for_each(|(_, service)| service.load = None);
        let system = build(draft);
        let compact = Compact::new(&system);
        for faults in [&case.total, &case.drawn] {
            if faults.iter().any(|fault| fault.starts_with("overload")) {
                continue;
            }
            for journey in cut_sets(&system, &compact, &scenario(&system, &compact, faults)) {
                for set in journey.sets {
                    let cut = set.iter().fold(system.clone(), |system, id| system.without_crossing(*id));
                    let compact = Compact::new(&cut);
                    let request = Request { trials: 512, seed: shockfront::random::Seed(seed), ..Request::default() };
                    let found = simulate(&cut, &compact, &scenario(&cut, &compact, faults), &request).expect("sampled");
                    let reached = found.journeys.iter().find(|known| known.name == journey.journey).expect("listed");
                    prop_assert_eq!(reached.impaired.mean, 0.0, "{:?} without {:?}", faults, set);
                }
            }
        }
    }

    /// Cut sets are the minimal ones of all sets of up to three dependencies, gates and cycles included.
    #[test]
    fn cut_sets_are_all_minimal_cuts(mut draft in random_draft(), which in any::<prop::sample::Index>()) {
        prop_assume!(draft.dependencies.len() <= 12);
        // Soft dependencies stop errors only in part; here every entry is one way for a failure, or none.
        draft.dependencies.iter_mut().for_each(|known| known.kind = Some(shockfront::model::facts::DependencyKind::Hard));
        let reached = harmed(&draft, &BTreeSet::new());
        let reached: Vec<usize> = (1..reached.len()).filter(|service| reached[*service]).collect();
        prop_assume!(!reached.is_empty());
        let target = reached[which.index(reached.len())];
        let expected = minimal_cuts(&draft, target);
        let system = build(with_journey(draft, &format!("s{target}")));
        let compact = Compact::new(&system);
        let found = cut_sets(&system, &compact, &scenario(&system, &compact, &["crash@s0".to_owned()])).remove(0);
        prop_assert!(found.is_complete && found.largest == LARGEST && !found.is_hit_directly);
        let sets: Vec<BTreeSet<usize>> = found.sets.iter().map(|set| set.iter().map(|id: &DependencyId| id.index()).collect()).collect();
        prop_assert!(sets.iter().all(|set| expected.contains(set)), "{:?} are not all of {:?}", sets, expected);
        prop_assert_eq!(sets.len() + found.more, expected.len(), "{:?} of {:?}", sets, expected);
    }

    /// Partial severities on random cycles: what the engines settle on is what naive sweeps from nothing settle on, in whichever
    /// order the file names services and dependencies.
    #[test]
    fn severities_are_the_least_fixpoint_in_any_order(mut draft in random_draft(), rates in (2_u32..8, 2_u32..8)) {
        for dependency in &mut draft.dependencies {
            dependency.kind = Some(shockfront::model::facts::DependencyKind::Hard);
            (dependency.facts.probability, dependency.facts.buffer, dependency.facts.cache) = (belief(1.0), None, None);
        }
        draft.services.iter_mut().for_each(|(_, service)| service.requires = None);
        let names: Vec<String> = draft.services.iter().map(|(name, _)| name.clone()).collect();
        for name in &names {
            let journey = Journey { needs: vec![name.clone()], users_per_minute: Some(1e6), ..Journey::default() };
            draft.journeys.push((name.clone(), journey));
        }
        let mut own = vec![0.0; names.len()];
        (own[0], own[1]) = (f64::from(rates.0) / 10.0, f64::from(rates.1) / 10.0);
        let expected = severities(&draft, &own);
        let faults = [(0, rates.0), (1, rates.1)].map(|(at, rate)| format!("error_rate@s{at},rate=0.{rate},detect=0m,repair=10m"));
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        for turn in 0..4 {
            draft.services.rotate_left(1);
            let middle = draft.dependencies.len() / 2;
            draft.dependencies.rotate_left(middle);
            if turn % 2 == 1 {
                draft.dependencies.reverse();
            }
            let system = build(draft.clone());
            for how in [TIMED_EXACT, How { trials: 3, ..TIMED }] {
                let found = run(&system, &faults, how);
                for (name, expected) in names.iter().zip(&expected) {
                    let journey = found.journeys.iter().find(|journey| journey.name == *name).expect("listed");
                    let severity = journey.user_minutes.mean.mean / 1e7;
                    prop_assert!((severity - expected).abs() < 1e-5, "{}: {} expected {} by {:?}", name, severity, expected, how);
                }
            }
        }
    }
}
