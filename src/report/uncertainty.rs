//! Two levels of uncertainty as a record and as a sentence.

use super::number::{count_plain, share};
use super::record_numbers::{Ends, Mean, unsigned};
use crate::propagation::uncertainty::{Spread, Uncertainty};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Class {
    name: &'static str,
    dependencies: usize,
}

#[derive(Debug, Serialize)]
struct SpreadRecord {
    mean: f64,
    /// Where the mean lies in 90 % of the replicates.
    range: Ends,
    standard_deviation_between: f64,
    standard_deviation_within: f64,
    reducible_share: Mean,
}

impl From<&Spread> for SpreadRecord {
    fn from(spread: &Spread) -> Self {
        Self {
            mean: unsigned(spread.mean),
            range: spread.range.into(),
            standard_deviation_between: unsigned(spread.between),
            standard_deviation_within: unsigned(spread.within),
            reducible_share: spread.reducible_share.into(),
        }
    }
}

/// The record below `uncertainty`.
#[derive(Debug, Serialize)]
pub(super) struct UncertaintyRecord {
    replicates: u64,
    dependencies: usize,
    classes: Vec<Class>,
    reducible_share: f64,
    reach: SpreadRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes: Option<SpreadRecord>,
}

impl From<&Uncertainty> for UncertaintyRecord {
    fn from(uncertainty: &Uncertainty) -> Self {
        let class = |(name, dependencies): &(&'static str, usize)| Class { name, dependencies: *dependencies };
        Self {
            replicates: uncertainty.replicates,
            dependencies: uncertainty.dependencies,
            classes: uncertainty.classes.iter().map(class).collect(),
            reducible_share: unsigned(uncertainty.reducible_share().mean),
            reach: (&uncertainty.reach).into(),
            user_minutes: uncertainty.user_minutes.as_ref().map(SpreadRecord::from),
        }
    }
}

/// What more facts would remove.
pub(super) fn uncertainty_line(uncertainty: &Uncertainty) -> String {
    if uncertainty.dependencies == 0 {
        return "every probability on the way is stated as certain: more facts about them would remove nothing".to_owned();
    }
    let (spread, unit) = match &uncertainty.user_minutes {
        Some(lost) => (lost, "user-minutes"),
        None => (&uncertainty.reach, "services"),
    };
    let probabilities = match uncertainty.dependencies {
        1 => "probability".to_owned(),
        _ => "probabilities".to_owned(),
    };
    format!(
        "the mean is {} to {} {unit}, as the uncertain {probabilities} of {} may be (90 %); facts about them would remove {} of the variance",
        count_plain(spread.range.low),
        count_plain(spread.range.high),
        number_of_dependencies(uncertainty.dependencies),
        share(spread.reducible_share),
    )
}

fn number_of_dependencies(count: usize) -> String {
    if count == 1 { "one dependency".to_owned() } else { format!("{count} dependencies") }
}
