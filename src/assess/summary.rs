//! What the changes of an assessment say together: notes, AI assistance, reasons for P(fault).

use super::{AssessRequest, Placed};
use crate::change::facts::{Assisted, TriState};
use crate::change::provenance::Evidence;
use crate::risk::assessment::Factor;
use crate::risk::review;

/// Notes about the input, and about the people who sign.
pub(super) fn notes(request: &AssessRequest<'_>, placed: &[Placed<'_>]) -> Vec<String> {
    let mut notes = request.notes.clone();
    for note in placed.iter().flat_map(|placed| review::notes(placed.change, &request.team)) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// The most cautious answer over the changes.
pub(super) fn assisted(placed: &[Placed<'_>]) -> Assisted {
    let answers = || placed.iter().map(|placed| placed.change.ai_assisted);
    let first = |answer: TriState| answers().find(|assisted| assisted.answer == answer);
    first(TriState::Yes).or_else(|| first(TriState::Unknown)).or_else(|| first(TriState::No)).unwrap_or_default()
}

pub(super) fn ai_evidence(placed: &[Placed<'_>]) -> Vec<String> {
    let signs = placed.iter().flat_map(|placed| &placed.change.ai_evidence);
    let sentence = |sign: &Evidence| {
        format!("{}: `{}` ({}, confidence {})", sign.place(), sign.text, sign.signal.as_str(), sign.confidence.as_str())
    };
    signs.map(sentence).collect()
}

/// All factors; of several changes each with its title.
pub(super) fn factors(placed: &[Placed<'_>]) -> Vec<Factor> {
    let named = |placed: &Placed<'_>| {
        let title = placed.change.title.clone().unwrap_or_else(|| "untitled change".to_owned());
        let factors = placed.chance.factors.iter().cloned();
        factors.map(|factor| Factor { because: format!("{title}: {}", factor.because), ..factor }).collect::<Vec<_>>()
    };
    match placed {
        [one] => one.chance.factors.clone(),
        all => all.iter().flat_map(named).collect(),
    }
}
