//! When may a run be looked at without spoiling its intervals?
//!
//! Look i = 1, 2, … is at N_i = 4096·2^i trials (a search of many short runs begins with fewer) and spends δ_i = δ/(i(i+1)) of the error δ; the δ_i sum to δ over any number of
//! looks, so exact intervals at confidence 1 − δ_i hold together, whatever made the run stop. The last look is at the budget
//! itself. The price is width: at look 4 an interval for δ = 5 % is one at 99.75 %.
//!
//! Source: model.md §4.

/// One permitted look at a running simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// After so many trials in all.
    pub trials: u64,
    /// The confidence of intervals at this look, 1 − δ_i.
    pub confidence: f64,
}

/// Trials of the first look of a run.
const FIRST: u64 = 8_192;

/// The looks of a run of at most `budget` trials that may be wrong with probability `delta`; the last is at `budget`.
///
/// Numbers of trials rise strictly. None without a budget.
pub fn looks(delta: f64, budget: u64) -> impl Iterator<Item = Look> {
    looks_from(FIRST, delta, budget)
}

/// The same with the first look after `first` trials, at least 1 and below 2^32.
pub fn looks_from(first: u64, delta: f64, budget: u64) -> impl Iterator<Item = Look> {
    let trials = move |i: u32| u128::from(first.max(1)) << (i - 1);
    // The first look that reaches the budget; 64 doublings do.
    let last = (1..=65_u32).find(|i| trials(*i) >= u128::from(budget)).unwrap_or(65);
    (1..=last).filter(move |_| budget > 0).map(move |i| {
        // No look follows the last, which spends what is left: δ less the sum of the δ_k before, δ/i.
        match i == last {
            true => Look { trials: budget, confidence: 1.0 - delta / f64::from(i) },
            false => Look { trials: trials(i) as u64, confidence: 1.0 - delta / (f64::from(i) * f64::from(i + 1)) },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(budget: u64) -> Vec<u64> {
        looks(0.05, budget).map(|look| look.trials).collect()
    }

    #[test]
    fn looks_double_up_to_the_budget() {
        assert_eq!(trials(65_536), [8_192, 16_384, 32_768, 65_536]);
        assert_eq!(trials(20_000), [8_192, 16_384, 20_000]);
        assert_eq!(trials(16_384), [8_192, 16_384]);
        assert_eq!(trials(100), [100]);
        assert_eq!(trials(0), [] as [u64; 0]);
        assert_eq!(trials(u64::MAX).last(), Some(&u64::MAX));
        let short: Vec<u64> = looks_from(512, 0.05, 2_048).map(|look| look.trials).collect();
        assert_eq!(short, [512, 1_024, 2_048]);
    }

    #[test]
    fn error_is_spent_as_in_the_model() {
        let confidences: Vec<f64> = looks(0.05, 30_000).map(|look| look.confidence).collect();
        assert_eq!(confidences, [1.0 - 0.05 / 2.0, 1.0 - 0.05 / 6.0, 1.0 - 0.05 / 3.0]);
        for budget in [100, 8_192, 16_384, 1 << 20, u64::MAX] {
            let spent: f64 = looks(0.05, budget).map(|look| 1.0 - look.confidence).sum();
            assert!((spent - 0.05).abs() < 1e-12, "{budget}: {spent}");
        }
    }
}
