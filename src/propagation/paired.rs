//! Two simulations on the same random numbers, compared trial by trial.
//!
//! Random numbers are keyed by names, so two systems that differ in a few facts share nearly all of them, and the difference of a
//! trial is that of the facts. Both sides run the same trials, window by window; of each window only integers are kept: sums by
//! batch, trials in which one side has a service impaired and the other has not (McNemar), and trials in which anything differs. So
//! parts add up in any order and the answer is the same for any number of threads. Services and journeys are paired by name; what one
//! side lacks is healthy there.
//!
//! Exact answers (`exact` of the request) are compared as they are: every interval is a point.
//!
//! O(both simulations + trials/512 × services). Source: model.md §4 (common random numbers, McNemar); Law and Kelton, §11.2.

use super::conclude::{CONFIDENCE, minutes, proportion, thousandths};
use super::exact;
use super::result::{JourneyResult, ServiceResult, Simulation, certain};
use super::run::{Request, Run, in_threads, with_run};
use super::sampling::{Rows, Sample, Span};
use super::tally::{JourneyTally, ServiceTally};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Mask};
use crate::model::{Compact, System};
use crate::statistics::paired::Discordant;
use crate::statistics::{BatchSums, Estimate};
use crate::units::ServiceId;
use std::collections::HashMap;

/// Masks that wait in memory at most, of each side: 64 MB.
const MOST_MARKS: usize = 1 << 20;

/// Batches of a window at least, so that all threads have work.
const NARROWEST: usize = 16;

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The system.
    pub system: &'a System,
    /// The same, compiled.
    pub compact: &'a Compact,
    /// The faults, resolved against it.
    pub scenario: &'a Scenario,
    /// Services whose part in the worst trials is asked.
    pub watch: &'a [ServiceId],
    /// Budget of each journey in user-minutes; empty when not asked.
    pub budgets: &'a [Option<f64>],
}

/// What is different about a service: after minus before.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDifference {
    /// Its name.
    pub name: String,
    /// P(impaired at any time).
    pub impaired: Estimate,
    /// Mean downtime in minutes; absent without a clock.
    pub downtime: Option<Estimate>,
}

/// What is different about a journey: after minus before.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyDifference {
    /// Its name.
    pub name: String,
    /// Mean downtime in minutes.
    pub downtime: Estimate,
    /// Mean user-minutes lost.
    pub user_minutes: Estimate,
    /// Mean user-minutes of wrong answers.
    pub integrity_minutes: Estimate,
}

/// Two simulations and what differs between them.
#[derive(Debug, Clone)]
pub struct Paired {
    /// As things are.
    pub before: Simulation,
    /// As they would be.
    pub after: Simulation,
    /// The integers behind both; absent where they are exact.
    pub samples: Option<(Sample, Sample)>,
    /// Share of the trials in which a service or journey fares differently; absent where the answers are exact.
    pub differing: Option<Estimate>,
    /// Mean reach, after minus before.
    pub reach: Estimate,
    /// Mean user-minutes lost, after minus before; absent without a clock.
    pub user_minutes: Option<Estimate>,
    /// Services that either side can impair, in the order of the first side; those of the second side alone follow.
    pub services: Vec<ServiceDifference>,
    /// Journeys, likewise; none without a clock.
    pub journeys: Vec<JourneyDifference>,
}

impl Paired {
    /// Does nothing differ, in any trial and any number?
    pub fn is_without_effect(&self) -> bool {
        let zero = |estimate: &Estimate| estimate.mean == 0.0;
        self.differing.is_none_or(|share| share.mean == 0.0)
            && zero(&self.reach)
            && self.user_minutes.iter().all(zero)
            && self.services.iter().all(|service| zero(&service.impaired) && service.downtime.iter().all(zero))
            && self
                .journeys
                .iter()
                .all(|journey| [&journey.downtime, &journey.user_minutes, &journey.integrity_minutes].into_iter().all(zero))
    }
}

/// Simulates both sides on the same random numbers. `precision`, `rare`, `series`, `rows`, `watch` and `budgets` of the request are
/// not used.
///
/// # Errors
/// As [`super::simulate`], for either side.
pub fn paired(before: Side<'_>, after: Side<'_>, request: &Request<'_>) -> Result<Paired, Diagnostic> {
    let no_rows = |_: &Rows| {};
    let of = |side: Side<'_>| Request {
        trials: request.trials,
        seed: request.seed,
        static_reach: request.static_reach,
        exact: request.exact,
        solver: request.solver,
        at: request.at.clone(),
        threads: request.threads,
        watch: side.watch.to_vec(),
        budgets: side.budgets.to_vec(),
        machine: request.machine,
        events_only: request.events_only,
        confidence: request.confidence,
        progress: request.progress,
        rows: Some(&no_rows),
        marks: true,
        ..Request::default()
    };
    let (ask_before, ask_after) = (of(before), of(after));
    with_run(before.system, before.compact, before.scenario, &ask_before, |first| {
        with_run(after.system, after.compact, after.scenario, &ask_after, |second| match request.exact {
            true => exactly(first, second),
            false => Ok(in_threads(request.threads, || sampled(first, second))),
        })
    })
}

fn exactly(first: &Run<'_>, second: &Run<'_>) -> Result<Paired, Diagnostic> {
    let (before, after) = (exact::solve(first)?, exact::solve(second)?);
    let by_name = Names::new(first, second);
    let services = |of: fn(&ServiceResult) -> f64| {
        let side = |run: &Run<'_>, simulation: &Simulation| {
            let named = simulation.services.iter().map(|result| (run.system.service_name(result.service).to_owned(), of(result)));
            named.collect::<HashMap<String, f64>>()
        };
        (side(first, &before), side(second, &after))
    };
    let (impaired, down) = (
        services(|result| result.impaired.mean),
        services(|result| result.times().map_or(0.0, |times| times.downtime.mean.mean)),
    );
    let less = |(before, after): &(HashMap<String, f64>, HashMap<String, f64>), name: &str| {
        certain(after.get(name).copied().unwrap_or(0.0) - before.get(name).copied().unwrap_or(0.0))
    };
    let timed = before.timed;
    let services = by_name.services.iter().map(|(name, ..)| ServiceDifference {
        name: name.clone(),
        impaired: less(&impaired, name),
        downtime: timed.then(|| less(&down, name)),
    });
    let journeys = by_name.journeys.iter().filter(|_| timed).map(|(name, a, b)| {
        let of = |pick: fn(&JourneyResult) -> f64| {
            let side = |simulation: &Simulation, at: Option<usize>| at.map_or(0.0, |at| pick(&simulation.journeys[at]));
            certain(side(&after, *b) - side(&before, *a))
        };
        JourneyDifference {
            name: name.clone(),
            downtime: of(|journey| journey.downtime.mean.mean),
            user_minutes: of(|journey| journey.user_minutes.mean.mean),
            integrity_minutes: of(|journey| journey.integrity_minutes.mean.mean),
        }
    });
    let (services, journeys) = (services.collect(), journeys.collect());
    let user_minutes = before.user_minutes.zip(after.user_minutes).map(|(a, b)| certain(b.mean.mean - a.mean.mean));
    Ok(Paired {
        reach: certain(after.reach.mean.mean - before.reach.mean.mean),
        user_minutes,
        services,
        journeys,
        samples: None,
        differing: None,
        before,
        after,
    })
}

fn sampled(first: &Run<'_>, second: &Run<'_>) -> Paired {
    let trials = first.request.trials;
    let confidence = first.request.confidence.unwrap_or(CONFIDENCE);
    let names = Names::new(first, second);
    let mut pairs = Pairs { discordant: vec![Discordant::default(); names.services.len()], differing: 0 };
    let mut samples: Option<(Sample, Sample)> = None;
    let labels = first.plan.labels().len().max(second.plan.labels().len());
    for window in Span::whole(trials).windows((MOST_MARKS / labels.max(1)).max(NARROWEST)) {
        let (mut a, mut b) = (first.gather(&window), second.gather(&window));
        pairs.add(&names, (&a, &b), &window);
        (a.forget_trials(), b.forget_trials());
        match &mut samples {
            Some((known_a, known_b)) => {
                known_a.merge(&a);
                known_b.merge(&b);
            }
            None => samples = Some((a, b)),
        }
    }
    let samples = samples.unwrap_or_default();
    let difference = |a: &BatchSums, b: &BatchSums, unit: fn(f64) -> f64| {
        let found = b.difference(a, trials, confidence);
        found.map(unit)
    };
    let none = (ServiceTally::default(), JourneyTally::default(), BatchSums::new());
    let timed = !first.request.static_reach;
    let services = names.services.iter().zip(&pairs.discordant).map(|((name, a, b), discordant)| {
        let down = |sample: &Sample, at: Option<usize>| {
            let tally = at.and_then(|at| sample.tally.services.get(at)).unwrap_or(&none.0);
            tally.times.as_deref().map_or_else(BatchSums::new, |times| times.downtime_sums())
        };
        ServiceDifference {
            name: name.clone(),
            impaired: discordant.difference(trials, confidence),
            downtime: timed.then(|| difference(&down(&samples.0, *a), &down(&samples.1, *b), minutes)),
        }
    });
    let services = services.collect();
    let journeys = names.journeys.iter().filter(|_| timed).map(|(name, a, b)| {
        let of = |pick: fn(&JourneyTally) -> &BatchSums, unit| {
            let side = |sample: &'_ Sample, at: Option<usize>| {
                at.and_then(|at| sample.tally.journeys.get(at)).map_or_else(BatchSums::new, |tally| pick(tally).clone())
            };
            difference(&side(&samples.0, *a), &side(&samples.1, *b), unit)
        };
        JourneyDifference {
            name: name.clone(),
            downtime: of(|tally| &tally.downtime.sums, minutes),
            user_minutes: of(|tally| &tally.user_minutes.sums, thousandths),
            integrity_minutes: of(|tally| &tally.integrity_minutes.sums, thousandths),
        }
    });
    let journeys = journeys.collect();
    let (a, b) = (&samples.0.tally, &samples.1.tally);
    Paired {
        reach: difference(&a.reach_sums, &b.reach_sums, |reach| reach),
        user_minutes: timed.then(|| difference(&a.user_minutes.sums, &b.user_minutes.sums, thousandths)),
        differing: Some(proportion(pairs.differing, trials, confidence)),
        before: first.concluded(&samples.0, confidence),
        after: second.concluded(&samples.1, confidence),
        services,
        journeys,
        samples: Some(samples),
    }
}

/// A name, and its positions on both sides.
type Named = (String, Option<usize>, Option<usize>);

/// What is on both sides, by name.
struct Names {
    /// Services by position among the labels.
    services: Vec<Named>,
    /// Journeys by position in the file.
    journeys: Vec<Named>,
}

impl Names {
    fn new(first: &Run<'_>, second: &Run<'_>) -> Self {
        let services = |run: &Run<'_>| -> Vec<String> {
            let mut ids: Vec<(ServiceId, usize)> =
                run.plan.labels().iter().enumerate().map(|(at, node)| (run.plan.services[*node as usize], at)).collect();
            ids.sort_unstable();
            let mut names = vec![String::new(); ids.len()];
            ids.iter().for_each(|(id, at)| names[*at] = run.system.service_name(*id).to_owned());
            names
        };
        let order = |run: &Run<'_>| -> Vec<usize> {
            let labels = run.plan.labels();
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by_key(|at| run.plan.services[labels[*at] as usize]);
            order
        };
        let journeys = |run: &Run<'_>| run.system.journeys().iter().map(|journey| journey.name.clone()).collect::<Vec<_>>();
        let (a, b) = (journeys(first), journeys(second));
        let in_file = |names: &[String]| (0..names.len()).collect::<Vec<_>>();
        Self {
            services: joined((&services(first), &order(first)), (&services(second), &order(second))),
            journeys: joined((&a, &in_file(&a)), (&b, &in_file(&b))),
        }
    }
}

/// Names of the first side in their order, then those of the second side alone.
fn joined((a, order_a): (&[String], &[usize]), (b, order_b): (&[String], &[usize])) -> Vec<Named> {
    let mut other: HashMap<&str, usize> = order_b.iter().map(|at| (b[*at].as_str(), *at)).collect();
    let mut all: Vec<Named> = Vec::with_capacity(a.len().max(b.len()));
    for at in order_a {
        all.push((a[*at].clone(), Some(*at), other.remove(a[*at].as_str())));
    }
    let alone = order_b.iter().filter(|at| other.contains_key(b[**at].as_str()));
    all.extend(alone.map(|at| (b[*at].clone(), None, Some(*at))));
    all
}

/// What trials of both sides differ in.
struct Pairs {
    discordant: Vec<Discordant>,
    differing: u64,
}

impl Pairs {
    fn add(&mut self, names: &Names, (a, b): (&Sample, &Sample), window: &Span) {
        let (width_a, width_b) = (a.tally.services.len(), b.tally.services.len());
        for (batch, number) in window.batches.clone().enumerate() {
            let mut any = differing_rows(&a.rows, &b.rows, batch, (names, window.total - number * BATCH));
            for ((_, at_a, at_b), discordant) in names.services.iter().zip(&mut self.discordant) {
                let mask =
                    |marks: &[Mask], width: usize, at: Option<usize>| at.map_or(Mask::NONE, |at| marks[batch * width + at]);
                let (before, after) = (mask(&a.marks, width_a, *at_a), mask(&b.marks, width_b, *at_b));
                let (gained, lost) = (after.without(before), before.without(after));
                discordant.merge(Discordant { gained: ones(&gained), lost: ones(&lost) });
                any = any.or(gained).or(lost);
            }
            self.differing += ones(&any);
        }
    }
}

fn ones(mask: &Mask) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Trials of a batch whose losses differ.
fn differing_rows(a: &Rows, b: &Rows, batch: usize, (names, left): (&Names, u64)) -> Mask {
    let mut differing = Mask::NONE;
    let journeys = |rows: &Rows| if rows.reach.is_empty() { 0 } else { rows.milli_user_minutes.len() / rows.reach.len() };
    let (width_a, width_b) = (journeys(a), journeys(b));
    if width_a + width_b == 0 {
        return differing;
    }
    for lane in 0..left.min(BATCH) {
        let trial = batch * BATCH as usize + lane as usize;
        let lost = |rows: &Rows, width: usize, at: Option<usize>| {
            at.and_then(|at| rows.milli_user_minutes.get(trial * width + at)).copied().unwrap_or(0)
        };
        if names.journeys.iter().any(|(_, at_a, at_b)| lost(a, width_a, *at_a) != lost(b, width_b, *at_b)) {
            differing[(lane / 64) as usize] |= 1 << (lane % 64);
        }
    }
    differing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::model::draft::{Draft, DraftDependency, Nowhere};
    use crate::model::facts::{Belief, Dependency, Journey, Service};
    use crate::units::{DependencyId, Probability};

    /// V4 of model.md: s>a .9, a>b .8, a>c .7, b>t .6, c>t .5; people use t.
    fn v4() -> System {
        let mut draft = Draft::default();
        for name in ["s", "a", "b", "c", "t"] {
            draft.services.push((name.to_owned(), Service::default()));
        }
        for (to, from, p) in [("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)] {
            let facts = Dependency {
                probability: Some(Belief { mean: Probability::clipped(p), strength: None }),
                ..Dependency::default()
            };
            draft.dependencies.push(DraftDependency { from: from.to_owned(), to: to.to_owned(), kind: None, facts });
        }
        let needs = vec!["t".to_owned()];
        draft.journeys.push(("use".to_owned(), Journey { needs, users_per_minute: Some(10.0), ..Journey::default() }));
        System::build(draft, &Nowhere).expect("valid")
    }

    fn compared(after: &System, request: &Request<'_>) -> Paired {
        let before = v4();
        let compact = [Compact::new(&before), Compact::new(after)];
        let fault = [Fault::new(FaultKind::Crash, "s")];
        let scenarios =
            [(&before, &compact[0]), (after, &compact[1])].map(|(system, compact)| Scenario::new(system, compact, &fault, None));
        let [first, second] = scenarios.map(|scenario| scenario.expect("a scenario"));
        let side = |system, compact, scenario| Side { system, compact, scenario, watch: &[], budgets: &[] };
        let found = paired(side(&before, &compact[0], &first), side(after, &compact[1], &second), request);
        found.expect("comparable")
    }

    fn v17() -> System {
        v4().with_probability(DependencyId(4), Probability::clipped(0.1))
    }

    fn service<'a>(found: &'a Paired, name: &str) -> &'a ServiceDifference {
        found.services.iter().find(|service| service.name == name).expect(name)
    }

    #[test]
    fn v17_exactly_and_sampled() {
        let exact = compared(&v17(), &Request { static_reach: true, exact: true, ..Request::default() });
        let t = service(&exact, "t").impaired;
        assert!((t.mean + 0.131_04).abs() < 1e-12 && t.interval.low == t.mean, "{t:?}");
        assert!((exact.reach.mean + 0.131_04).abs() < 1e-12 && !exact.is_without_effect());
        let request = Request { trials: 40_000, static_reach: true, seed: crate::random::Seed(3), ..Request::default() };
        let sampled = compared(&v17(), &request);
        let t = service(&sampled, "t").impaired;
        assert!(t.interval.contains(-0.131_04), "{t:?}");
        // Variance of a paired difference is p(1 − p) with p = 0.131, of two independent runs twice as much and more.
        assert!(t.interval.high - t.interval.low < 0.0070, "{t:?}");
        let differing = sampled.differing.expect("sampled");
        assert!((differing.mean + t.mean).abs() < 1e-12, "who differs is t alone");
        assert_eq!(service(&sampled, "a").impaired.mean, 0.0);
    }

    #[test]
    fn a_change_without_effect_says_so() {
        for static_reach in [true, false] {
            let found = compared(&v4(), &Request { trials: 2_000, static_reach, ..Request::default() });
            assert!(found.is_without_effect());
            assert_eq!((found.before, found.differing.map(|share| share.mean)), (found.after, Some(0.0)));
        }
    }

    #[test]
    fn both_sides_are_the_simulations_that_are_run_alone() {
        let (system, fault) = (v17(), [Fault::new(FaultKind::Crash, "s")]);
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &fault, None).expect("a scenario");
        for static_reach in [true, false] {
            let request = Request { trials: 1_500, static_reach, ..Request::default() };
            let alone = super::super::simulate(&system, &compact, &scenario, &request).expect("simulated");
            assert_eq!(compared(&system, &request).after, alone);
        }
    }

    #[test]
    fn threads_and_events_change_no_byte() {
        let ask = |threads, events_only| {
            let found = compared(&v17(), &Request { trials: 9_000, threads: Some(threads), events_only, ..Request::default() });
            (found.services, found.journeys, found.reach, found.user_minutes, found.differing)
        };
        let one = ask(1, false);
        assert_eq!(one, ask(3, false));
        assert_eq!(one, ask(2, true));
    }

    #[test]
    fn intervals_of_differences_cover() {
        // 200 seeds, 1,024 trials each: the truth is −0.13104 for P(t) and for mean reach. With a true coverage of 0.95, fewer than
        // 178 or more than 199 of 200 have a probability below 1e-3.
        let covered = |of: fn(&Paired) -> Estimate| {
            let seeds = (0..200).filter(|seed| {
                let request =
                    Request { trials: 1_024, static_reach: true, seed: crate::random::Seed(*seed), ..Request::default() };
                of(&compared(&v17(), &request)).interval.contains(-0.131_04)
            });
            seeds.count()
        };
        let (services, reach) = (covered(|found| service(found, "t").impaired), covered(|found| found.reach));
        assert!((178..200).contains(&services) && (178..200).contains(&reach), "{services} {reach}");
    }
}
