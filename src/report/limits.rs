//! What a result cannot say: the limits that hold for all, and those that its run adds. The same in every format.

use super::number::{count_point, duration, share_plain, whole};
use super::words::{number_of, precision_words};
use crate::propagation::Simulation;
use crate::propagation::result::{JourneyResult, Method, ServiceResult, Solver, Summary};

/// Limits, with those that this run adds: what it was too small to see, and what it cut. The same in every format.
pub(super) fn limits(simulation: Option<&Simulation>, limits: &[String]) -> Vec<String> {
    let mut all = limits.to_vec();
    let Some(simulation) = simulation else { return all };
    if simulation.method == Method::Sampled {
        let weight = simulation.leaving.map_or(1.0, |leaving| leaving.probability);
        let bound = weight * (1.0 - 0.05_f64.powf(1.0 / simulation.trials.max(1) as f64));
        let (trials, bound) = (whole(simulation.trials), share_plain(bound));
        all.push(format!("What happened in none of {trials} trials can still have a chance of up to {bound}."));
    }
    if let Some((stated, sampled)) = simulation.rounded {
        all.push(format!(
            "Probabilities are sampled to 2^-32 (2.3e-10): {stated:e} counts as {sampled:.1e}. `--exact` takes it as it is stated."
        ));
    }
    if let (None, Some(solver @ (Solver::Factoring | Solver::Frontier))) = (&simulation.starved, simulation.solver) {
        let solver = solver.name();
        all.push(format!(
            "Who loses traffic without harm (`starved`) is unknown: the {solver} solver does not follow it. Without `--exact` it is sampled."
        ));
    }
    if let Some(precision) = simulation.precision.filter(|precision| !precision.is_reached()) {
        let (trials, words) = (whole(simulation.trials), precision_words(precision));
        all.push(format!("{trials} trials were too few for the precision: {words}. More `--trials` come closer."));
    }
    all.extend(tail_limit(simulation));
    all.extend(overlap_limit(simulation));
    if simulation.censored > 0.0 {
        let horizon = simulation.horizon_minutes.map_or_else(|| "the horizon".to_owned(), duration);
        let share = share_plain(simulation.censored);
        all.push(format!(
            "In {share} of the trials harm went on after {horizon}, where times are cut: a longer `--horizon` follows them."
        ));
    }
    all
}

/// Means that a few trials carry, by name where a user would look first.
fn tail_limit(simulation: &Simulation) -> Option<String> {
    let is_long = |summary: &Summary| summary.rests_on_few_trials();
    let (mut names, mut worst) = (Vec::new(), 0.0_f64);
    let lost = simulation.user_minutes.iter().map(|lost| ("user-minutes".to_owned(), lost));
    let journeys = simulation.journeys.iter().map(|journey| (format!("downtime of {}", journey.name), &journey.downtime));
    for (name, summary) in lost.chain(journeys).filter(|(_, summary)| is_long(summary)) {
        names.push(name);
        worst = worst.max(summary.worst_trial_share);
    }
    let downtimes = || simulation.services.iter().filter_map(ServiceResult::times).map(|times| times.downtime);
    let services = downtimes().filter(is_long).count();
    if services > 0 {
        names.push(format!("downtime of {}", number_of(services, "service")));
        worst = downtimes().map(|downtime| downtime.worst_trial_share).fold(worst, f64::max);
    }
    (!names.is_empty()).then(|| {
        let (names, worst) = (names.join(", "), share_plain(worst));
        format!(
            "Few trials carry these means, the worst one up to {worst}, so that their intervals may be too narrow: {names}. More `--trials` help."
        )
    })
}

/// The journey whose loss depends most on how failures of what it needs overlap, where that is a tenth of it or more.
fn overlap_limit(simulation: &Simulation) -> Option<String> {
    let width = |journey: &JourneyResult| {
        let (least, most) = journey.user_minute_bounds;
        if journey.user_minutes.mean.mean > 0.0 { (most.mean - least.mean) / journey.user_minutes.mean.mean } else { 0.0 }
    };
    let widest = simulation.journeys.iter().rev().max_by(|a, b| width(a).total_cmp(&width(b)))?;
    let (least, most) = widest.user_minute_bounds;
    (width(widest) >= 0.1).then(|| {
        format!(
            "Failures of what {} needs are taken as independent; if they hit the same users or no two the same, it loses {} to {} user-minutes.",
            widest.name,
            count_point(least),
            count_point(most)
        )
    })
}

/// Most lines of limits on a page.
const LIMIT_LINES: usize = 5;

/// Limits in few lines: neighbours share one.
pub(super) fn limit_lines(simulation: Option<&Simulation>, stated: &[String]) -> Vec<String> {
    let limits = limits(simulation, stated);
    limits.chunks(limits.len().div_ceil(LIMIT_LINES).max(1)).map(|sentences| sentences.join(" ")).collect()
}
