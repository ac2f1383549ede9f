//! The figures of the scenarios that follow from a formula alone, computed anew: by what the library offers where it has a function for
//! it, else by independent arithmetic.
//!
//! No figure is read from an `expected.toml`: what derives from another figure is computed from that one's formula.

use shockfront::model::crossing::stale;
use shockfront::statistics::cusum::PoissonCusum;
use shockfront::statistics::{Interval, LogNormal, clopper_pearson};
use shockfront::units::Ticks;
use statrs::distribution::{ChiSquared, ContinuousCDF, Discrete, Poisson};

/// Between which numbers a figure lies: a point where it is computed exactly. `None` for a figure that nobody computes.
pub(crate) fn value(scenario: &str, id: &str) -> Option<Interval> {
    let share = match (scenario, id) {
        ("six-hour-checkout", "baseline.share_5h_to_7h") => Some(share_between(&[(10.0, 60.0), (340.0, 720.0)], 300, 420)),
        ("delete-and-recreate", "baseline.share_10h_to_16h") => Some(share_between(&RECREATED, 600, 960)),
        _ => None,
    };
    share.or_else(|| exact(scenario, id).map(|value| Interval { low: value, high: value }))
}

fn exact(scenario: &str, id: &str) -> Option<f64> {
    match scenario {
        "six-hour-checkout" => six_hour_checkout(id),
        "delete-and-recreate" => delete_and_recreate(id),
        "stale-wiki-advice" => stale_wiki_advice(id),
        "poisoned-loop" => poisoned_loop(id),
        "false-all-clear" => false_all_clear(id),
        "four-in-a-week" => four_in_a_week(id),
        _ => None,
    }
}

/// E LN(median, 95 % point), in minutes.
fn mean(median: f64, p95: f64) -> f64 {
    LogNormal::new(median, p95).mean()
}

fn six_hour_checkout(id: &str) -> Option<f64> {
    let (detect, canary_rollback) = (mean(10.0, 60.0), mean(5.0, 15.0));
    let (baseline, tested) = (detect + mean(340.0, 720.0), detect + mean(20.0, 90.0));
    // 5 % of the users for 15 minutes; nine times in ten the canary is seen and rolled back.
    let canary = |missed: f64| 0.9 * 0.05 * (15.0 + canary_rollback) + 0.1 * (0.05 * 15.0 + missed);
    Some(match id {
        "stage.detect.mean" => detect,
        "stage.roll_forward.mean" => mean(340.0, 720.0),
        "stage.rollback.mean" => mean(20.0, 90.0),
        "stage.canary_rollback.mean" => canary_rollback,
        "canary.full_outage_equivalent.mean" => canary(baseline),
        "canary.ratio" => canary(baseline) / baseline,
        "both.full_outage_equivalent.mean" => canary(tested),
        "both.ratio" => canary(tested) / baseline,
        "tested_rollback.ratio" => tested / baseline,
        _ => return None,
    })
}

/// Detect, decide, recreate, restore, validate: medians and 95 % points in minutes.
const RECREATED: [(f64, f64); 5] = [(5.0, 20.0), (30.0, 90.0), (120.0, 360.0), (480.0, 1_080.0), (90.0, 240.0)];

fn delete_and_recreate(id: &str) -> Option<f64> {
    let stages = RECREATED.map(|(median, p95)| mean(median, p95));
    Some(match id {
        "stage.detect.mean" => stages[0],
        "stage.decide.mean" => stages[1],
        "stage.recreate.mean" => stages[2],
        "stage.restore.mean" => stages[3],
        "stage.validate.mean" => stages[4],
        "baseline.downtime.mean.hours" => stages.iter().sum::<f64>() / 60.0,
        "tested_restore.downtime.mean.hours" => (stages[..3].iter().sum::<f64>() + mean(60.0, 180.0) + mean(30.0, 90.0)) / 60.0,
        "two_person.miss" => 1.0 - 0.35,
        _ => return None,
    })
}

fn stale_wiki_advice(id: &str) -> Option<f64> {
    let attempt = mean(45.0, 150.0);
    let more_hits = Poisson::new(1.5).expect("a rate");
    let hits = [more_hits.pmf(0), more_hits.pmf(1), 1.0 - more_hits.pmf(0) - more_hits.pmf(1)];
    Some(match id {
        // 18 months of 30 days.
        "p_stale" => stale(Ticks::from_days(540)),
        "attempt.mean" => attempt,
        "detect.mean" => mean(5.0, 40.0),
        // Wrong fixes are a geometric law: on average 1/(1 − p) attempts.
        "baseline.repair.mean" => attempt / (1.0 - 0.3),
        "runbook.repair.mean" => attempt / (1.0 - 0.05),
        "direct_hits.p1" => hits[0],
        "direct_hits.p2" => hits[1],
        "direct_hits.p3" => hits[2],
        "direct_hits.mean" => hits[0] + 2.0 * hits[1] + 3.0 * hits[2],
        _ => return None,
    })
}

/// A loop that feeds on its own wrong output.
#[derive(Clone, Copy)]
struct Loop {
    gain: f64,
    floor: f64,
}

impl Loop {
    /// Share of wrong output after each cycle, from 2 % on.
    fn shares(self) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(0.02), move |share| Some((self.floor + self.gain * share).min(1.0)))
    }

    /// The first cycle whose share fulfils a condition, and that share.
    fn first(self, is_it: impl Fn(f64) -> bool) -> (f64, f64) {
        let (cycle, share) = self.shares().enumerate().find(|(_, share)| is_it(*share)).expect("some day");
        (cycle as f64, share)
    }
}

fn poisoned_loop(id: &str) -> Option<f64> {
    let (growing, filtered) = (Loop { gain: 1.3, floor: 0.0 }, Loop { gain: 0.7, floor: 0.01 });
    let (seen, canaried) = (growing.first(|share| share > 0.2), growing.first(|share| share > 0.05));
    let watched = filtered.first(|share| share > 0.03);
    Some(match id {
        "baseline.cycle_detected" => seen.0,
        "baseline.x_at_detection" => seen.1,
        "source_repair_only.cycle_all_wrong" => growing.first(|share| share >= 1.0).0,
        "reset.mean" => mean(240.0, 1_440.0),
        "filtered.limit" => filtered.shares().nth(10_000).expect("endless"),
        "filtered.x_at_30_cycles" => filtered.shares().nth(30).expect("endless"),
        "canaried.cycle_detected" => canaried.0,
        "canaried.x_at_detection" => canaried.1,
        "watched.cycle_detected" => watched.0,
        "watched.x_at_detection" => watched.1,
        _ => return None,
    })
}

/// P(vulnerable) after an audit said "clear": one in twenty is, and one sound system in twenty is accused.
fn vulnerable_given_clear(sensitivity: f64) -> f64 {
    let (missed, cleared) = (0.05 * (1.0 - sensitivity), 0.95 * 0.95);
    missed / (missed + cleared)
}

fn false_all_clear(id: &str) -> Option<f64> {
    let (sound, silent) = (mean(10.0, 60.0), mean(480.0, 2_880.0));
    Some(match id {
        "section8.sound.mean" => sound,
        "section8.silent.mean" => silent,
        "section8.one_monitor.mean" => 0.8 * sound + 0.2 * silent,
        // Both fail, independently.
        "section8.two_monitors.mean" => (1.0 - 0.2 * 0.2) * sound + 0.2 * 0.2 * silent,
        "p_vulnerable_given_clear.sensitivity_095" => vulnerable_given_clear(0.95),
        "p_vulnerable_given_clear.sensitivity_070" => vulnerable_given_clear(0.7),
        "p_vulnerable_given_clear.sensitivity_030" => vulnerable_given_clear(0.3),
        "two_auditors.independent" => 1.0 - 0.3 * 0.3,
        "two_auditors.common_cause" => 1.0 - (0.3 * 0.3 + 0.7 * 0.3 * 0.3),
        _ => return None,
    })
}

/// P(at least four in a week). A monitor that forgets each week of at most three rings in the first one with more: on average after
/// 1/P weeks.
fn four_or_more(rate: f64) -> f64 {
    let monitor = PoissonCusum::new(1, 3, 1).expect("a monitor");
    1.0 / monitor.average_run_length(rate).expect("a rate")
}

fn four_in_a_week(id: &str) -> Option<f64> {
    let baseline = 400.0 * 0.05 * 0.025;
    let odds = 1.3 * 0.05 / 0.95;
    let ai_share = 400.0 * 0.025 * (0.2 * 0.05 + 0.8 * odds / (1.0 + odds));
    let volume = ai_share * 1.2;
    let review_catch = volume * (1.0 - 0.15) / (1.0 - 0.35);
    let slow_response = review_catch * 0.04 / 0.025;
    let mitigated = volume * (1.0 - 0.5) / (1.0 - 0.35) * 0.015 / 0.025;
    let steps = [
        ("baseline", baseline, baseline),
        ("ai_share", ai_share, baseline),
        ("volume", volume, ai_share),
        ("review_catch", review_catch, volume),
        ("slow_response", slow_response, review_catch),
        ("mitigated", mitigated, volume),
    ];
    let step = |name: &str| steps.into_iter().find(|(known, ..)| *known == name);
    if let Some(name) = id.strip_prefix("lambda.") {
        return step(name).map(|(_, rate, _)| rate);
    }
    if let Some(name) = id.strip_prefix("p_four_or_more.") {
        return step(name).map(|(_, rate, _)| four_or_more(rate));
    }
    if let Some(name) = id.strip_prefix("share_of_log_ratio.") {
        return step(name).map(|(_, rate, before)| (rate / before).ln() / (slow_response / baseline).ln());
    }
    // 4 of 30 incidents in one of 53 weeks: given their number, each falls into that week with p/(1 − p) = ratio/52.
    let week = clopper_pearson(4, 30, 0.95).map(|p| 52.0 * p / (1.0 - p));
    let quantile = |degrees: f64, q: f64| ChiSquared::new(degrees).expect("degrees").inverse_cdf(q);
    Some(match id {
        "four_in_one_week.interval.low" => quantile(8.0, 0.025) / 2.0,
        "four_in_one_week.interval.high" => quantile(10.0, 0.975) / 2.0,
        "rate_ratio.value" => (4.0 / 1.0) / (26.0 / 52.0),
        "rate_ratio.low" => week.low,
        "rate_ratio.high" => week.high,
        _ => return None,
    })
}

/// Cells of a minute: fine enough that the two ends of five cells differ by less than the tolerance.
const CELLS: usize = 4;

/// P(from < sum ≤ to) for independent lognormal stages, in minutes, from both ends of the cells of a grid: with every stage rounded
/// down the sum is no larger than it is, with every stage rounded up no smaller.
fn share_between(stages: &[(f64, f64)], from: usize, to: usize) -> Interval {
    let cells = to * CELLS + 1;
    let at_most = |up: usize| {
        let mut sum = vec![0.0; cells];
        sum[0] = 1.0;
        for (median, p95) in stages {
            let law = LogNormal::new(*median, *p95);
            let at = |cell: usize| law.cumulative(cell as f64 / CELLS as f64);
            let masses: Vec<f64> = (0..cells).map(|cell| at(cell + 1) - at(cell)).collect();
            sum = convolved(&sum, &masses, up);
        }
        move |minutes: usize| sum[..=minutes * CELLS].iter().sum::<f64>()
    };
    let (down, up) = (at_most(0), at_most(1));
    Interval { low: up(to) - down(from), high: down(to) - up(from) }
}

/// Masses of the sum of two laws on the same cells, `shift` cells later; what leaves the grid is dropped.
fn convolved(one: &[f64], other: &[f64], shift: usize) -> Vec<f64> {
    let mut sum = vec![0.0; one.len()];
    for (at, mass) in one.iter().enumerate().filter(|(_, mass)| **mass > 0.0) {
        for (cell, with) in sum.iter_mut().skip(at + shift).zip(other) {
            *cell += mass * with;
        }
    }
    sum
}
