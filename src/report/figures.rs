//! What the pictures of a page show: which numbers, in which unit, and the sentence and the table that say the same without a
//! picture. `charts` draws, `html` puts the page together.
//!
//! What must hold: no picture without data. Where something was not asked of the engine, or cannot be known, a figure says so.

use super::charts::{self, Axis, Caption, Line};
use super::input::SimulationReport;
use super::number::{TimeUnit, count_plain, duration, duration_in, share, share_plain, whole};
use super::words::{number_of, reach_line};
use crate::model::System;
use crate::propagation::result::{Curves, Exceedance, ReachBin};
use crate::risk::assessment::Verdict;
use crate::statistics::Estimate;

/// Points of a line over time at most; a picture is not wider.
const MOST_POINTS: usize = 200;
/// Rows of a table of numbers, about.
const ROWS: usize = 12;
/// Where a picture over time ends: fewer are impaired.
const FEW: f64 = 0.01;

/// One picture with everything that is said about it.
pub(super) struct Figure {
    /// Unique within the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What it shows; why there is none where there is none.
    pub(super) text: String,
    pub(super) picture: Option<String>,
    /// What the lines are, in the order of their colours.
    pub(super) keys: Vec<String>,
    /// Titles and rows of the numbers behind it.
    pub(super) titles: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Figure {
    /// Only words.
    pub(super) fn words(id: &'static str, title: &'static str, text: impl Into<String>) -> Self {
        Self { id, title, text: text.into(), picture: None, keys: Vec::new(), titles: Vec::new(), rows: Vec::new() }
    }

    fn caption(&self) -> Caption<'_> {
        Caption { id: self.id, title: self.title, text: &self.text }
    }
}

/// All pictures of a simulation.
pub(super) fn figures(report: &SimulationReport<'_>) -> Vec<Figure> {
    let Some(curves) = &report.simulation.curves else {
        return vec![Figure::words("pictures", "Pictures", "not known: this run did not keep what pictures need")];
    };
    let mut figures = vec![reach(report, &curves.reach)];
    if report.simulation.timed {
        figures.extend(times(report, curves));
        figures.extend([over_time(report.system, curves), lost(report, &curves.user_minutes)]);
    } else {
        let without = "not known: without a clock (`--static`) there are no times";
        figures.push(Figure::words("downtime", "How long services are down", without));
    }
    figures
}

/// A score on its bands.
pub(super) fn score(verdict: &Verdict) -> Figure {
    score_of(("score", "The score and the bands"), verdict)
}

/// The same under another name.
pub(super) fn score_of((id, title): (&'static str, &'static str), verdict: &Verdict) -> Figure {
    let text = format!(
        "Bands begin at {}, {} and {}. The line is the score, the bar around it its interval (sampling error only); rules can raise the \
         band, never the score.",
        verdict.band_limits[0], verdict.band_limits[1], verdict.band_limits[2]
    );
    let mut figure = Figure::words(id, title, text);
    figure.picture = charts::score(&figure.caption(), verdict.score, verdict.interval, verdict.band_limits);
    figure
}

pub(super) fn share_tick(value: f64) -> String {
    format!("{} %", number_tick(value * 100.0))
}

/// A number as short as it can be; thousands stay together.
pub(super) fn number_tick(value: f64) -> String {
    let value = (value * 1e6).round() / 1e6;
    if value == value.trunc() { whole(value.max(0.0) as u64) } else { format!("{value}") }
}

/// A little room above the highest end of an interval; shares end at 1.
pub(super) fn top<'a>(estimates: impl Iterator<Item = &'a Estimate>) -> f64 {
    let highest = estimates.map(|one| if one.interval.is_unknown() { one.mean } else { one.interval.high }).fold(0.0, f64::max);
    (highest * 1.05).clamp(0.01, 1.0)
}

fn reach(report: &SimulationReport<'_>, bins: &[ReachBin]) -> Figure {
    let of = whole(report.system.service_count() as u64);
    let text = format!(
        "Services of {of} impaired in a trial, the source included: {}. Each bar is a share of the trials, its line the interval.",
        reach_line(report.simulation)
    );
    let mut figure = Figure::words("reach", "How many services are impaired", text);
    draw_reach(&mut figure, bins, (0, 0.0));
    figure
}

/// Bars of reach; the axes go at least to so many services, and so large a share.
pub(super) fn draw_reach(figure: &mut Figure, bins: &[ReachBin], (most, highest): (u64, f64)) {
    let bars: Vec<(f64, f64, Estimate)> =
        bins.iter().map(|bin| (bin.from as f64 - 0.5, bin.to as f64 + 0.5, bin.probability)).collect();
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
    let is_whole = |value: f64| (value - value.round()).abs() < 1e-6;
    let x = Axis {
        label: "services impaired",
        range: (first.0, last.1.max(first.0 + 2.0).max(most as f64 + 0.5)),
        tick: &|value| if is_whole(value) { whole(value.round().max(0.0) as u64) } else { String::new() },
    };
    let height = top(bars.iter().map(|(.., share)| share)).max(highest);
    let y = Axis { label: "share of trials", range: (0.0, height), tick: &share_tick };
    figure.picture = charts::bars(&figure.caption(), (&x, &y), &bars);
    figure.titles = vec!["services".to_owned(), "share of trials".to_owned()];
    let range = |bin: &ReachBin| match bin.from == bin.to {
        true => whole(bin.from),
        false => format!("{} to {}", whole(bin.from), whole(bin.to)),
    };
    figure.rows = bins.iter().map(|bin| vec![range(bin), share(bin.probability)]).collect();
}

/// The tails of downtime and of time impaired of the worst-hit services; one picture where both are the same.
fn times(report: &SimulationReport<'_>, curves: &Curves) -> Vec<Figure> {
    let downtime: Vec<Vec<Exceedance>> = curves.services.iter().map(|service| service.downtime.clone()).collect();
    let impaired: Vec<Vec<Exceedance>> = curves.services.iter().map(|service| service.impaired_time.clone()).collect();
    let is_same = downtime == impaired;
    let mut figures = vec![time(report, curves, ("downtime", "How long services are down", "down"), &downtime)];
    if !is_same {
        figures.push(time(report, curves, ("impaired", "How long services are impaired", "impaired"), &impaired));
    }
    figures
}

fn time(
    report: &SimulationReport<'_>,
    curves: &Curves,
    (id, title, state): (&'static str, &'static str, &str),
    tails: &[Vec<Exceedance>],
) -> Figure {
    let Some(last) = tails.first().and_then(|tail| tail.last()) else {
        let text = format!("In at least 99 % of the trials no service is {state} for any time: there is nothing to draw.");
        return Figure::words(id, title, text);
    };
    let unit = TimeUnit::for_line(&[last.value]);
    let text = format!(
        "The share of the trials in which a worst-hit service is {state} for longer than a time. The picture ends at {}, which {} of \
         the trials exceed for the worst one.",
        duration(last.value),
        share(last.p_above)
    );
    let mut figure = Figure::words(id, title, text);
    figure.keys = names(report.system, curves);
    figure.titles = std::iter::once("longer than".to_owned()).chain(figure.keys.iter().cloned()).collect();
    figure.rows = tail_rows(tails, &|value| duration_in(value, unit));
    draw_tails(&mut figure, tails, (&format!("longer than ({})", unit_name(unit)), unit.minutes()));
    figure
}

fn names(system: &System, curves: &Curves) -> Vec<String> {
    curves.services.iter().map(|service| system.service_name(service.service).to_owned()).collect()
}

pub(super) fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Seconds => "seconds",
        TimeUnit::Minutes => "minutes",
        TimeUnit::Hours => "hours",
        TimeUnit::Days => "days",
    }
}

fn tail_rows(tails: &[Vec<Exceedance>], value: &dyn Fn(f64) -> String) -> Vec<Vec<String>> {
    let Some(grid) = tails.first() else { return Vec::new() };
    let row = |at: usize| {
        let shares = tails.iter().map(|tail| share(tail[at].p_above));
        std::iter::once(value(grid[at].value)).chain(shares).collect()
    };
    spread(grid.len(), ROWS).map(row).collect()
}

/// About `most` of so many positions, evenly, the first and the last always.
pub(super) fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let step = count.saturating_sub(1).div_ceil(most.max(1)).max(1);
    let last = count.saturating_sub(1);
    (0..last).step_by(step).chain((count > 0).then_some(last))
}

pub(super) fn draw_tails(figure: &mut Figure, tails: &[Vec<Exceedance>], (label, scale): (&str, f64)) {
    let line = |tail: &Vec<Exceedance>| -> Line { tail.iter().map(|point| (point.value / scale, point.p_above)).collect() };
    let lines: Vec<Line> = tails.iter().map(line).collect();
    let end = lines.iter().flatten().map(|(x, _)| *x).fold(0.0, f64::max);
    let x = Axis { label, range: (0.0, end), tick: &number_tick };
    let y =
        Axis { label: "share of trials", range: (0.0, top(lines.iter().flatten().map(|(_, share)| share))), tick: &share_tick };
    figure.picture = charts::lines(&figure.caption(), (&x, &y), &lines);
}

/// When the worst-hit services are impaired.
fn over_time(system: &System, curves: &Curves) -> Figure {
    let (id, title) = ("time", "Who is impaired when");
    let series: Vec<_> = curves.services.iter().filter_map(|service| service.series.as_ref()).collect();
    if series.is_empty() {
        let text = if curves.services.is_empty() {
            "No service is impaired in any trial: there is nothing to draw."
        } else {
            "not known: services were not followed over time, because the fault can reach more than 1,000, or because parts of a run \
             were joined that did not follow them"
        };
        return Figure::words(id, title, text);
    }
    let last = |shares: &[f64]| shares.iter().rposition(|share| *share >= FEW).map_or(1, |at| at + 1);
    let end = series.iter().map(|series| last(&series.shares)).max().unwrap_or(1);
    let unit = TimeUnit::for_line(&[end as f64]);
    let at = |minute: usize, series: &crate::propagation::result::ImpairedSeries| match series.shares.get(minute) {
        Some(mean) => Estimate { mean: *mean, interval: series.intervals[minute] },
        // After its last minute nobody saw it impaired: as sure as in that minute.
        None => Estimate::ZERO,
    };
    let minutes: Vec<usize> = spread(end + 1, MOST_POINTS).collect();
    let line = |series: &&crate::propagation::result::ImpairedSeries| -> Line {
        minutes.iter().map(|minute| (*minute as f64 / unit.minutes(), at(*minute, series))).collect()
    };
    let lines: Vec<Line> = series.iter().map(line).collect();
    let mut figure = Figure::words(
        id,
        title,
        format!(
            "The share of the trials in which a worst-hit service is impaired, minute by minute after the fault. The picture ends after {}, \
             when none of them is impaired in more than {} of the trials.",
            duration(end as f64),
            share_plain(FEW)
        ),
    );
    figure.keys = series.iter().map(|series| system.service_name(series.service).to_owned()).collect();
    figure.titles = std::iter::once("minute".to_owned()).chain(figure.keys.iter().cloned()).collect();
    let row = |minute: usize| {
        let shares = series.iter().map(|series| share_at(at(minute, series), minute < series.shares.len()));
        std::iter::once(whole(minute as u64)).chain(shares).collect()
    };
    figure.rows = spread(end + 1, ROWS).map(row).collect();
    let label = format!("{} after the fault", unit_name(unit));
    let x = Axis { label: &label, range: (0.0, end as f64 / unit.minutes()), tick: &number_tick };
    let y =
        Axis { label: "share of trials", range: (0.0, top(lines.iter().flatten().map(|(_, share)| share))), tick: &share_tick };
    figure.picture = charts::lines(&figure.caption(), (&x, &y), &lines);
    figure
}

fn share_at(estimate: Estimate, is_known: bool) -> String {
    if is_known { share(estimate) } else { "in no trial".to_owned() }
}

/// User-minutes lost over all journeys.
fn lost(report: &SimulationReport<'_>, tail: &[Exceedance]) -> Figure {
    let (id, title) = ("lost", "How many user-minutes are lost");
    let Some(last) = tail.last() else {
        let text = match report.simulation.journeys.len() {
            0 => "not known: the topology has no journeys, so users cannot be counted".to_owned(),
            _ if report.simulation.user_minutes.is_none() => "not known: no journey states its traffic".to_owned(),
            n => format!("In at least 99 % of the trials {} no user-minutes: there is nothing to draw.", number_lose(n)),
        };
        return Figure::words(id, title, text);
    };
    let text = format!(
        "The share of the trials in which more user-minutes are lost than a number, over {}. The picture ends at {}, which {} of the \
         trials exceed.",
        number_of(report.simulation.journeys.iter().filter(|journey| journey.is_traffic_known).count(), "journey"),
        count_plain(last.value),
        share(last.p_above)
    );
    let mut figure = Figure::words(id, title, text);
    let tails = [tail.to_vec()];
    figure.titles = vec!["more than".to_owned(), "share of trials".to_owned()];
    figure.rows = tail_rows(&tails, &count_plain);
    let (scale, label) = scale(last.value);
    draw_tails(&mut figure, &tails, (label, scale));
    figure
}

fn number_lose(journeys: usize) -> String {
    format!("{} {}", number_of(journeys, "journey"), if journeys == 1 { "loses" } else { "lose" })
}

/// A unit in which the numbers of an axis stay short.
pub(super) fn scale(end: f64) -> (f64, &'static str) {
    match end {
        end if end >= 1e6 => (1e6, "more than (millions of user-minutes)"),
        end if end >= 1e3 => (1e3, "more than (thousands of user-minutes)"),
        _ => (1.0, "more than (user-minutes)"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{quality, run, shop, simulation_report};
    use super::*;
    use crate::propagation::Request;
    use crate::random::Seed;

    #[test]
    fn a_run_with_a_clock_has_four_pictures() {
        let system = shop();
        let simulation = run(&system, &Request { trials: 1_024, seed: Seed(7), curves: true, ..Request::default() });
        let quality = quality();
        let figures = figures(&simulation_report(&system, &simulation, &quality));
        assert_eq!(figures.iter().map(|figure| figure.id).collect::<Vec<_>>(), ["reach", "downtime", "time", "lost"]);
        for figure in &figures {
            assert!(figure.picture.as_ref().is_some_and(|picture| picture.contains("<svg")), "{}", figure.id);
            assert!(figure.rows.iter().all(|row| row.len() == figure.titles.len()), "{}", figure.id);
            assert!(!figure.rows.is_empty() && !figure.text.is_empty(), "{}", figure.id);
        }
        assert_eq!(figures[1].keys[0], "payment");
        let shares: Vec<f64> = simulation.curves.expect("asked").reach.iter().map(|bin| bin.probability.mean).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        let (system, quality) = (shop(), quality());
        let plain = run(&system, &Request { trials: 64, ..Request::default() });
        let found = figures(&simulation_report(&system, &plain, &quality));
        assert!(found.len() == 1 && found[0].picture.is_none() && found[0].text.starts_with("not known"));
        let without_clock = run(&system, &Request { trials: 512, static_reach: true, curves: true, ..Request::default() });
        let found = figures(&simulation_report(&system, &without_clock, &quality));
        assert!(found[0].picture.is_some() && found[1].picture.is_none() && found[1].text.contains("--static"));
    }

    #[test]
    fn positions_are_spread_with_both_ends() {
        assert_eq!(spread(49, 12).collect::<Vec<_>>(), [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48]);
        assert_eq!(spread(1, 12).collect::<Vec<_>>(), [0]);
        assert_eq!(spread(0, 12).count(), 0);
        assert!(spread(4_321, 200).count() <= 202);
    }
}
