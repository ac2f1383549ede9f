//! How much of the spread of an answer more facts would remove.
//!
//! Two levels: what is not known (the probabilities θ, drawn once for each outer replicate) and what is chance (everything
//! else, drawn in each trial). With L the reach or the user-minutes of a trial,
//!
//! ```text
//! Var(L) = E[Var(L | θ)] + Var(E[L | θ]),    reducible share = Var(E[L | θ]) / Var(L).
//! ```
//!
//! Drawing each probability by itself in every trial would change nothing: a mixed Bernoulli is a Bernoulli with the mean. So a
//! class of dependencies has one number u per replicate, and each of its members takes the quantile u of its own Beta: members
//! with the same Beta have the same probability, and every single one keeps its law and its mean. That is the strongest sharing
//! there can be within a class, none between classes.
//!
//! The numbers u of a class are a Latin hypercube over the replicates: one in each of R equal strata, in an order of its own. All
//! replicates use the random numbers of the ordinary run, so they differ by θ alone. The variance between the means of n
//! trials contains at most Var(L | θ)/n of chance: the share is high by at most 1/n. Its interval is by the jackknife over
//! replicates, which takes them as independent and so is rather wide.
//!
//! Source: model.md §3.4; McKay, Beckman and Conover 1979 (Latin hypercubes); Efron 1982 (jackknife).

use super::result::{Simulation, certain};
use super::run::{Request, simulate};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::model::belief::{Uncertain, uncertain};
use crate::model::structure::harmed_from;
use crate::model::{Compact, System};
use crate::random::{Draws, Purpose, Seed};
use crate::statistics::{Estimate, Interval, beta, normal, quantile};
use crate::units::{DependencyId, Probability};
use std::collections::BTreeMap;

const CONFIDENCE: f64 = 0.95;

/// The spread of one quantity, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Mean over both levels.
    pub mean: f64,
    /// Where E[L | θ] lies in 90 % of the replicates.
    pub range: Interval,
    /// Standard deviation of E[L | θ]: what facts would remove.
    pub between: f64,
    /// Root of E[Var(L | θ)]: what no fact removes.
    pub within: f64,
    /// Var(E[L | θ]) / Var(L); 0 where nothing varies.
    pub reducible_share: Estimate,
}

/// What two levels of uncertainty say.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertainty {
    /// Outer replicates.
    pub replicates: u64,
    /// Dependencies in the fault's reach whose probability is a belief.
    pub dependencies: usize,
    /// Their classes in alphabetical order, each with its number of dependencies.
    pub classes: Vec<(&'static str, usize)>,
    /// Services impaired at any time.
    pub reach: Spread,
    /// P(reach = n) over both levels, ascending in n.
    pub reach_distribution: Vec<(u64, f64)>,
    /// User-minutes lost; absent without a clock or without journeys.
    pub user_minutes: Option<Spread>,
}

impl Uncertainty {
    /// Of the user-minutes, or of the reach where nobody counts users.
    pub fn reducible_share(&self) -> Estimate {
        self.user_minutes.as_ref().unwrap_or(&self.reach).reducible_share
    }

    /// P(reach ≥ n) over both levels.
    pub fn reach_at_least(&self, count: u64) -> f64 {
        self.reach_distribution.iter().filter(|(n, _)| *n >= count).map(|(_, p)| p).sum()
    }
}

/// Simulates the scenario once for each of `replicates` (at least 2) draws of what is not known about probabilities.
///
/// # Errors
/// As [`simulate`].
pub fn uncertainty(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    replicates: u64,
) -> Result<Uncertainty, Diagnostic> {
    let beliefs = within_reach(system, compact, scenario);
    // Without beliefs all replicates are the same.
    let replicates = if beliefs.is_empty() { 1 } else { replicates.max(2) };
    let mut classes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for belief in &beliefs {
        *classes.entry(belief.class).or_default() += 1;
    }
    let levels: BTreeMap<&str, Vec<f64>> =
        classes.keys().map(|class| (*class, hypercube(request.seed, class, replicates))).collect();
    let (mut reach, mut lost, mut distribution) = (Vec::new(), Vec::new(), BTreeMap::<u64, f64>::new());
    let draw = |replicate: usize| -> Vec<(DependencyId, Probability)> {
        let of = |belief: &Uncertain| {
            let (a, b) = belief.beta();
            (belief.dependency, Probability::clipped(beta::quantile(a, b, levels[belief.class][replicate])))
        };
        beliefs.iter().map(of).collect()
    };
    for drawn in (0..replicates as usize).map(draw) {
        let simulation = simulate(&system.with_probabilities(&drawn), compact, scenario, &inner(request))?;
        reach.push((simulation.reach.mean.mean, simulation.reach.standard_deviation.powi(2)));
        lost.extend(moments_of_loss(&simulation));
        for (count, p) in simulation.reach.distribution {
            *distribution.entry(count).or_default() += p / replicates as f64;
        }
    }
    Ok(Uncertainty {
        replicates,
        dependencies: beliefs.len(),
        classes: classes.into_iter().collect(),
        reach: spread(&reach),
        reach_distribution: distribution.into_iter().collect(),
        user_minutes: (!lost.is_empty()).then(|| spread(&lost)),
    })
}

/// The same request without what only the ordinary run needs.
fn inner<'a>(request: &Request<'a>) -> Request<'a> {
    Request {
        trials: request.trials,
        seed: request.seed,
        static_reach: request.static_reach,
        exact: request.exact,
        solver: request.solver,
        at: request.at.clone(),
        threads: request.threads,
        machine: request.machine,
        progress: request.progress,
        ..Request::default()
    }
}

fn moments_of_loss(simulation: &Simulation) -> Option<(f64, f64)> {
    let lost = simulation.user_minutes.as_ref().filter(|_| !simulation.journeys.is_empty())?;
    Some((lost.mean.mean, lost.standard_deviation.powi(2)))
}

/// Beliefs about dependencies that the faults can use.
fn within_reach(system: &System, compact: &Compact, scenario: &Scenario) -> Vec<Uncertain> {
    let sources = scenario.source_nodes().into_iter().chain(scenario.surge.nodes.iter().copied());
    let reached = harmed_from(compact, sources);
    let is_reached = |endpoint| reached.contains(compact.node(endpoint) as usize);
    let mut beliefs = uncertain(system);
    beliefs.retain(|belief| is_reached(system.consumer(belief.dependency)) && is_reached(system.provider(belief.dependency)));
    beliefs
}

/// One number in each of so many equal parts of 0..1, in an order that depends on seed and class only.
fn hypercube(seed: Seed, class: &str, replicates: u64) -> Vec<f64> {
    let key = seed.named(Purpose::Uncertainty, class);
    let mut strata: Vec<(f64, u64, f64)> = (0..replicates)
        .map(|stratum| {
            let mut draws = Draws::new(key, stratum);
            (draws.uniform(), stratum, draws.uniform())
        })
        .collect();
    strata.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    strata.into_iter().map(|(_, stratum, inside)| (stratum as f64 + inside) / replicates as f64).collect()
}

/// From (mean, variance) of each replicate. O(R log R).
fn spread(replicates: &[(f64, f64)]) -> Spread {
    let count = replicates.len();
    let n = count as f64;
    let mean = replicates.iter().map(|(mean, _)| mean).sum::<f64>() / n;
    // Deviations from the mean: sums of squares of large numbers would lose their digits.
    let squares: f64 = replicates.iter().map(|(of, _)| (of - mean).powi(2)).sum();
    let chance: f64 = replicates.iter().map(|(_, variance)| variance).sum();
    let share = |squares: f64, chance: f64, count: f64| {
        let (between, within) = (if count > 1.0 { squares / (count - 1.0) } else { 0.0 }, chance / count);
        if between + within > 0.0 { between / (between + within) } else { 0.0 }
    };
    let whole = share(squares, chance, n);
    let mut means: Vec<f64> = replicates.iter().map(|(mean, _)| *mean).collect();
    means.sort_by(f64::total_cmp);
    let at = |q: f64| means[(quantile::rank(count as u64, q).max(1) - 1) as usize];
    Spread {
        mean,
        range: Interval { low: at(0.05), high: at(0.95) },
        between: if count > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 },
        within: (chance / n).sqrt(),
        reducible_share: if count < 3 {
            // Two replicates leave no room for an interval.
            let interval = if count == 1 { Interval { low: 0.0, high: 0.0 } } else { Interval { low: 0.0, high: 1.0 } };
            Estimate { mean: whole, interval }
        } else if squares == 0.0 {
            certain(0.0)
        } else {
            // Without replicate i the squares are less by n/(n − 1) of its own.
            let without = |(of, variance): &(f64, f64)| {
                share((squares - (of - mean).powi(2) * n / (n - 1.0)).max(0.0), chance - variance, n - 1.0)
            };
            let left: Vec<f64> = replicates.iter().map(without).collect();
            let centre = left.iter().sum::<f64>() / n;
            let variance = (n - 1.0) / n * left.iter().map(|value| (value - centre).powi(2)).sum::<f64>();
            let half = -normal::student_t_quantile(0.5 * (1.0 - CONFIDENCE), n - 1.0) * variance.sqrt();
            Estimate { mean: whole, interval: Interval { low: (whole - half).max(0.0), high: (whole + half).min(1.0) } }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hypercube_has_one_number_in_each_stratum() {
        let mut numbers = hypercube(Seed(3), "soft", 40);
        assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]), "shuffled");
        assert_ne!(numbers, hypercube(Seed(3), "hard", 40), "classes are independent");
        numbers.sort_by(f64::total_cmp);
        assert!(numbers.iter().enumerate().all(|(at, u)| (u * 40.0).floor() == at as f64));
    }

    #[test]
    fn shares_follow_their_definition() {
        // Means 1 and 3 and 5 (variance 4) around a variance of 12 within.
        let found = spread(&[(1.0, 12.0), (5.0, 10.0), (3.0, 14.0)]);
        assert_eq!((found.mean, found.between, found.reducible_share.mean), (3.0, 2.0, 0.25));
        assert!((found.within - 12.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!((found.range.low, found.range.high), (1.0, 5.0));
        assert!(found.reducible_share.interval.contains(0.25));
        assert_eq!(spread(&[(4.0, 0.0)]).reducible_share, certain(0.0));
        assert_eq!(spread(&[(4.0, 1.0); 5]).reducible_share, certain(0.0));
        assert_eq!(spread(&[(1.0, 0.0), (2.0, 0.0), (4.0, 0.0)]).reducible_share.mean, 1.0);
    }

    #[test]
    fn the_jackknife_is_that_of_recomputation() {
        let all = [(1.0, 3.0), (2.5, 2.0), (4.0, 5.0), (2.0, 1.0), (7.0, 4.0)];
        let left: Vec<f64> = (0..all.len())
            .map(|out| {
                let rest: Vec<(f64, f64)> =
                    all.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, replicate)| *replicate).collect();
                spread(&rest).reducible_share.mean
            })
            .collect();
        let centre = left.iter().sum::<f64>() / 5.0;
        let error = (0.8 * left.iter().map(|value| (value - centre).powi(2)).sum::<f64>()).sqrt();
        let found = spread(&all).reducible_share;
        let half = 2.776_445 * error;
        assert!((found.interval.low - (found.mean - half).max(0.0)).abs() < 1e-6, "{found:?} {half}");
        assert!((found.interval.high - (found.mean + half).min(1.0)).abs() < 1e-6, "{found:?} {half}");
    }
}
