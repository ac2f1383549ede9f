//! The sentences and table cells that every page shares, so that a terminal and a comment say the same.

use super::input::{AssessmentReport, SimulationReport, worst_hit};
use super::number::{
    TOO_CLOSE, TimeUnit, budget, count, count_plain, count_point, duration, quantile_in, share, share_plain, share_point, whole,
};
use super::record_assessment::band_name;
use crate::fault::Fault;
use crate::model::System;
use crate::propagation::Simulation;
use crate::propagation::paired::Compared;
use crate::propagation::result::{JourneyResult, Method, Precision, Quantile, ServiceResult, Solver, Summary};
use crate::quality::DataQuality;
use crate::risk::assessment::{Assessment, Band, Floor, Gate, Verdict};
use crate::statistics::Estimate;
use crate::units::ServiceId;

/// How many services the short tables name.
pub(super) const WORST: usize = 5;

/// Most journeys whose remaining budget is named.
const MOST_REMAINING: usize = 5;

/// The finding in one sentence.
pub(super) fn headline(report: &SimulationReport<'_>) -> String {
    let (system, reach) = (report.system, &report.simulation.reach);
    let faults = report.faults.join(" and ");
    let of = whole(system.service_count() as u64);
    let (reaches, causes) = if report.faults.len() > 1 { ("reach", "cause") } else { ("reaches", "causes") };
    let wrong = match wrong_answers(report.simulation) {
        lost if lost > 0.0 => format!(" and {causes} {} user-minutes of wrong answers", count_plain(lost)),
        _ => String::new(),
    };
    format!("{faults} {reaches} {} of {of} services on average{wrong}", count(reach.mean))
}

/// User-minutes with wrong answers over all journeys, on average.
pub(super) fn wrong_answers(simulation: &Simulation) -> f64 {
    simulation.journeys.iter().map(|journey| journey.integrity_minutes.mean.mean).sum()
}

/// Quantiles of reach.
pub(super) fn reach_line(simulation: &Simulation) -> String {
    let reach = &simulation.reach;
    format!(
        "at most {} in half of the trials, {} in 90 %, {} in 99 %",
        whole(reach.p50.value),
        whole(reach.p90.value),
        whole(reach.p99.value)
    )
}

/// Bounds of static reach.
pub(super) fn bounds_line(simulation: &Simulation) -> Option<String> {
    simulation.reach_bounds.as_ref().map(|(optimistic, pessimistic)| {
        format!("from {} with all delayed dependencies cut to {} with none", count(optimistic.mean), count(pessimistic.mean))
    })
}

/// Who loses traffic without being harmed: how many services, and the likeliest.
pub(super) fn starved_line(system: &System, simulation: &Simulation) -> Option<String> {
    let starved = simulation.starved.as_ref()?;
    // Of equals the first in file order.
    let (first, p) = starved.iter().rev().max_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))?;
    let (services, name) = (number_of(starved.len(), "service"), system.service_name(*first));
    let verb = if starved.len() == 1 { "loses" } else { "lose" };
    Some(format!("{services} below {verb} traffic without harm: {name} in {} of the trials", share_point(*p)))
}

/// User-minutes lost over all journeys, mean and worst trials.
pub(super) fn loss_line(simulation: &Simulation) -> Option<String> {
    if simulation.journeys.is_empty() {
        return None;
    }
    let Some(lost) = &simulation.user_minutes else { return Some(format!("not known: {NO_TRAFFIC}")) };
    let wrong = if wrong_answers(simulation) > 0.0 { "; wrong answers come on top" } else { "" };
    let (mean, worst) = (count(lost.mean), count(lost.es95));
    let uncounted = uncounted_after(simulation);
    Some(format!("{mean} user-minutes on average, {worst} in the worst 5 % of trials{wrong}{uncounted}"))
}

const NO_TRAFFIC: &str = "no journey states its `users_per_minute`";

/// Journeys whose users nobody can count, of all with whether their traffic is known.
pub(super) fn uncounted<'a>(journeys: impl ExactSizeIterator<Item = (&'a str, bool)>) -> Option<String> {
    let count = journeys.len();
    let unknown: Vec<&str> = journeys.filter(|(_, is_known)| !is_known).map(|(name, _)| name).collect();
    match unknown.as_slice() {
        [] => None,
        [name] => Some(format!("not counted: {name}, which states no traffic")),
        more => Some(format!("not counted: {} of {count} journeys, which state no traffic", more.len())),
    }
}

/// The same, for the end of a sentence.
fn uncounted_after(simulation: &Simulation) -> String {
    let journeys = simulation.journeys.iter().map(|journey| (journey.name.as_str(), journey.is_traffic_known));
    uncounted(journeys).map_or_else(String::new, |words| format!("; {words}"))
}

/// How the numbers were got.
pub(super) fn run_line(simulation: &Simulation) -> String {
    let horizon = simulation.horizon_minutes.map_or_else(String::new, |minutes| format!(", horizon {}", duration(minutes)));
    match simulation.method {
        Method::Sampled => {
            let precise = match simulation.precision {
                Some(precision) if precision.is_reached() => format!("; {}", precision_words(precision)),
                _ => String::new(),
            };
            let leaving = simulation.leaving.map_or_else(String::new, |leaving| {
                format!(", all of them among the {} in which the failure leaves its source", share_plain(leaving.probability))
            });
            format!(
                "{} trials{leaving}, seed {}{horizon}; intervals: 95 %, sampling error only{precise}",
                whole(simulation.trials),
                simulation.seed
            )
        }
        Method::Exact => {
            let cases = whole(simulation.trials);
            match simulation.solver {
                Some(solver @ (Solver::Factoring | Solver::Frontier)) => {
                    format!("exact by {}, {cases} cases{horizon}", solver.name())
                }
                _ => format!("exact, {cases} cases enumerated{horizon}"),
            }
        }
    }
}

/// The half-widths that were reached.
pub(super) fn precision_words(precision: Precision) -> String {
    let share = |width: f64| if width.is_finite() { share_plain(width) } else { "an unknown share".to_owned() };
    let lost = precision.user_minutes.map_or_else(String::new, |lost| format!(" and {} of mean user-minutes", share(lost)));
    format!("half-width {} of mean reach{lost}, asked were {}", share(precision.reach), share(precision.asked))
}

/// What the result rests on, as sentences.
pub(super) fn quality_lines(quality: &DataQuality) -> Vec<String> {
    let age = match quality.age_days {
        Some(days @ ..=-1) => {
            format!("observed {} after the point in time of the question", number_of(days.unsigned_abs() as usize, "day"))
        }
        Some(1) => "observed 1 day ago".to_owned(),
        Some(days) => format!("observed {days} days ago"),
        None => format!("age unknown: state {}", missing_dates(quality)),
    };
    let coverage = match quality.coverage {
        Some(coverage) => format!("{} of the dependencies believed to be listed", share_plain(coverage)),
        None => "coverage unknown: state `coverage`".to_owned(),
    };
    let mut lines = vec![format!("{age}; {coverage}")];
    lines.extend(quality.assumed.iter().map(|assumed| format!("assumed: {assumed}")));
    lines.extend(quality.not_modelled.iter().map(|what| format!("not modelled: {what}")));
    lines
}

/// What would make the age known.
fn missing_dates(quality: &DataQuality) -> &'static str {
    match (quality.has_observed_at, quality.has_at) {
        (true, _) => "`--at`",
        (false, true) => "`observed_at`",
        (false, false) => "`observed_at` and `--at`",
    }
}

/// One service of the table of the worst-hit.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) service: ServiceId,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) impaired: String,
    /// Median and 95th percentile of impaired time, 95th of downtime, in one unit; `None` without a clock.
    pub(super) times: Option<[String; 3]>,
}

/// The worst-hit services, and how many more were hit. `faults` as `kind@target`.
pub(super) fn hits(system: &System, simulation: &Simulation, faults: &[String], limit: usize) -> (Vec<Hit>, usize) {
    let (worst, sources) = (worst_hit(simulation), sources(system, faults));
    let row = |result: &&ServiceResult| Hit {
        service: result.service,
        name: system.service_name(result.service).to_owned(),
        owner: system.service(result.service).owner.clone().unwrap_or_else(|| "(unowned)".to_owned()),
        impaired: impaired_share(result, &sources),
        times: result.times().as_ref().map(|times| three_times(&times.impaired_time, &times.downtime)),
    };
    (worst.iter().take(limit).map(row).collect(), worst.len().saturating_sub(limit))
}

/// The services that the faults begin at, where a fault names one.
pub(super) fn sources(system: &System, faults: &[String]) -> Vec<ServiceId> {
    let parsed = faults.iter().filter_map(|fault| Fault::parse(fault).ok());
    parsed
        .flat_map(|fault| fault.targets)
        .filter_map(|target| system.resolve(&target.name).ok())
        .map(|found| found.service)
        .collect()
}

/// P(impaired); a source that was hit in every trial is hit for certain.
pub(super) fn impaired_share(result: &ServiceResult, sources: &[ServiceId]) -> String {
    if result.impaired.mean >= 1.0 && sources.contains(&result.service) {
        return share_plain(1.0);
    }
    share_point(result.impaired)
}

/// Median and 95th percentile of impaired time, 95th of downtime, in one unit.
fn three_times(impaired: &Summary, down: &Summary) -> [String; 3] {
    let unit = TimeUnit::for_line(&[impaired.p50, impaired.p95, down.p95].map(|quantile| quantile.value));
    [quantile_in(impaired.p50, unit), quantile_in(impaired.p95, unit), quantile_in(down.p95, unit)]
}

/// How likely a journey is impaired at all: a column that gives way first.
pub(super) const P_IMPAIRED: &str = "P(impaired)";

/// The titles of [`journey_cells`].
pub(super) fn journey_titles(simulation: &Simulation) -> Vec<&'static str> {
    let mut titles = vec!["journey", P_IMPAIRED, "impaired p50", "impaired p95", "down p95", "user-minutes"];
    if wrong_answers(simulation) > 0.0 {
        titles.push("wrong answers");
    }
    titles.push("error budget");
    titles
}

/// The cells of each journey: name, P(impaired), times, user-minutes, those with wrong answers where there are any, use of the error budget.
pub(super) fn journey_cells(simulation: &Simulation) -> Vec<Vec<String>> {
    let with_wrong = wrong_answers(simulation) > 0.0;
    let cells = |journey: &JourneyResult| {
        let mut cells = vec![journey.name.clone(), share_point(journey.impaired)];
        cells.extend(three_times(&journey.impaired_time, &journey.downtime));
        let counted = |words: String| if journey.is_traffic_known { words } else { "no traffic stated".to_owned() };
        cells.push(counted(count(journey.user_minutes.mean)));
        if with_wrong {
            cells.push(counted(count_point(journey.integrity_minutes.mean)));
        }
        cells.push(journey.budget_share.as_ref().map_or_else(|| "no objective".to_owned(), |share| budget(share.mean)));
        cells
    };
    simulation.journeys.iter().map(cells).collect()
}

/// The chance of a breach.
pub(super) fn breach_line(assessment: &Assessment, written: impl Fn(Estimate) -> String) -> String {
    let title = match assessment.journeys.iter().any(|journey| journey.remaining.is_some()) {
        true => "P(a journey exceeds what remains of its error budget)",
        false => "P(a journey exceeds its error budget)",
    };
    let breach =
        assessment.breach.map_or_else(|| "not known: no journey states its traffic and its objective".to_owned(), written);
    format!("{title}: {breach}")
}

/// What remains of the error budgets, where that is known of any.
pub(super) fn remaining_line(assessment: &Assessment) -> Option<String> {
    let known = assessment.journeys.iter().filter_map(|journey| {
        let remaining = journey.remaining?;
        let doubt = if remaining.is_current { "" } else { " (not known as of the change)" };
        Some(format!("{} {:.0} %{doubt}", journey.name, 100.0 * remaining.share))
    });
    let known: Vec<String> = known.collect();
    let more = known.len().saturating_sub(MOST_REMAINING);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!known.is_empty()).then(|| format!("Remaining error budget: {}{rest}", known[..known.len() - more].join(", ")))
}

/// Is there a score? Where nothing could be assessed it is 0 with the interval 0..=100.
pub(super) fn is_scored(verdict: &Verdict) -> bool {
    let says_nothing = verdict.score == 0.0 && verdict.interval.low <= 0.0 && verdict.interval.high >= 100.0;
    verdict.gate != Gate::NotAssessed && !says_nothing
}

/// The band for people.
pub(super) fn verdict_band(verdict: &Verdict) -> String {
    match verdict.gate {
        Gate::NotAssessed => format!("NOT ASSESSED (counts as {})", band_name(verdict.band)),
        _ => band_name(verdict.band).to_uppercase(),
    }
}

/// The verdict in one line without its band.
pub(super) fn verdict_line(verdict: &Verdict) -> String {
    if verdict.gate == Gate::NotAssessed {
        return "too little is known".to_owned();
    }
    if !is_scored(verdict) {
        return format!("no score: {}", gate_words(verdict.gate));
    }
    let score = super::number::score(Estimate { mean: verdict.score, interval: verdict.interval });
    format!("score {score}: {}", gate_words(verdict.gate))
}

/// The gate for people.
pub(super) fn gate_words(gate: Gate) -> &'static str {
    match gate {
        Gate::Pass => "passes",
        Gate::SignOffRequired => "sign-off required",
        Gate::Blocked => "blocked",
        Gate::NotAssessed => "not assessed, too little is known",
    }
}

/// Where the band does not speak for itself: floors that raised it, an interval that crosses a border.
pub(super) fn verdict_notes(assessment: &Assessment) -> Vec<String> {
    let verdict = &assessment.verdict;
    let mut notes = Vec::new();
    if !is_scored(verdict) {
        return notes;
    }
    if verdict.band != verdict.score_band {
        notes.push(format!("raised from {} to {} by a rule", band_name(verdict.score_band), band_name(verdict.band)));
    }
    if !verdict.settled {
        notes.push(format!("{TOO_CLOSE}: the interval of the score crosses a border between bands; `--trials` narrows it"));
    }
    notes
}

/// A rule that fired, and what it does.
pub(super) fn floor_line(floor: &Floor) -> String {
    let Floor { rule, raises_to, because, overridden } = floor;
    match (overridden, raises_to) {
        (Some(aside), _) => format!("{rule}, {aside} ({because})"),
        (None, Band::Green) => format!("{rule}: {because}"),
        (None, band) => format!("at least {} ({rule}): {because}", band_name(*band)),
    }
}

/// The fewest people who can give what is missing, each with what for.
pub(super) fn signer_lines(assessment: &Assessment) -> Vec<String> {
    assessment.signers.iter().map(|signer| format!("{}: {}", signer.who, signer.covers.join(", "))).collect()
}

/// What a sign-off has to name.
pub(super) fn forecast_line(assessment: &Assessment) -> String {
    let commits: Vec<String> = assessment.heads.iter().map(|head| head.chars().take(10).collect()).collect();
    let of = match commits.as_slice() {
        [] => String::new(),
        [one] => format!(" of commit {one}"),
        all => format!(" of commits {}", all.join(", ")),
    };
    let policy = assessment.policy.as_ref().map(|name| format!(", by the policy {name}")).unwrap_or_default();
    format!("Forecast {}{of}{policy}: a sign-off belongs to it and lapses when it changes", assessment.forecast)
}

/// What stands over files that the policy lists under `not_deployed`.
pub(super) const NOT_DEPLOYED: &str = "Changed files that never get into production, by the policy";

/// What the change is.
pub(super) fn change_line(assessment: &Assessment) -> String {
    let title = assessment.title.as_deref().unwrap_or("untitled change");
    let services = match assessment.services.as_slice() {
        [] if assessment.is_never_deployed() => "nothing that gets into production".to_owned(),
        [] => "no known service".to_owned(),
        services => services.join(", "),
    };
    let files = if assessment.n_files == 0 { String::new() } else { format!(" ({})", number_of(assessment.n_files, "file")) };
    format!("{title} → {services}{files}")
}

/// `1 file`, `2 files`.
pub(super) fn number_of(count: usize, what: &str) -> String {
    format!("{} {what}{}", whole(count as u64), if count == 1 { "" } else { "s" })
}

/// The three numbers of a verdict: label and value.
pub(super) fn three_numbers(report: &AssessmentReport<'_>) -> [(&'static str, String); 3] {
    let assessment = report.assessment;
    let chance = ("P(fault)", share(assessment.fault_probability.belief));
    let Some(simulation) = &assessment.impact else {
        let is_never = assessment.is_never_deployed();
        let words = if is_never { "none: the policy says that it never gets into production" } else { "not simulated" };
        return [chance, ("services if it fails", words.to_owned()), ("expected loss", words.to_owned())];
    };
    let reach = &simulation.reach;
    let of = whole(report.system.service_count() as u64);
    let reached = format!("{} of {of} in the median, {} at the 90th percentile", whole(reach.p50.value), whole(reach.p90.value));
    let loss = match worst_hit(simulation).first() {
        _ if !simulation.journeys.is_empty() => {
            let wrong = if wrong_answers(simulation) > 0.0 { ", wrong answers included" } else { "" };
            let uncounted = uncounted_after(simulation);
            let lost = match assessment.expected_user_minutes {
                Some(lost) => format!("{} user-minutes, the chance of a fault included{wrong}{uncounted}", count(lost)),
                None => format!("not known: {NO_TRAFFIC}"),
            };
            ("expected loss", lost)
        }
        Some(worst) if worst.times().is_some_and(|times| times.impaired_time.p95.value > 0.0) => {
            worst_times(report.system, worst)
        }
        _ => ("downtime if it fails", "none seen".to_owned()),
    };
    [chance, ("services if it fails", reached), loss]
}

/// How long the worst-hit service is down, or impaired where it is never down.
fn worst_times(system: &System, worst: &ServiceResult) -> (&'static str, String) {
    let (label, times) = match &worst.times() {
        Some(times) if times.downtime.p95.value > 0.0 => ("downtime if it fails", (times.downtime.p50, times.downtime.p95)),
        Some(times) => ("impaired if it fails", (times.impaired_time.p50, times.impaired_time.p95)),
        None => ("impaired if it fails", (Quantile::certain(0.0), Quantile::certain(0.0))),
    };
    let unit = TimeUnit::for_line(&[times.0.value, times.1.value]);
    let (p50, p95) = (quantile_in(times.0, unit), quantile_in(times.1, unit));
    (label, format!("{p50} in the median, {p95} at the 95th percentile ({})", system.service_name(worst.service)))
}

/// The likeliest way to a service: `payment → checkout → frontend`, and its probability.
pub(super) fn path_to(system: &System, assessment: &Assessment, service: ServiceId) -> Option<(String, String)> {
    let ends_there = |steps: &[String]| {
        let end = steps.last().and_then(|end| system.resolve(end).ok());
        steps.len() > 1 && end.is_some_and(|end| end.service == service)
    };
    let path = assessment.paths.iter().find(|path| ends_there(&path.steps))?;
    Some((path.steps.join(" → "), share_plain(path.probability)))
}

/// One reason for P(fault): name, odds ratio, what was seen.
pub(super) fn factor_cells(assessment: &Assessment) -> Vec<[String; 4]> {
    let factors = assessment.fault_probability.factors.iter();
    let cells = factors.map(|factor| {
        [
            factor.name.replace('_', " "),
            format!("× {}", count(factor.odds_ratio)),
            factor.because.clone(),
            factor.source.to_owned(),
        ]
    });
    cells.collect()
}

/// AI assistance in one sentence.
pub(super) fn ai_line(assessment: &Assessment) -> String {
    format!("AI assistance: {} ({})", assessment.ai.answer, assessment.ai.basis)
}

/// A difference, or the word for none.
pub(super) fn or_same(compared: Compared, show: fn(Estimate) -> String) -> String {
    let Compared { before, after, difference } = compared;
    if difference.mean == 0.0 && before.mean == after.mean { "same".to_owned() } else { show(difference) }
}
