//! What a result rests on: age, coverage, defaults that were used, mechanisms that were left out.
//!
//! Unknown is never shown as low risk: whatever is missing is listed, and the policy raises the verdict for it.

/// The data behind a result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataQuality {
    /// Days from `observed_at` to the time of the question; `None` when one of the two is unknown.
    pub age_days: Option<i64>,
    /// Share of the dependencies believed to be listed.
    pub coverage: Option<f64>,
    /// Sentences about defaults that were used, such as "probability of 14 of 31 dependencies is a default".
    pub assumed: Vec<String>,
    /// Mechanisms that are off or stated but not modelled.
    pub not_modelled: Vec<String>,
}
