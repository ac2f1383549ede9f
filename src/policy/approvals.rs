//! An approval belongs to one head commit and one forecast, and lapses when either changes.
//!
//! A forecast is named by a hash of everything that the verdict is made from, the reviews left out, since a review must not lapse by
//! being given. What must hold: where the head is known, a review that names none or another does not count; a review that names
//! another forecast never counts; both are said.

use crate::change::facts::{Basis, Change, Reviewer};
use sha2::{Digest, Sha256};

/// Letters of a forecast's name.
const LETTERS: usize = 12;
/// Letters of a commit that are shown.
const SHOWN: usize = 10;

/// The name of a forecast: of the changes without their reviews, and of what else decides the verdict, as texts.
pub fn forecast(changes: &[&Change], rest: &[String]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        // With the length in front no two lists of texts are one text.
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for change in changes {
        let mut unreviewed = Change { reviewers: Vec::new(), also_at: None, ..(*change).clone() };
        if change.at_basis == Basis::Flag {
            // Asked again an hour later, it is the same forecast.
            unreviewed.at = None;
        }
        add(&format!("{unreviewed:?}"));
    }
    rest.iter().for_each(|text| add(text));
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..LETTERS].to_owned()
}

/// The change with the reviews that count, and a sentence for each that does not.
pub fn valid(change: &Change, forecast: &str) -> (Change, Vec<String>) {
    let (mut kept, mut said) = (Vec::new(), Vec::new());
    for reviewer in &change.reviewers {
        match lapsed(reviewer, change.head.as_deref(), forecast) {
            None => kept.push(reviewer.clone()),
            Some(why) => said.push(format!("the review of {} does not count: {why}", reviewer.name)),
        }
    }
    (Change { reviewers: kept, ..change.clone() }, said)
}

/// Why a review does not count.
fn lapsed(reviewer: &Reviewer, head: Option<&str>, forecast: &str) -> Option<String> {
    let short = |hash: &str| hash.chars().take(SHOWN).collect::<String>();
    match (head, &reviewer.head) {
        (Some(head), None) => {
            return Some(format!("it names no commit; add `head: {}` and `forecast: {forecast}` to it", short(head)));
        }
        (Some(head), Some(named)) if !head.starts_with(named.as_str()) => {
            return Some(format!("it is for commit {}, and the head is {}", short(named), short(head)));
        }
        (None, Some(named)) => {
            return Some(format!("it is for commit {}, and which commit is assessed is not known", short(named)));
        }
        _ => {}
    }
    let named = reviewer.forecast.as_deref()?;
    (!forecast.starts_with(named)).then(|| format!("it is for forecast {}, and this is {forecast}", short(named)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::facts::Level;

    fn reviewed(head: Option<&str>, forecast: Option<&str>) -> Reviewer {
        Reviewer {
            name: "Lee".to_owned(),
            emails: Vec::new(),
            level: Level::Senior,
            service: None,
            head: head.map(str::to_owned),
            forecast: forecast.map(str::to_owned),
        }
    }

    #[test]
    fn an_approval_belongs_to_one_head_and_one_forecast() {
        let head = "0123456789abcdef0123456789abcdef01234567";
        let change = Change { head: Some(head.to_owned()), ..Change::default() };
        let name = forecast(&[&change], &["topology".to_owned()]);
        for (known, named, said_forecast, counts) in [
            (true, Some(head), None, true),
            (true, Some(&head[..7]), Some(name.as_str()), true),
            (true, None, Some(name.as_str()), false),
            (true, Some("ffffffffff"), Some(name.as_str()), false),
            (true, Some(head), Some("000000000000"), false),
            (false, None, None, true),
            (false, None, Some(name.as_str()), true),
            (false, None, Some("000000000000"), false),
            (false, Some(head), None, false),
        ] {
            let head = known.then(|| head.to_owned());
            let change = Change { head, reviewers: vec![reviewed(named, said_forecast)], ..Change::default() };
            let (bound, said) = valid(&change, &name);
            assert_eq!(bound.reviewers.len(), usize::from(counts), "{known} {named:?} {said_forecast:?}");
            assert_eq!(said.len(), usize::from(!counts));
        }
    }

    #[test]
    fn reviews_do_not_change_the_forecast_and_all_else_does() {
        let change = Change { title: Some("a".to_owned()), ..Change::default() };
        let rest = ["topology".to_owned(), "policy".to_owned()];
        let name = forecast(&[&change], &rest);
        let reviewed = Change { reviewers: vec![reviewed(None, None)], ..change.clone() };
        assert_eq!(forecast(&[&reviewed], &rest), name);
        assert_ne!(forecast(&[&change, &change], &rest), name);
        assert_ne!(forecast(&[&Change { lines: Some(1), ..change.clone() }], &rest), name);
        assert_ne!(forecast(&[&change], &["topologyp".to_owned(), "olicy".to_owned()]), name);
    }
}
