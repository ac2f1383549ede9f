//! Why a verdict is what it is: sentences and rows for pages, and the `explanation` of the assessment record.

use super::number::{score_point, share_point};
use super::record_assessment::band_name;
use super::record_numbers::{Ends, Mean};
use super::sensitivity::{FlipRecord, Name, flip_cells};
use crate::model::System;
use crate::risk::assessment::{Answer, Assessment, Assumption, Cascade, CutSets, Explanation};
use crate::units::DependencyId;
use serde::Serialize;

/// Dependencies of a page.
const EDGES: usize = 5;
/// Cut sets of a journey on a page.
const SETS: usize = 3;

/// The commonest cascades, what would contain them, and the assumptions that decide the band.
pub(super) fn explanation_lines(system: &System, assessment: &Assessment) -> Vec<String> {
    let Some(found) = &assessment.explanation else { return Vec::new() };
    let cascades = found.cascades.iter().map(cascade_line);
    let contained = found.cut_sets.iter().filter_map(|cuts| cut_line(system, cuts));
    let flips = found.assumptions.iter().filter(|assumption| assumption.flips_band).map(assumption_line);
    cascades.chain(contained).chain(flips).collect()
}

fn cascade_line(cascade: &Cascade) -> String {
    let failing = format!("{} is reached in {} of the trials, the clock aside", cascade.service, share_point(cascade.impaired));
    if cascade.steps.len() < 2 {
        return format!("{failing}: the change lands on it");
    }
    let because =
        if cascade.because.is_empty() { String::new() } else { format!(", because {}", cascade.because.join(", and ")) };
    format!("{failing}, most often (in {} of them) by {}{because}", share_point(cascade.share), cascade.steps.join(" → "))
}

fn on(system: &System, id: DependencyId) -> String {
    let Name { from, to, .. } = Name::new(system, id);
    format!("{from} on {to}")
}

/// What would contain it, for one journey.
fn cut_line(system: &System, cuts: &CutSets) -> Option<String> {
    if cuts.is_hit_directly {
        return Some(format!("{} needs what the change lands on: no dependency can contain it", cuts.journey));
    }
    let stopped = match (cuts.is_complete, cuts.largest) {
        (true, _) => String::new(),
        (false, 0) => "; the search stopped at its limit".to_owned(),
        (false, largest) => format!("; all sets of at most {largest} were found, then the search stopped at its limit"),
    };
    if cuts.sets.is_empty() {
        let ways = match cuts.largest {
            0 => return Some(format!("what contains {} is not known{stopped}", cuts.journey)),
            largest => format!("{} is reached on more than {largest} ways", cuts.journey),
        };
        return Some(format!("{ways}: no few dependencies contain it{stopped}"));
    }
    let set = |set: &Vec<DependencyId>| set.iter().map(|id| on(system, *id)).collect::<Vec<_>>().join(" with ");
    let sets: Vec<String> = cuts.sets.iter().take(SETS).map(set).collect();
    let more = cuts.sets.len().saturating_sub(SETS) + cuts.more;
    let more = if more > 0 { format!("; or {more} more sets") } else { String::new() };
    Some(format!("{} stays whole where nothing crosses {}{more}{stopped}", cuts.journey, sets.join("; or ")))
}

fn assumption_line(assumption: &Assumption) -> String {
    let with = |(word, score, band): &Answer| {
        let score = score.map_or_else(String::new, |score| format!(", score {}", score_point(score)));
        format!("{} with `{word}`{score}", band_name(*band))
    };
    format!("{} is not known and decides the band: {}; {}", assumption.what, with(&assumption.better), with(&assumption.worse))
}

/// Rows of the dependencies that carry most.
pub(super) fn edge_cells(system: &System, assessment: &Assessment) -> Vec<[String; 4]> {
    let edges = assessment.explanation.as_ref().and_then(|found| found.edges.as_ref());
    edges.map_or_else(Vec::new, |edges| flip_cells(system, edges).into_iter().take(EDGES).collect())
}

#[derive(Debug, Serialize)]
struct CascadeRecord<'a> {
    journey: &'a str,
    service: &'a str,
    /// P(impaired), the clock aside.
    impaired: Mean,
    steps: &'a [String],
    /// Share of these trials in which the failure took this way first.
    share: Mean,
    because: &'a [String],
    sentence: String,
}

#[derive(Debug, Serialize)]
struct CutSetsRecord<'a> {
    journey: &'a str,
    is_hit_directly: bool,
    sets: Vec<Vec<Name>>,
    /// Sets that are not listed.
    more: usize,
    /// All sets of at most so many dependencies were found.
    largest: usize,
    /// `false` where the search stopped at its limit.
    is_complete: bool,
}

#[derive(Debug, Serialize)]
struct AnswerRecord<'a> {
    answer: &'a str,
    score: Option<f64>,
    interval: Option<Ends>,
    band: &'static str,
}

#[derive(Debug, Serialize)]
struct AssumptionRecord<'a> {
    what: &'a str,
    better: AnswerRecord<'a>,
    worse: AnswerRecord<'a>,
    flips_band: bool,
}

#[derive(Debug, Serialize)]
struct PathRecord<'a> {
    steps: &'a [String],
    probability: f64,
}

/// The record below `explanation`.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationRecord<'a> {
    paths: Vec<PathRecord<'a>>,
    /// Of mean reach, the clock aside; those with the largest derivatives first.
    edges: Vec<FlipRecord>,
    cut_sets: Vec<CutSetsRecord<'a>>,
    cascades: Vec<CascadeRecord<'a>>,
    assumptions: Vec<AssumptionRecord<'a>>,
}

impl<'a> ExplanationRecord<'a> {
    pub(super) fn new(system: &System, assessment: &'a Assessment) -> Self {
        let paths = assessment.paths.iter();
        let paths = paths.map(|path| PathRecord { steps: &path.steps, probability: path.probability + 0.0 }).collect();
        let none = Self { paths, edges: Vec::new(), cut_sets: Vec::new(), cascades: Vec::new(), assumptions: Vec::new() };
        let Some(Explanation { edges, cascades, cut_sets, assumptions }) = &assessment.explanation else { return none };
        Self {
            edges: edges.iter().flat_map(|edges| &edges.flips).map(|flip| FlipRecord::new(system, flip)).collect(),
            cut_sets: cut_sets.iter().map(|cuts| cut_record(system, cuts)).collect(),
            cascades: cascades.iter().map(cascade_record).collect(),
            assumptions: assumptions.iter().map(assumption_record).collect(),
            ..none
        }
    }
}

fn cascade_record(cascade: &Cascade) -> CascadeRecord<'_> {
    CascadeRecord {
        journey: &cascade.journey,
        service: &cascade.service,
        impaired: cascade.impaired.into(),
        steps: &cascade.steps,
        share: cascade.share.into(),
        because: &cascade.because,
        sentence: cascade_line(cascade),
    }
}

fn cut_record<'a>(system: &System, cuts: &'a CutSets) -> CutSetsRecord<'a> {
    let set = |set: &Vec<DependencyId>| set.iter().map(|id| Name::new(system, *id)).collect();
    CutSetsRecord {
        journey: &cuts.journey,
        is_hit_directly: cuts.is_hit_directly,
        sets: cuts.sets.iter().map(set).collect(),
        more: cuts.more,
        largest: cuts.largest,
        is_complete: cuts.is_complete,
    }
}

fn assumption_record(assumption: &Assumption) -> AssumptionRecord<'_> {
    AssumptionRecord {
        what: &assumption.what,
        better: answer_record(&assumption.better),
        worse: answer_record(&assumption.worse),
        flips_band: assumption.flips_band,
    }
}

fn answer_record((answer, score, band): &Answer) -> AnswerRecord<'_> {
    AnswerRecord {
        answer,
        score: score.map(|score| score.mean),
        interval: score.map(|score| Ends::from(score.interval)),
        band: band_name(*band),
    }
}
