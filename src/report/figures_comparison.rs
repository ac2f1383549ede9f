//! The pictures of a comparison: both versions in one picture where a line can be drawn for each, side by side on the same axes where
//! bars are needed.
//!
//! What must hold: as for [`figures`](super::figures); the line before is always the first.

use super::comparison::ComparisonReport;
use super::figures::{Figure, draw_reach, draw_tails, scale, score_of, spread, top, unit_name};
use super::number::{TimeUnit, count_plain, duration_in, share};
use super::words::is_scored;
use crate::propagation::Paired;
use crate::propagation::result::{Curves, Exceedance, ServiceCurves};

/// Services of which times are drawn.
const PICTURED: usize = 3;
/// Names of pictures of services.
const SERVICES: [(&str, &str); PICTURED] = [
    ("down-first", "How long the service that differs most is down"),
    ("down-second", "How long the second is down"),
    ("down-third", "How long the third is down"),
];
/// Rows of a table of numbers, about, of each side.
const ROWS: usize = 8;
const KEYS: [&str; 2] = ["before", "after"];

/// All pictures of a comparison.
pub(super) fn figures(report: &ComparisonReport<'_>) -> Vec<Figure> {
    let paired = report.paired;
    let mut figures = Vec::new();
    if let Some(verdicts) = report.verdicts {
        let sides = [("score", "The score before", &verdicts.before), ("score-after", "The score after", &verdicts.after)];
        let scored = sides.into_iter().filter(|(.., side)| is_scored(&side.verdict));
        figures.extend(scored.map(|(id, title, side)| score_of((id, title), &side.verdict)));
    }
    let (Some(before), Some(after)) = (&paired.before.curves, &paired.after.curves) else {
        figures.push(Figure::words("pictures", "Pictures", "not known: this run did not keep what pictures need"));
        return figures;
    };
    figures.extend(reach(before, after));
    if paired.before.timed {
        figures.push(lost((before, after), paired));
        figures.extend(times((before, after), paired));
    } else {
        let without = "not known: without a clock (`--static`) there are no times";
        figures.push(Figure::words("downtime", "How long services are down", without));
    }
    figures
}

/// Bars of both sides on the same axes.
fn reach(before: &Curves, after: &Curves) -> [Figure; 2] {
    let all = || before.reach.iter().chain(&after.reach);
    let most = all().map(|bin| bin.to).max().unwrap_or(0);
    let highest = top(all().map(|bin| &bin.probability));
    [("reach", "How many services are impaired before", before), ("reach-after", "How many services are impaired after", after)]
        .map(|(id, title, curves)| {
            let text = "Each bar is a share of the trials, its line the interval. Both pictures have the same axes.";
            let mut figure = Figure::words(id, title, text);
            draw_reach(&mut figure, &curves.reach, (most, highest));
            figure
        })
}

/// User-minutes over all journeys on both sides.
fn lost((before, after): (&Curves, &Curves), paired: &Paired) -> Figure {
    let (id, title) = ("lost", "How many user-minutes are lost");
    let tails = [before.user_minutes.clone(), after.user_minutes.clone()];
    let Some(end) = last(&tails) else {
        let text = match paired.journeys.len() {
            0 => "not known: there are no journeys, so users cannot be counted",
            _ if paired.user_minutes.is_none() => "not known: on one side no journey states its traffic",
            _ => "In at least 99 % of the trials of either side no user-minutes are lost: there is nothing to draw.",
        };
        return Figure::words(id, title, text);
    };
    let text = "The share of the trials in which more user-minutes are lost than a number, over all journeys. Each line ends where 1 % of \
         the trials lose more.";
    let mut figure = Figure::words(id, title, text);
    both(&mut figure, &tails, "more than", &count_plain);
    let (unit, label) = scale(end);
    draw_tails(&mut figure, &tails, (label, unit));
    figure
}

/// Downtime of the services whose downtime differs most, among those that are hit worst on both sides.
fn times((before, after): (&Curves, &Curves), paired: &Paired) -> Vec<Figure> {
    let mut differing: Vec<_> =
        paired.services.iter().filter_map(|pair| Some((&pair.name, pair.downtime?.difference.mean))).collect();
    differing.retain(|(_, difference)| *difference != 0.0);
    differing.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let [names_before, names_after] = &paired.pictured;
    let tail = |curves: &Curves, names: &[String], name: &str| {
        let of = curves.services.iter().zip(names).find(|(_, known)| *known == name);
        of.map(|(found, _): (&ServiceCurves, _)| found.downtime.clone())
    };
    let pairs = differing.into_iter().filter_map(|(name, _)| {
        let tails = [tail(before, names_before, name)?, tail(after, names_after, name)?];
        Some((name, last(&tails)?, tails))
    });
    let drawn = pairs.take(PICTURED).zip(SERVICES);
    drawn.map(|((name, end, tails), (id, title))| time((id, title, name), end, &tails)).collect()
}

fn time((id, title, name): (&'static str, &'static str, &str), end: f64, tails: &[Vec<Exceedance>; 2]) -> Figure {
    let unit = TimeUnit::for_line(&[end]);
    let text = format!(
        "{name}: the share of the trials in which it is down for longer than a time. Each line ends where 1 % of the trials exceed it."
    );
    let mut figure = Figure::words(id, title, text);
    both(&mut figure, tails, "longer than", &|value| duration_in(value, unit));
    draw_tails(&mut figure, tails, (&format!("longer than ({})", unit_name(unit)), unit.minutes()));
    figure
}

/// The largest value of either line.
fn last(tails: &[Vec<Exceedance>; 2]) -> Option<f64> {
    let end = tails.iter().flatten().map(|point| point.value).fold(0.0, f64::max);
    (end > 0.0).then_some(end)
}

/// Keys and numbers of two lines, each at its own values.
fn both(figure: &mut Figure, tails: &[Vec<Exceedance>; 2], first: &str, value: &dyn Fn(f64) -> String) {
    figure.keys = KEYS.map(str::to_owned).to_vec();
    figure.titles = ["version", first, "share of trials"].map(str::to_owned).to_vec();
    for (key, tail) in KEYS.iter().zip(tails) {
        if tail.is_empty() {
            figure.text.push_str(&format!(" There is no line {key}: in at least 99 % of those trials it is 0."));
        }
        let row = |at: usize| vec![(*key).to_owned(), value(tail[at].value), share(tail[at].p_above)];
        figure.rows.extend(spread(tail.len(), ROWS).map(row));
    }
}
