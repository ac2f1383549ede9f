//! Exact answers by enumeration: every outcome of every uncertain arc, weighted by its probability.
//!
//! General reachability is #P-hard (Provan, Ball 1983); enumeration is meant for up to [`LIMIT`] uncertain arcs. It shares the
//! kernels with the sampler and so checks the sampling, not the transfer rules; those are checked by hand-worked cases and a
//! separate reference in the tests. O(2^uncertain × arcs), 512 worlds at a time without a clock.

use super::count::lists_of;
use super::plan::Plan;
use super::reach::Reached;
use super::result::{JourneyResult, Method, Reach, ServiceResult, ServiceTimesResult, Simulation, Summary, Watched, certain};
use super::run::{Run, budget, minutes, thousandths};
use super::starved::{Downstream, StarvedWorlds, Starving};
use super::timeline::{Timeline, Trial};
use super::worlds::{ExactTrial, Script, Worldset, too_large, world_masks};
use crate::diagnostic::Diagnostic;
use crate::fault::trial::Hits;
use crate::lanes::{BATCH, Machine, Mask};
use crate::model::System;
use crate::random::LANES;
use crate::statistics::Interval;
use std::collections::BTreeMap;

/// The most uncertain arcs (two-way outcomes) that are enumerated.
pub const LIMIT: u32 = 22;

/// A distribution by value; what is missing to 1 is at 0.
#[derive(Debug, Default, Clone)]
struct Weighted(BTreeMap<u64, f64>);

impl Weighted {
    fn add(&mut self, value: u64, weight: f64) {
        *self.0.entry(value).or_insert(0.0) += weight;
    }

    fn mean(&self) -> f64 {
        // An empty sum of floats is −0.
        self.0.iter().map(|(value, weight)| *value as f64 * weight).sum::<f64>() + 0.0
    }

    fn quantile(&self, q: f64) -> u64 {
        let above_zero: f64 = self.0.iter().filter(|(value, _)| **value > 0).map(|(_, weight)| weight).sum();
        let mut sum = 1.0 - above_zero;
        // Sums of products are a few units in the last place off.
        if sum >= q - 1e-12 {
            return 0;
        }
        for (value, weight) in self.0.iter().filter(|(value, _)| **value > 0) {
            sum += weight;
            if sum >= q - 1e-12 {
                return *value;
            }
        }
        self.0.last_key_value().map_or(0, |(value, _)| *value)
    }

    fn mean_of_worst(&self, share: f64) -> f64 {
        let (mut left, mut sum) = (share, 0.0);
        for (value, weight) in self.0.iter().rev() {
            let part = weight.min(left);
            sum += *value as f64 * part;
            left -= part;
        }
        sum / share
    }

    fn summary(&self, unit: impl Fn(f64) -> f64) -> Summary {
        let at = |q: f64| unit(self.quantile(q) as f64);
        let point = |value: f64| Interval { low: value, high: value };
        Summary {
            mean: certain(unit(self.mean())),
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            es95: unit(self.mean_of_worst(0.05)),
            intervals: (point(at(0.50)), point(at(0.95))),
        }
    }
}

#[derive(Debug, Default, Clone)]
struct ExactService {
    impaired: f64,
    down: f64,
    corrupt: f64,
    downtime: Weighted,
    impaired_time: Weighted,
    onset: Weighted,
}

#[derive(Debug, Default, Clone)]
struct ExactJourney {
    downtime: Weighted,
    impaired_time: Weighted,
    user_minutes: Weighted,
    integrity_minutes: Weighted,
}

/// Weighted sums over worlds.
#[derive(Debug, Default)]
struct Sums {
    worlds: u64,
    reach: Weighted,
    services: Vec<ExactService>,
    /// By position among those that can be starved.
    starved: Vec<f64>,
    journeys: Vec<ExactJourney>,
    user_minutes: Weighted,
    censored: f64,
    breach: f64,
}

/// Solves a request exactly.
pub(crate) fn solve(run: &Run<'_>) -> Result<Simulation, Diagnostic> {
    let (labels, position) = run.labels();
    let below = run.below(&labels);
    if run.request.static_reach {
        let optimistic_plan = Plan::new(run.system, run.compact, run.scenario, run.request.seed, true);
        let sums = enumerate_reach(run, run.plan, &labels, below.as_ref())?;
        let optimistic = enumerate_reach(run, &optimistic_plan, &optimistic_plan.labels(), None)?;
        let mut simulation = simulation(run, &sums, &labels, below.as_ref());
        simulation.reach_bounds = Some((reach_of(&optimistic.reach), simulation.reach.clone()));
        return Ok(simulation);
    }
    let sums = enumerate_timeline(run, &labels, &position, below.as_ref())?;
    Ok(simulation(run, &sums, &labels, below.as_ref()))
}

fn enumerate_reach(run: &Run<'_>, plan: &Plan, labels: &[u32], below: Option<&Downstream>) -> Result<Sums, Diagnostic> {
    let set = Worldset::new(plan)?;
    let mut sums = Sums { services: vec![ExactService::default(); labels.len()], ..Sums::default() };
    let (mut script, mut hits, mut reached) = (Script::default(), Hits::default(), Reached::default());
    let mut weights = [0.0; BATCH as usize];
    let (mut starving, mut pieces) = (Starving::default(), Vec::new());
    loop {
        script.restart();
        hits.draw(run.scenario, &mut script);
        let hit_weight = script.weight();
        if (script.steps + 1).saturating_mul(set.total) > 1 << LIMIT {
            return Err(too_large(set.entities.len() + script.path.len(), (script.steps + 1).saturating_mul(set.total)));
        }
        for first in (0..set.total).step_by(BATCH as usize) {
            let lanes = (set.total - first).min(BATCH);
            let masks = world_masks(&set, first, lanes, &mut weights, &mut pieces);
            reached.begin(plan);
            for lane in 0..lanes {
                reached.set_hits(plan, &hits, lane);
            }
            reached.propagate(Machine::widest(), plan, &masks);
            let weights = &mut weights[..lanes as usize];
            weights.iter_mut().for_each(|weight| *weight *= hit_weight);
            add_batch(&reached, labels, &mut sums, weights);
            if let Some(below) = below {
                starving.set_reached(below, &reached, labels);
                starving.settle(below);
                starving.weigh(below, weights, &mut sums.starved);
            }
        }
        sums.worlds += set.total;
        if !script.advance() {
            break;
        }
    }
    // Severities that are drawn do not matter without a clock, only channels do.
    Ok(sums)
}

fn add_batch(reached: &Reached, labels: &[u32], sums: &mut Sums, weights: &[f64]) {
    let mut reach = vec![0_u64; weights.len()];
    for (at, node) in labels.iter().enumerate() {
        let [errors, latency, wrong] = reached.at(*node as usize);
        let forced = reached.impaired_sources.iter().find(|(known, _)| known == node).map_or(Mask::NONE, |(_, mask)| *mask);
        let service = &mut sums.services[at];
        for (lane, weight) in weights.iter().enumerate() {
            let (word, bit) = (lane / LANES as usize, lane as u64 % LANES);
            let on = |mask: &Mask| mask[word] >> bit & 1 == 1;
            if on(&errors) || on(&latency) || on(&wrong) || on(&forced) {
                reach[lane] += 1;
                service.impaired += weight;
            }
            service.down += if on(&errors) { *weight } else { 0.0 };
            service.corrupt += if on(&wrong) { *weight } else { 0.0 };
        }
    }
    for (lane, weight) in weights.iter().enumerate() {
        sums.reach.add(reach[lane], *weight);
    }
}

fn enumerate_timeline(run: &Run<'_>, labels: &[u32], position: &[u32], below: Option<&Downstream>) -> Result<Sums, Diagnostic> {
    let set = Worldset::new(run.plan)?;
    let line = Timeline::new(run.system, run.compact, run.plan, run.scenario, run.traffic.clone());
    let mut sums = Sums {
        services: vec![ExactService::default(); labels.len()],
        journeys: vec![ExactJourney::default(); run.system.journeys().len()],
        ..Sums::default()
    };
    let (mut trial, mut reached) = (Trial::default(), Reached::default());
    let mut lists = vec![Vec::new(); BATCH as usize];
    let mut pieces = Vec::new();
    let mut starving = below.map(StarvedWorlds::new);
    for world in 0..set.total {
        let world_weight = set.world(world, &mut pieces);
        let mut one = [0.0; 1];
        let mut scratch = Vec::new();
        let masks = world_masks(&set, world, 1, &mut one, &mut scratch);
        let mut script = Script::default();
        loop {
            script.restart();
            trial.hits.draw(run.scenario, &mut script);
            reached.begin(run.plan);
            reached.set_hits(run.plan, &trial.hits, 0);
            reached.propagate(Machine::widest(), run.plan, &masks);
            lists_of(&reached, run.plan, &mut lists);
            trial.run(&line, &lists[0], &mut ExactTrial { set: &set, pieces: &pieces, script: &mut script });
            if let Some(what) = script.random.take() {
                return Err(Diagnostic::error(
                    "not-exact",
                    format!("--exact needs constant durations and severities, but this is random: {what}"),
                )
                .help("state a constant for it (for example `repair=45m`), add --static, or leave out --exact"));
            }
            let weight = world_weight * script.weight();
            sums.add_trial(run, &trial, &line, position, weight);
            if let Some(starving) = &mut starving {
                starving.add(trial.services(&line), position, weight);
            }
            if sums.worlds > 1 << LIMIT {
                return Err(too_large(set.entities.len() + script.path.len(), sums.worlds));
            }
            if !script.advance() {
                break;
            }
        }
    }
    sums.starved = starving.map(StarvedWorlds::finish).unwrap_or_default();
    Ok(sums)
}

impl Sums {
    fn add_trial(&mut self, run: &Run<'_>, trial: &Trial<'_>, line: &Timeline<'_>, position: &[u32], weight: f64) {
        self.worlds += 1;
        let mut reach = 0;
        for (node, outcome) in trial.services(line) {
            let Some(onset) = outcome.onset else { continue };
            reach += 1;
            let service = &mut self.services[position[node as usize] as usize];
            service.impaired += weight;
            service.down += if outcome.down { weight } else { 0.0 };
            service.corrupt += if outcome.corrupt { weight } else { 0.0 };
            service.downtime.add(outcome.downtime.0, weight);
            service.impaired_time.add(outcome.impaired_time.0, weight);
            service.onset.add(onset.0, weight);
        }
        self.reach.add(reach, weight);
        let (mut all, mut breached) = (0, false);
        for (at, (journey, outcome)) in self.journeys.iter_mut().zip(trial.journeys()).enumerate() {
            journey.downtime.add(outcome.downtime.0, weight);
            journey.impaired_time.add(outcome.impaired_time.0, weight);
            journey.user_minutes.add(outcome.milli_user_minutes(), weight);
            journey.integrity_minutes.add(outcome.milli_integrity_minutes(), weight);
            all += outcome.milli_user_minutes();
            breached |= run
                .request
                .budgets
                .get(at)
                .copied()
                .flatten()
                .is_some_and(|budget| outcome.milli_budget_minutes() as f64 > budget * 1_000.0);
        }
        self.user_minutes.add(all, weight);
        self.censored += if trial.is_censored() { weight } else { 0.0 };
        self.breach += if breached { weight } else { 0.0 };
    }
}

fn reach_of(reach: &Weighted) -> Reach {
    let mean = reach.mean();
    let variance: f64 = reach.0.iter().map(|(value, weight)| (*value as f64 - mean).powi(2) * weight).sum();
    Reach {
        mean: certain(mean),
        p50: reach.quantile(0.5),
        p90: reach.quantile(0.9),
        p99: reach.quantile(0.99),
        standard_deviation: variance.sqrt(),
        distribution: reach.0.iter().map(|(value, weight)| (*value, *weight)).collect(),
    }
}

fn simulation(run: &Run<'_>, sums: &Sums, labels: &[u32], below: Option<&Downstream>) -> Simulation {
    let (system, timed): (&System, bool) = (run.system, !run.request.static_reach);
    let mut services: Vec<ServiceResult> = labels
        .iter()
        .zip(&sums.services)
        .map(|(node, service)| ServiceResult {
            service: run.plan.services[*node as usize],
            impaired: certain(service.impaired),
            down: certain(service.down),
            corrupt: certain(service.corrupt),
            times: timed.then(|| ServiceTimesResult {
                downtime: service.downtime.summary(minutes),
                impaired_time: service.impaired_time.summary(minutes),
                onset_p50: onset(service),
            }),
        })
        .collect();
    services.sort_unstable_by_key(|result| result.service);
    Simulation {
        method: Method::Exact,
        trials: sums.worlds,
        seed: run.request.seed.0,
        timed,
        reach: reach_of(&sums.reach),
        reach_bounds: None,
        services,
        starved: below.map(|below| below.in_file_order(&sums.starved, |weight| *weight > 0.0, |weight| certain(*weight))),
        journeys: system
            .journeys()
            .iter()
            .zip(&sums.journeys)
            .map(|(journey, sums)| JourneyResult {
                name: journey.name.clone(),
                downtime: sums.downtime.summary(minutes),
                impaired_time: sums.impaired_time.summary(minutes),
                user_minutes: sums.user_minutes.summary(thousandths),
                integrity_minutes: sums.integrity_minutes.summary(thousandths),
                budget_share: budget(&journey.facts).map(|budget| sums.user_minutes.summary(|milli| thousandths(milli) / budget)),
            })
            .collect(),
        user_minutes: timed.then(|| sums.user_minutes.summary(thousandths)),
        censored: sums.censored,
        horizon_minutes: timed.then(|| run.scenario.horizon.minutes()),
        precision: None,
        watched: Watched {
            impaired_in_worst: Vec::new(),
            breach: (timed && !run.request.budgets.is_empty()).then(|| certain(sums.breach)),
        },
    }
}

/// Median onset over the worlds in which the service is impaired.
fn onset(service: &ExactService) -> Option<f64> {
    let mut sum = 0.0;
    for (value, weight) in &service.onset.0 {
        sum += weight;
        if sum >= 0.5 * service.impaired - 1e-12 {
            return Some(minutes(*value as f64));
        }
    }
    None
}
