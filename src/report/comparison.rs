//! Two simulations on the same random numbers, side by side: a page of text, Markdown, and the JSON of `record_comparison`.
//!
//! The finding comes first: what the edits change, or that they change nothing. Every difference has the interval of paired trials.

use super::escape::{code, sentence};
use super::layout::{Column, Page, Table, clean, wrap};
use super::limits::limit_lines;
use super::number::{
    TOO_CLOSE, TimeUnit, count, count_point, difference, duration_difference, duration_point, score_difference, score_point,
    share, share_difference, share_point, whole,
};
pub use super::record_comparison::{comparison_json, comparison_schema};
use super::words::{number_of, or_same, quality_lines, run_line, uncounted, verdict_band};
use crate::assess::what_if::Verdicts;
use crate::fault::Response;
use crate::propagation::Paired;
use crate::propagation::paired::{Compared, JourneyPair, ServicePair};
use crate::propagation::result::{Method, Simulation};
use crate::quality::DataQuality;
use crate::statistics::Estimate;

/// A comparison to report.
#[derive(Debug, Clone)]
pub struct ComparisonReport<'a> {
    /// Name of the topology.
    pub name: &'a str,
    /// Hash of the topology's texts.
    pub topology_sha256: String,
    /// Name and hash of the other topology, where there is one.
    pub against: Option<(String, String)>,
    /// The edits, as they are typed and in words.
    pub edits: Vec<(String, String)>,
    /// The faults as the user wrote them.
    pub faults: Vec<String>,
    /// What was found.
    pub paired: &'a Paired,
    /// The verdicts, where a change is compared.
    pub verdicts: Option<&'a Verdicts>,
    /// What it rests on.
    pub quality: &'a DataQuality,
    /// The seed.
    pub seed: u64,
    /// The time the simulation starts, where one was given, as written.
    pub at: Option<String>,
    /// How people answer, where that was said.
    pub response: Response,
    /// What the tool does not know, as sentences.
    pub limits: Vec<String>,
    /// Services of a page.
    pub top: usize,
    /// The command line that gives the same bytes again.
    pub command: String,
}

/// Titles of all tables behind the first column.
pub(super) const TITLES: [&str; 3] = ["before", "after", "difference"];

impl ComparisonReport<'_> {
    /// What is compared.
    pub(super) fn subject(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!("{}: ", self.name) };
        let what = match &self.against {
            Some((other, _)) if !other.is_empty() => format!("on {other}"),
            Some(_) => "on the other topology".to_owned(),
            None => format!("with {}", self.edits.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(" and ")),
        };
        format!("{name}{} {what}", self.faults.join(" and "))
    }

    /// The finding in one sentence.
    pub(super) fn finding(&self) -> String {
        let paired = self.paired;
        if self.is_without_effect() {
            return self.no_effect();
        }
        let mut parts = Vec::new();
        if let Some(score) = self.verdicts.and_then(|verdicts| verdicts.score) {
            parts.push(format!("score {}", score_difference(score)));
        }
        if let Some(lost) = self.paired.user_minutes {
            parts.push(match paired.user_minutes_ratio {
                Some(ratio) if lost.difference.mean != 0.0 => format!("user-minutes lost × {}", count(ratio)),
                _ => format!("user-minutes lost {}", or_same(lost, difference)),
            });
        }
        parts.push(format!("mean reach {}", or_same(paired.reach, difference)));
        parts.join("; ")
    }

    /// Is the fault itself more or less likely?
    fn changes_chance(&self) -> bool {
        self.verdicts.is_some_and(|verdicts| verdicts.before.fault_probability != verdicts.after.fault_probability)
    }

    /// Does nothing differ: no trial, no number, nothing of the verdict?
    fn is_without_effect(&self) -> bool {
        let is_same = |verdicts: &Verdicts| {
            let (before, after) = (&verdicts.before, &verdicts.after);
            before.verdict == after.verdict && before.floors == after.floors
        };
        self.paired.is_without_effect() && !self.changes_chance() && self.verdicts.is_none_or(is_same)
    }

    fn no_effect(&self) -> String {
        match self.paired.differing {
            Some(share_of_trials) => format!(
                "no effect: no service and no journey fares differently in any of {} trials (in the long run {} of them)",
                whole(self.paired.before.trials),
                share(share_of_trials)
            ),
            None => "no effect: nothing differs, exactly".to_owned(),
        }
    }

    /// What is said below the finding.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(verdicts) = self.verdicts {
            let (before, after) = (&verdicts.before.verdict, &verdicts.after.verdict);
            let (from, to) = (verdict_band(before), verdict_band(after));
            notes.push(match from == to {
                true => format!("the band stays {from}"),
                false => format!("the band goes from {from} to {to}"),
            });
            let raised = after.band != after.score_band;
            let rules = verdicts.after.floors.iter().filter(|floor| floor.raises_to == after.band);
            let rules: Vec<&str> = rules.map(|floor| floor.rule.as_str()).collect();
            if raised {
                notes.push(format!("no lower: {}", rules.join(", ")));
            }
            if self.paired.is_without_effect() && self.changes_chance() {
                notes.push("it changes how likely the fault is, not what the fault does".to_owned());
            }
        }
        if let Some(share_of_trials) = self.paired.differing.filter(|_| !self.paired.is_without_effect()) {
            notes.push(format!("{} of the trials differ", share(share_of_trials)));
        }
        if self.paired.user_minutes.is_some() {
            let journeys = self.paired.journeys.iter().map(|journey| (journey.name.as_str(), journey.is_traffic_known));
            notes.extend(uncounted(journeys).map(|words| format!("user-minutes, {words}")));
        }
        if is_worse(self.paired) {
            notes.push("something gets worse: look at the differences with a plus".to_owned());
        }
        notes
    }

    /// Score, P(fault), reach and losses.
    fn measures(&self) -> Vec<[String; 4]> {
        let mut rows = Vec::new();
        if let Some(verdicts) = self.verdicts {
            let (before, after) = (&verdicts.before, &verdicts.after);
            if let (Some(a), Some(b)) = (before.risk.score, after.risk.score) {
                let change = verdicts.score.map_or_else(String::new, score_difference);
                rows.push(["score".to_owned(), score_point(a), score_point(b), change]);
            }
            let points = Estimate {
                mean: after.fault_probability.mean - before.fault_probability.mean,
                interval: crate::statistics::Interval {
                    low: after.fault_probability.mean - before.fault_probability.mean,
                    high: after.fault_probability.mean - before.fault_probability.mean,
                },
            };
            let change = if points.mean == 0.0 { "same".to_owned() } else { share_difference(rounded(points)) };
            rows.push([
                "P(fault)".to_owned(),
                share_point(before.fault_probability),
                share_point(after.fault_probability),
                change,
            ]);
        }
        let line = |name: &str, compared: Compared| {
            [name.to_owned(), count_point(compared.before), count_point(compared.after), or_same(compared, difference)]
        };
        rows.push(line("mean reach", self.paired.reach));
        let Paired { before, after, user_minutes, journeys, .. } = self.paired;
        if let Some(lost) = user_minutes {
            rows.push(line("user-minutes lost", *lost));
        } else if !journeys.is_empty() {
            // What is not known of the same users has no difference.
            let cell = |side: &Simulation| {
                side.user_minutes.as_ref().map_or_else(|| "no traffic stated".to_owned(), |lost| count_point(lost.mean))
            };
            rows.push(["user-minutes lost".to_owned(), cell(before), cell(after), "not comparable".to_owned()]);
        }
        rows
    }

    /// User-minutes of each journey, and downtime.
    fn journeys(&self) -> Vec<[String; 4]> {
        let rows = |journey: &JourneyPair| {
            let lost = |what: &str, compared: Compared| {
                let name = format!("{}, {what}", journey.name);
                [name, count_point(compared.before), count_point(compared.after), or_same(compared, difference)]
            };
            let mut rows = Vec::new();
            if journey.is_traffic_known {
                rows.push(lost("user-minutes", journey.user_minutes));
            }
            if journey.integrity_minutes.before.mean + journey.integrity_minutes.after.mean > 0.0 {
                rows.push(lost("wrong answers", journey.integrity_minutes));
            }
            rows.push(times(format!("{}, down", journey.name), journey.downtime));
            rows.extend(impaired_row(&journey.name, journey.downtime, journey.impaired_time));
            rows
        };
        self.paired.journeys.iter().flat_map(rows).collect()
    }

    /// The services that differ most, and how many more differ.
    pub(super) fn services(&self) -> (Vec<[String; 4]>, usize) {
        let size = |pair: &ServicePair| {
            let times = pair.downtime.iter().chain(&pair.impaired_time).map(|compared| compared.difference.mean.abs());
            (pair.impaired.difference.mean.abs(), times.fold(0.0, f64::max))
        };
        let mut differing: Vec<&ServicePair> = self.paired.services.iter().filter(|pair| size(pair) != (0.0, 0.0)).collect();
        differing.sort_by(|a, b| {
            let (a, b) = (size(a), size(b));
            b.1.total_cmp(&a.1).then(b.0.total_cmp(&a.0))
        });
        let more = differing.len().saturating_sub(self.top);
        let rows = differing.into_iter().take(self.top).flat_map(|pair| {
            let impaired = pair.impaired;
            let first = [
                format!("{}, P(impaired)", pair.name),
                share_point(impaired.before),
                share_point(impaired.after),
                or_same(impaired, share_difference),
            ];
            let down = pair.downtime.map(|compared| times(format!("{}, down", pair.name), compared));
            let impaired = pair.downtime.zip(pair.impaired_time).and_then(|(down, long)| impaired_row(&pair.name, down, long));
            std::iter::once(first).chain(down).chain(impaired)
        });
        (rows.collect(), more)
    }

    pub(super) fn tables(&self) -> Vec<(&'static str, &'static str, Vec<[String; 4]>)> {
        let (services, _) = self.services();
        let tables = vec![("", "measure", self.measures()), ("Journeys", "journey", self.journeys())];
        let services = ("Services that differ most", "service", services);
        tables.into_iter().chain([services]).filter(|(.., rows)| !rows.is_empty()).collect()
    }

    pub(super) fn run_line(&self) -> String {
        let line = run_line(&self.paired.before);
        match self.paired.before.method {
            Method::Sampled => format!("{line}; both sides on the same random numbers, differences paired"),
            Method::Exact => line,
        }
    }
}

/// How long something is impaired, where that is not how long it is down.
fn impaired_row(name: &str, down: Compared, impaired: Compared) -> Option<[String; 4]> {
    (impaired != down).then(|| times(format!("{name}, impaired"), impaired))
}

/// P(fault) has no sampling error, but it has no more than three digits either.
fn rounded(estimate: Estimate) -> Estimate {
    let to = |value: f64| (value * 1e4).round() / 1e4;
    estimate.map(to)
}

fn times(name: String, compared: Compared) -> [String; 4] {
    let unit = TimeUnit::for_line(&[compared.difference.mean.abs()]);
    let change = match compared.difference.mean == 0.0 {
        true => "same".to_owned(),
        false => duration_difference(compared.difference, unit),
    };
    [name, duration_point(compared.before), duration_point(compared.after), change]
}

/// Does any interval lie above zero?
fn is_worse(paired: &Paired) -> bool {
    let above = |compared: &Compared| compared.difference.interval.low > 0.0 && !compared.difference.interval.is_unknown();
    above(&paired.reach)
        || paired.user_minutes.iter().any(above)
        || paired.services.iter().any(|pair| above(&pair.impaired) || pair.downtime.iter().chain(&pair.impaired_time).any(above))
        || paired
            .journeys
            .iter()
            .any(|journey| above(&journey.user_minutes) || above(&journey.downtime) || above(&journey.impaired_time))
}

/// Writes a comparison as a page of text.
pub fn comparison_text(report: &ComparisonReport<'_>, page: Page) -> String {
    let mut out = page.bold(wrap(&report.subject(), page.width, "").trim_end());
    out.push('\n');
    out.push_str(&page.bold(wrap(&report.finding(), page.width, "").trim_end()));
    out.push('\n');
    report.notes().iter().for_each(|note| out.push_str(&wrap(note, page.width, "")));
    for (title, first, rows) in report.tables() {
        out.push('\n');
        if !title.is_empty() {
            out.push_str(&format!("{}\n", page.bold(title)));
        }
        let [before, after, change] = TITLES;
        let mut table =
            Table::new(&[(first, Column::Text), (before, Column::Number), (after, Column::Number), (change, Column::Number)]);
        table.rows = rows.into_iter().map(Vec::from).collect();
        out.push_str(&table.render(page, &|_| None));
    }
    let (_, more) = report.services();
    if more > 0 {
        out.push_str(&page.dim(&format!("  and {} more that differ\n", number_of(more, "service"))));
    }
    for (title, lines) in
        [("Data", quality_lines(report.quality)), ("Limits", limit_lines(Some(&report.paired.before), &report.limits))]
    {
        out.push_str(&format!("\n{}\n", page.bold(title)));
        lines.iter().for_each(|line| out.push_str(&wrap(line, page.width, "  - ")));
    }
    out.push_str(&format!("\n{}\n", page.dim(wrap(&report.run_line(), page.width, "").trim_end())));
    out.push_str(&format!("{}{}\n", page.dim("again: "), clean(&report.command)));
    out
}

/// Writes a comparison as Markdown.
pub fn comparison_markdown(report: &ComparisonReport<'_>) -> String {
    let mut out = format!("### {}\n\n**{}**\n\n", sentence(&report.subject()), sentence(&report.finding()));
    report.notes().iter().for_each(|note| out.push_str(&format!("- {}\n", sentence(note))));
    out.push('\n');
    for (title, first, rows) in report.tables() {
        if !title.is_empty() {
            out.push_str(&format!("**{title}**\n\n"));
        }
        out.push_str(&format!("| {first} | {} |\n| --- | ---: | ---: | ---: |\n", TITLES.join(" | ")));
        for row in rows {
            out.push_str(&format!("| {} |\n", row.map(|cell| sentence(&cell)).join(" | ")));
        }
        out.push('\n');
    }
    let (_, more) = report.services();
    if more > 0 {
        out.push_str(&format!("and {} more that differ\n\n", number_of(more, "service")));
    }
    for text in quality_lines(report.quality).into_iter().chain(limit_lines(Some(&report.paired.before), &report.limits)) {
        out.push_str(&format!("- {}\n", sentence(&text)));
    }
    out.push_str(&format!(
        "\n{}; {TOO_CLOSE}: zero lies in the interval.\n\n{}\n",
        sentence(&report.run_line()),
        code(&report.command)
    ));
    out
}
