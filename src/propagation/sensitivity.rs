//! How mean reach depends on the probability of each dependency.
//!
//! *All at once.* With L the reach of a trial, X whether the draw of a dependency lets the failure through and p its chance,
//!
//! ```text
//! ∂E[L]/∂p = E[L·(X − p)] / (p(1 − p)) = E[L | X = 1] − E[L | X = 0]          (score function)
//! ```
//!
//! needs no trial but those that are run anyway: the numbers of trials with X = 1, and the sums of L and of L² over them. Because
//! `E[X − p] = 0`, L is taken from its mean, which changes no expectation and removes most of the variance. A draw that decides
//! several channels has several thresholds. The stated probability moves one of them, and then the derivative is the mean of L
//! just below that threshold minus the mean just above it, each up to the next threshold; with one threshold this is the formula.
//!
//! *The largest ones exactly.* For these the same trials are run twice more, with the dependency always and never letting the
//! failure through: Birnbaum `E[L₁ − L₀]`, Fussell–Vesely `1 − E[L₀]/E[L]`, risk achievement worth `E[L₁]/E[L]`. Both runs share all
//! other random numbers, so the intervals, by batches, are those of paired differences and ratios. "Never" means on no channel.
//!
//! *What one more run teaches.* Where a probability is a belief, an experiment makes it firmer, and with it mean reach: the expected
//! fall of its variance is I²·Var(p)/(strength + 1) with the derivative I (`statistics::learning`). To first order, and as if
//! dependencies of one class taught nothing about each other.
//!
//! Without a clock. O(trials/512 × (dependencies + propagation × (1 + 2·flips))); integers only, so parts add up in any order.
//!
//! Source: model.md §3.6 and §4; Birnbaum 1969; Fussell 1975; Rubinstein 1989 (score function); §6 (experiments).

use super::conclude::CONFIDENCE;
use super::count::{PLANES, count_at, reach_planes};
use super::plan::Plan;
use super::reach::{Batch, Question, Reached, SampledWorlds, Worlds};
use super::result::certain;
use super::run::{Request, Run, ranges, with_run};
use super::threads::in_threads;
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Lanes, Mask};
use crate::model::belief::uncertain_dependency;
use crate::model::compact::dependency_of;
use crate::model::{Compact, System};
use crate::random::{Key, LANES, Threshold, batch_key, below_mask};
use crate::statistics::batch::{BatchSums, batch_of};
use crate::statistics::{BetaBelief, Estimate, Interval, normal};
use crate::units::DependencyId;
use rayon::prelude::*;
use std::collections::HashMap;

/// How mean reach changes with the probability of one dependency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity {
    /// Which.
    pub dependency: DependencyId,
    /// Its probability.
    pub probability: f64,
    /// Mean reach by probability, in services. Its interval is unknown where fewer than 30 trials lie on either side, or all of
    /// them reach as far.
    pub derivative: Estimate,
    /// Standard error of the derivative.
    pub standard_error: f64,
    /// By how much one more run of an experiment would make the variance of mean reach smaller, in services²; `None` where the
    /// probability is stated as known.
    pub expected_variance_reduction: Option<Estimate>,
}

/// How much of the reach one dependency carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flip {
    /// Which.
    pub dependency: DependencyId,
    /// Mean reach when it always lets the failure through.
    pub crossing: Estimate,
    /// Mean reach when it never does.
    pub cut: Estimate,
    /// The difference.
    pub birnbaum: Estimate,
    /// Share of mean reach that is gone without it.
    pub fussell_vesely: Estimate,
    /// Mean reach over what it is now, when it always lets the failure through.
    pub achievement_worth: Estimate,
}

/// What mean reach depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensitivities {
    /// Trials.
    pub trials: u64,
    /// Mean reach as things are.
    pub reach: Estimate,
    /// Every dependency on the way of the failure whose probability is neither 0 nor 1, in file order.
    pub dependencies: Vec<Sensitivity>,
    /// Dependencies on the way whose probability is 0 or 1.
    pub n_certain: usize,
    /// Those with the largest derivatives, the largest first; those that nothing is known of last.
    pub flips: Vec<Flip>,
}

/// Derivatives for all dependencies, and exact differences for the `flips` largest. `exact`, `rare`, `precision` and `rows` of the
/// request are not used.
///
/// # Errors
/// As [`super::simulate`] without a clock.
pub fn sensitivities(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    flips: usize,
) -> Result<Sensitivities, Diagnostic> {
    let request = Request {
        trials: request.trials,
        seed: request.seed,
        threads: request.threads,
        machine: request.machine,
        confidence: request.confidence,
        progress: request.progress,
        static_reach: true,
        ..Request::default()
    };
    with_run(system, compact, scenario, &request, |run| Ok(in_threads(request.threads, || found(run, flips))))
}

fn found(run: &Run<'_>, flips: usize) -> Sensitivities {
    let confidence = run.request.confidence.unwrap_or(CONFIDENCE);
    let all = OnTheWay::new(run.plan, run.compact);
    let n_draws = all.draws.len();
    let scores =
        in_batches((run, n_draws), || Scores::new(n_draws), |at, scores, batch| scores.add(run, &all, at, batch), Scores::merge);
    let trials = run.request.trials;
    let sensitivity = |(draw, score): (&Draw, &Score)| {
        let belief = uncertain_dependency(run.system, draw.dependency).and_then(|known| {
            let (a, b) = known.beta();
            BetaBelief::new(a, b)
        });
        draw.sensitivity(score, &scores, belief, (trials, confidence))
    };
    let dependencies: Vec<Sensitivity> = all.draws.iter().zip(&scores.draws).map(sensitivity).collect();
    let mut order: Vec<usize> = (0..dependencies.len()).collect();
    let size = |at: usize| dependencies[at].derivative.mean.abs();
    let is_unknown = |at: usize| dependencies[at].derivative.interval.is_unknown();
    // Those that nothing can be said of come last; of equals the first in file order.
    order.sort_by(|a, b| is_unknown(*a).cmp(&is_unknown(*b)).then(size(*b).total_cmp(&size(*a))).then(a.cmp(b)));
    order.truncate(flips);
    let sums = in_batches(
        (run, order.len()),
        || vec![FlipSums::default(); order.len()],
        |at, sums, batch| flipped((run, &all, &order), at, sums, batch),
        |mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
            a
        },
    );
    let flip = |(at, sums): (&usize, &FlipSums)| sums.flip(all.draws[*at].dependency, &scores.by_batch, trials, confidence);
    Sensitivities {
        trials,
        reach: scores.by_batch.estimate(trials, confidence),
        flips: order.iter().zip(&sums).map(flip).collect(),
        dependencies,
        n_certain: all.n_certain,
    }
}

/// Goes through all batches, on all threads; a result is about so many entities.
fn in_batches<T: Send>(
    (run, entities): (&Run<'_>, usize),
    none: impl Fn() -> T + Sync + Send,
    work: impl Fn(&mut WorkSpace, &mut T, Batch) + Sync + Send,
    merge: impl Fn(T, T) -> T + Sync + Send,
) -> T {
    let trials = run.request.trials;
    let labels = run.plan.labels();
    ranges(&(0..trials.div_ceil(BATCH)), entities)
        .into_par_iter()
        .map_init(
            || WorkSpace { reached: Reached::default(), labels: labels.clone() },
            |space, range| {
                let mut known = none();
                for number in range {
                    let lanes = (trials - number * BATCH).min(BATCH);
                    work(space, &mut known, Batch { number, lanes });
                    run.request.progress.iter().for_each(|progress| progress(lanes));
                }
                known
            },
        )
        .reduce(&none, merge)
}

/// What a thread works with; reused from batch to batch.
struct WorkSpace {
    reached: Reached,
    labels: Vec<u32>,
}

impl WorkSpace {
    /// Reach of the trials of a batch, as binary digits.
    fn planes(&mut self, run: &Run<'_>, worlds: &impl Worlds, batch: Batch) -> [Mask; PLANES] {
        self.reached.start(run.plan, run.scenario, run.request.seed, batch);
        self.reached.propagate(run.machine(), run.plan, worlds);
        reach_planes(&self.reached, run.machine(), &self.labels, batch)
    }
}

/// Sum of the numbers whose digits are given, over the trials of a mask.
fn sum_over(planes: &[Mask], trials: &Mask) -> u128 {
    let ones = |plane: &Mask| -> u32 { plane.iter().zip(trials.iter()).map(|(a, b)| (a & b).count_ones()).sum() };
    planes.iter().enumerate().map(|(digit, plane)| u128::from(ones(plane)) << digit).sum()
}

/// Digits of the squares of numbers whose digits are given. O(512 × digits).
fn squares_of(planes: &[Mask]) -> Vec<Mask> {
    let mut squares = vec![Mask::NONE; 2 * planes.len()];
    for lane in 0..BATCH {
        let (word, bit) = ((lane / LANES) as usize, lane % LANES);
        let mut rest = count_at(planes, lane).pow(2);
        while rest != 0 {
            squares[rest.trailing_zeros() as usize][word] |= 1 << bit;
            rest &= rest - 1;
        }
    }
    squares
}

/// Trials on either side of a threshold that it takes at least for an interval by the normal law: by textbook, 30.
const FEWEST: u64 = 30;

/// The draw of a dependency.
struct Draw {
    dependency: DependencyId,
    key: Key,
    /// The threshold that its probability moves, and the nearest that it does not.
    below: Threshold,
    at: Threshold,
    above: Threshold,
}

/// All dependencies that a failure can use.
struct OnTheWay {
    /// In file order.
    draws: Vec<Draw>,
    n_certain: usize,
    /// For each arc of the plan the dependency it belongs to.
    of_arc: Vec<Option<DependencyId>>,
}

impl OnTheWay {
    /// Goes through the arcs of a plan, which are those of the compiled graph between its nodes, in the same order.
    fn new(plan: &Plan, compact: &Compact) -> Self {
        let arcs = plan.nodes.iter().flat_map(|node| compact.arcs_into(*node));
        let within = arcs.filter(|arc| plan.local(compact.in_provider[*arc]).is_some());
        let of_arc: Vec<Option<DependencyId>> = within.map(|arc| dependency_of(compact.in_dependency[arc])).collect();
        debug_assert_eq!(of_arc.len(), plan.in_key.len(), "a plan keeps every arc between its nodes");
        let mut known: HashMap<DependencyId, Draw> = HashMap::new();
        for (arc, dependency) in of_arc.iter().enumerate() {
            let Some(dependency) = *dependency else { continue };
            let rule = (!plan.in_rule.is_empty()).then(|| &plan.rules[plan.rule(arc) as usize]);
            let at = rule.map_or(plan.in_threshold.get(arc), |rule| rule.live);
            let draw = known.entry(dependency).or_insert_with(|| Draw {
                dependency,
                key: plan.in_key[arc],
                below: Threshold::NEVER,
                at,
                above: Threshold::ALWAYS,
            });
            for other in rule.into_iter().flat_map(|rule| [rule.errors, rule.latency, rule.data]) {
                if other < at {
                    draw.below = draw.below.max(other);
                } else if other > at {
                    draw.above = draw.above.min(other);
                }
            }
        }
        let is_certain = |draw: &Draw| matches!(draw.at, Threshold::NEVER | Threshold::ALWAYS);
        let mut draws: Vec<Draw> = known.into_values().collect();
        let all = draws.len();
        draws.retain(|draw| !is_certain(draw));
        draws.sort_unstable_by_key(|draw| draw.dependency);
        Self { n_certain: all - draws.len(), draws, of_arc }
    }
}

impl Draw {
    /// The derivative and its error: the mean and the variance of (L − mean)·(1[below]/w₁ − 1[above]/w₂).
    fn sensitivity(
        &self,
        score: &Score,
        all: &Scores,
        belief: Option<BetaBelief>,
        (trials, confidence): (u64, f64),
    ) -> Sensitivity {
        let p = Threshold::probability;
        let (w1, w2) = (p(self.at) - p(self.below), p(self.above) - p(self.at));
        let n = trials.max(1) as f64;
        let mean = all.by_batch.total() as f64 / n;
        let [low, high] = [&score.below, &score.above].map(|zone| zone.about(mean));
        let derivative = (low.0 / w1 - high.0 / w2) / (n - 1.0).max(1.0);
        let squares = (low.1 / (w1 * w1) + high.1 / (w2 * w2)) / n;
        let standard_error = ((squares - derivative * derivative).max(0.0) / (n - 1.0).max(1.0)).sqrt();
        let half = -normal::quantile(0.5 * (1.0 - confidence)) * standard_error;
        // Trials that all reach as far say nothing about others.
        let is_known = score.below.trials.min(score.above.trials) >= FEWEST && standard_error > 0.0;
        let interval = if is_known { Interval { low: derivative - half, high: derivative + half } } else { Interval::UNKNOWN };
        let derivative = Estimate { mean: derivative, interval };
        Sensitivity {
            dependency: self.dependency,
            probability: p(self.at),
            derivative,
            standard_error,
            expected_variance_reduction: belief.map(|belief| belief.variance_reduction_of(derivative, standard_error, 1.0)),
        }
    }
}

/// Trials whose number lies on one side of a threshold: how many, the sum of their reach, and of its squares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Zone {
    trials: u64,
    sum: u128,
    squares: u128,
}

impl Zone {
    fn add(&mut self, trials: &Mask, planes: &[Mask], squares: &[Mask]) {
        self.trials += trials.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        self.sum += sum_over(planes, trials);
        self.squares += sum_over(squares, trials);
    }

    fn merge(&mut self, other: &Self) {
        self.trials += other.trials;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Σ (L − c) and Σ (L − c)².
    fn about(&self, c: f64) -> (f64, f64) {
        let (n, sum, squares) = (self.trials as f64, self.sum as f64, self.squares as f64);
        (sum - c * n, (squares - 2.0 * c * sum + c * c * n).max(0.0))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Score {
    below: Zone,
    above: Zone,
}

/// What a pass over trials adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Scores {
    by_batch: BatchSums,
    draws: Vec<Score>,
}

impl Scores {
    fn new(draws: usize) -> Self {
        Self { by_batch: BatchSums::new(), draws: vec![Score::default(); draws] }
    }

    fn add(&mut self, run: &Run<'_>, all: &OnTheWay, space: &mut WorkSpace, batch: Batch) {
        let planes = space.planes(run, &SampledWorlds::new(batch.number), batch);
        let planes = &planes[..planes.iter().rposition(|plane| !plane.is_none()).map_or(0, |last| last + 1)];
        let squares = squares_of(planes);
        add_by_batch(&mut self.by_batch, planes, batch, run.request.trials);
        let (key, valid) = (batch_key(batch.number), Mask::first(batch.lanes));
        for (draw, score) in all.draws.iter().zip(&mut self.draws) {
            let below = |threshold| below_mask(&key, draw.key, threshold, &valid);
            let at = below(draw.at);
            let low = if draw.below == Threshold::NEVER { at } else { at.without(below(draw.below)) };
            score.below.add(&low, planes, &squares);
            score.above.add(&below(draw.above).without(at), planes, &squares);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.by_batch.merge(&other.by_batch);
        self.draws.iter_mut().zip(&other.draws).for_each(|(mine, theirs)| {
            mine.below.merge(&theirs.below);
            mine.above.merge(&theirs.above);
        });
        self
    }
}

/// Adds the numbers of a batch of trials to the sums of the batches of the mean: 512 trials lie in a few of these at most, as a rule
/// in one.
fn add_by_batch(sums: &mut BatchSums, planes: &[Mask], batch: Batch, trials: u64) {
    let start = batch.number * BATCH;
    let mut lane = 0;
    while lane < batch.lanes {
        let of = batch_of(start + lane, trials);
        let end = (lane..batch.lanes).find(|later| batch_of(start + later, trials) != of).unwrap_or(batch.lanes);
        let within = Mask::between(lane as usize..end as usize);
        sums.add(of, sum_over(planes, &within) as u64);
        lane = end;
    }
}

/// Worlds in which one dependency always or never lets the failure through.
struct FlippedWorlds<'a> {
    sampled: SampledWorlds,
    of_arc: &'a [Option<DependencyId>],
    dependency: DependencyId,
    crosses: bool,
}

impl Worlds for FlippedWorlds<'_> {
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, question: Question, key: Key, threshold: Threshold, need: V) -> V {
        if self.of_arc[question.arc] != Some(self.dependency) || question.of == Question::VALIDATOR {
            return self.sampled.ask(machine, question, key, threshold, need);
        }
        // What is too small to harm does not, however surely it crosses.
        if self.crosses && threshold != Threshold::NEVER { need } else { V::splat(machine, 0) }
    }
}

/// Runs a batch twice for each dependency of a list.
fn flipped((run, all, order): (&Run<'_>, &OnTheWay, &[usize]), space: &mut WorkSpace, sums: &mut [FlipSums], batch: Batch) {
    for (at, sums) in order.iter().zip(sums) {
        let dependency = all.draws[*at].dependency;
        for (crosses, sums) in [(true, &mut sums.crossing), (false, &mut sums.cut)] {
            let worlds = FlippedWorlds { sampled: SampledWorlds::new(batch.number), of_arc: &all.of_arc, dependency, crosses };
            add_by_batch(sums, &space.planes(run, &worlds, batch), batch, run.request.trials);
        }
    }
}

/// Reach with one dependency always and never letting the failure through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct FlipSums {
    crossing: BatchSums,
    cut: BatchSums,
}

impl FlipSums {
    fn merge(&mut self, other: &Self) {
        self.crossing.merge(&other.crossing);
        self.cut.merge(&other.cut);
    }

    fn flip(&self, dependency: DependencyId, now: &BatchSums, trials: u64, confidence: f64) -> Flip {
        let is_any = now.total() > 0;
        let gone = now.minus(&self.cut).ratio_to(now, trials, confidence);
        let worth = self.crossing.ratio_to(now, trials, confidence);
        Flip {
            dependency,
            crossing: self.crossing.estimate(trials, confidence),
            cut: self.cut.estimate(trials, confidence),
            birnbaum: self.crossing.minus(&self.cut).estimate(trials, confidence),
            fussell_vesely: if is_any { gone } else { certain(0.0) },
            achievement_worth: if is_any { worth } else { certain(1.0) },
        }
    }
}
