//! Exact answers by enumeration: every outcome of every uncertain arc, weighted by its probability.
//!
//! Meant for up to [`LIMIT`] uncertain arcs. It shares the kernels with the sampler and so checks the sampling, not the transfer
//! rules; those are checked by hand-worked cases and a separate reference in the tests. O(2^uncertain × arcs), 512 worlds at a
//! time without a clock.

use super::outcome::Sums;
use super::worlds::{ExactTrial, LIMIT, Script, Worldset, too_large, world_masks};
use super::{ExactSolver, Question, Solver};
use crate::diagnostic::Diagnostic;
use crate::fault::trial::Hits;
use crate::lanes::{BATCH, Machine, Mask};
use crate::propagation::count::lists_of;
use crate::propagation::reach::Reached;
use crate::propagation::run::Run;
use crate::propagation::series::WeightedSeries;
use crate::propagation::starved::{Downstream, StarvedWorlds, Starving};
use crate::propagation::timeline::{Timeline, Trial};

/// Enumeration of all worlds.
pub(super) struct Enumeration;

impl ExactSolver for Enumeration {
    fn name(&self) -> Solver {
        Solver::Enumeration
    }

    fn answer(&self, question: &Question<'_>) -> Result<Sums, Diagnostic> {
        enumerate_reach(question)
    }
}

fn enumerate_reach(question: &Question<'_>) -> Result<Sums, Diagnostic> {
    let Question { scenario, plan, labels, below } = *question;
    let set = Worldset::new(plan)?;
    let mut sums = Sums::new(Solver::Enumeration, labels.len(), 0);
    let (mut script, mut hits, mut reached) = (Script::default(), Hits::default(), Reached::default());
    let mut weights = [0.0; BATCH as usize];
    let (mut starving, mut starved, mut pieces) = (Starving::default(), Vec::new(), Vec::new());
    loop {
        script.restart();
        hits.draw(scenario, &mut script);
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
                starving.weigh(below, weights, &mut starved);
            }
        }
        sums.worlds += set.total;
        if !script.advance() {
            break;
        }
    }
    sums.starved = below.map(|_| starved);
    // Severities that are drawn do not matter without a clock, only channels do.
    Ok(sums)
}

fn add_batch(reached: &Reached, labels: &[u32], sums: &mut Sums, weights: &[f64]) {
    let mut reach = [0_u64; BATCH as usize];
    for (at, node) in labels.iter().enumerate() {
        let [errors, latency, wrong] = reached.at(*node as usize);
        let forced = reached.impaired_sources.iter().find(|(known, _)| known == node).map_or(Mask::NONE, |(_, mask)| *mask);
        let service = &mut sums.services[at];
        let impaired = errors.or(latency).or(wrong).or(forced);
        for_each_lane(&impaired, weights, |lane, weight| {
            reach[lane] += 1;
            service.impaired.add(weight);
        });
        for_each_lane(&errors, weights, |_, weight| service.down.add(weight));
        for_each_lane(&wrong, weights, |_, weight| service.corrupt.add(weight));
    }
    for (reach, weight) in reach.iter().zip(weights) {
        sums.reach.add(*reach, *weight);
    }
}

/// Calls with the lanes of a mask that carry a world, and their weights.
fn for_each_lane(mask: &Mask, weights: &[f64], mut each: impl FnMut(usize, f64)) {
    mask.for_each(|lane| {
        if let Some(weight) = weights.get(lane) {
            each(lane, *weight);
        }
    });
}

/// Solves a request with a clock: durations have to be constants.
pub(super) fn enumerate_timeline(
    run: &Run<'_>,
    labels: &[u32],
    position: &[u32],
    below: Option<&Downstream>,
) -> Result<Sums, Diagnostic> {
    let set = Worldset::new(run.plan)?;
    let mut line = Timeline::new(run.system, run.compact, run.plan, run.scenario, run.traffic.clone());
    line.series = run.request.follows_series(labels.len());
    let mut sums = Sums::new(Solver::Enumeration, labels.len(), run.system.journeys().len());
    sums.series = line.series.then(|| WeightedSeries::new(labels.len()));
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
    sums.starved = starving.map(StarvedWorlds::finish);
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
            service.impaired.add(weight);
            service.down.add(if outcome.down { weight } else { 0.0 });
            service.corrupt.add(if outcome.corrupt { weight } else { 0.0 });
            service.downtime.add(outcome.downtime.0, weight);
            service.impaired_time.add(outcome.impaired_time.0, weight);
            service.onset.add(onset.0, weight);
            service.degraded.add(outcome.states.degraded.0 as f64 * weight);
            service.corrupt_only.add(outcome.states.corrupt_only.0 as f64 * weight);
            service.corrupt_down.add(outcome.states.corrupt_down.0 as f64 * weight);
            service.hardly_down.add(outcome.states.hardly_down.0 as f64 * weight);
            service.almost_down.add(outcome.states.almost_down.0 as f64 * weight);
        }
        self.reach.add(reach, weight);
        if let Some(series) = &mut self.series {
            let spells = trial.spells().map(|(node, from, until)| (position[node as usize], from, until));
            series.add(&mut spells.collect::<Vec<_>>(), weight);
        }
        let (mut all, mut breached) = (0, false);
        for (at, (journey, outcome)) in self.journeys.iter_mut().zip(trial.journeys()).enumerate() {
            if let Some(onset) = outcome.onset {
                journey.impaired.add(weight);
                journey.down.add(if outcome.down { weight } else { 0.0 });
                journey.onset.add(onset.0, weight);
            }
            journey.corrupt.add(if outcome.corrupt { weight } else { 0.0 });
            journey.degraded.add(outcome.impaired_time.saturating_sub(outcome.downtime).0 as f64 * weight);
            journey.corrupt_time.add(outcome.corrupt_time.0 as f64 * weight);
            journey.downtime.add(outcome.downtime.0, weight);
            journey.impaired_time.add(outcome.impaired_time.0, weight);
            journey.user_minutes.add(outcome.milli_user_minutes(), weight);
            let (least, most) = outcome.milli_user_minute_bounds();
            journey.user_minute_bounds.0.add(least as f64 * weight);
            journey.user_minute_bounds.1.add(most as f64 * weight);
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
        self.censored.add(if trial.is_censored() { weight } else { 0.0 });
        self.breach.add(if breached { weight } else { 0.0 });
    }
}
