//! The physics: how a failing provider harms its consumer. Every mechanism is one small pure function; all engines use these.
//!
//! Sources: model.md §2.2 and 2.3. Shares are 0..=1, latencies are multipliers ≥ 1. What must hold: every function is monotone
//! in the provider's state, otherwise the least fixpoint would depend on the order of visits.

use crate::model::crossing::Crossing;
use crate::units::Severity;

/// Severities below this do not impair and do not cross (product.md, semantics 1 and 6).
pub const IMPAIRED_SHARE: f64 = 0.01;
/// Latency multipliers below this do not impair.
pub const IMPAIRED_LATENCY: f64 = 1.5;
/// From this share of failing requests on a service is down.
pub const DOWN_SHARE: f64 = 0.5;

/// Share of calls that still fail after `attempts` tries, when the share `transient` of failures is escaped by trying again:
/// `η s^k + (1 − η) s`. A total outage stays total.
pub fn after_retries(failing: f64, attempts: u32, transient: f64) -> f64 {
    if attempts <= 1 || transient == 0.0 {
        return failing;
    }
    transient * failing.powi(attempts.min(1_000) as i32) + (1.0 - transient) * failing
}

/// Share of requests that fail when each makes `calls` calls and needs all: `1 − (1 − σ)^m` (model.md §0a).
pub fn amplified(failing: f64, calls: f64) -> f64 {
    if calls == 1.0 { failing } else { 1.0 - (1.0 - failing).powf(calls) }
}

/// Does this share impair? Compared as whole severities, so that a stated 0.01 is 0.01.
pub fn impairs(share: f64) -> bool {
    Severity::from_share(share) >= Severity::from_share(IMPAIRED_SHARE)
}

/// What crosses on channel E: `share · σ` when live, the part no fallback covers when not; nothing below the threshold.
pub fn error_crossing(failing: f64, share: f64, uncovered: f64, live: bool) -> f64 {
    let crossing = share * failing * if live { 1.0 } else { uncovered };
    if impairs(crossing) { crossing } else { 0.0 }
}

/// P(errors of a complete failure impair the consumer): never where too few requests need the provider, always where what no fallback
/// covers is enough (product.md, semantics 5 and 6).
pub fn p_errors_impair(crossing: &Crossing) -> f64 {
    let crosses = amplified(1.0, crossing.calls) * crossing.share;
    match crossing.p_errors {
        _ if !impairs(crosses) => 0.0,
        _ if impairs(crosses * crossing.uncovered) => 1.0,
        p => p,
    }
}

/// Latency multiplier that a consumer gets: `1 + w (L − 1)`.
pub fn latency_crossing(provider: f64, wait_share: f64) -> f64 {
    1.0 + wait_share * (provider - 1.0)
}

/// What crosses on channel D when no validator catches it; nothing below the threshold.
pub fn data_crossing(wrong: f64, share: f64) -> f64 {
    let crossing = share * wrong;
    if impairs(crossing) { crossing } else { 0.0 }
}

/// Several reasons to fail at once: as independent ones, and what any dependence between them allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    working: f64,
    largest: f64,
    sum: f64,
}

impl Combined {
    /// No reason.
    pub const NONE: Self = Self { working: 1.0, largest: 0.0, sum: 0.0 };

    /// One reason more.
    #[must_use]
    pub fn and(self, severity: f64) -> Self {
        self.and_between(severity, (severity, severity))
    }

    /// One reason more, whose own severity lies between bounds.
    #[must_use]
    pub fn and_between(self, severity: f64, (least, most): (f64, f64)) -> Self {
        Self { working: self.working * (1.0 - severity), largest: self.largest.max(least), sum: self.sum + most }
    }

    /// Failing share when the reasons are independent: `1 − Π(1 − c)` (model.md §2.2).
    pub fn share(self) -> f64 {
        1.0 - self.working
    }

    /// Fréchet bounds, `max c` and `min(1, Σ c)`: all reasons hit the same requests, or no two hit the same one.
    pub fn bounds(self) -> (f64, f64) {
        (self.largest, self.sum.min(1.0))
    }
}

impl FromIterator<f64> for Combined {
    fn from_iter<I: IntoIterator<Item = f64>>(severities: I) -> Self {
        severities.into_iter().fold(Self::NONE, Self::and)
    }
}

/// Severity of a k-of-n gate on one channel: 0 while at most n − k providers are lost, else that of the (n − k + 1)-th worst
/// (semantics 12). `lost` holds the crossing severities of the providers that are lost on this channel and is sorted by this;
/// `otherwise` more are lost on others only. Those are passed over first: next to one that is dead, one that is slow is all there is.
pub fn gate_severity(lost: &mut [f64], otherwise: usize, listed: usize, at_least: usize) -> f64 {
    let tolerated = listed - at_least;
    if lost.is_empty() || lost.len() + otherwise <= tolerated {
        return 0.0;
    }
    lost.sort_by(|a, b| b.total_cmp(a));
    lost[tolerated.saturating_sub(otherwise)]
}

/// P(at least k of n independent parts with these probabilities happen). O(n k).
pub fn at_least(k: usize, probabilities: &[f64]) -> f64 {
    // `exactly[j]`: P(j happened so far); the last entry collects "k or more".
    let mut exactly = vec![0.0; k + 1];
    exactly[0] = 1.0;
    for p in probabilities {
        for j in (1..=k).rev() {
            let stay = if j == k { exactly[j] } else { exactly[j] * (1.0 - p) };
            exactly[j] = stay + exactly[j - 1] * p;
        }
        exactly[0] *= 1.0 - p;
    }
    if k == 0 { 1.0 } else { exactly[k] }
}

/// P(at least k of n alike parts fail) when the share `beta` of each part's failures is common to all (beta-factor model,
/// Fleming 1975).
pub fn common_cause_at_least(k: usize, n: usize, p: f64, beta: f64) -> f64 {
    let common = beta * p;
    common + (1.0 - common) * at_least(k, &vec![(1.0 - beta) * p; n])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() <= tolerance, "{value} is not {expected}");
    }

    #[test]
    fn v11_gates() {
        close(at_least(2, &[0.9; 3]), 0.972, 1e-12);
        close(at_least(2, &[0.9, 0.8, 0.7]), 0.902, 1e-12);
        close(at_least(3, &[0.9; 5]), 0.991_44, 1e-12);
    }

    #[test]
    fn v12_common_cause() {
        close(at_least(2, &[0.01; 3]), 2.98e-4, 1e-12);
        close(common_cause_at_least(2, 3, 0.01, 0.05), 7.689_007e-4, 5e-11);
    }

    #[test]
    fn v13_one_zone() {
        let own = at_least(3, &[0.01; 3]);
        close(Combined::from_iter([0.02, own]).share(), 0.020_000_98, 1e-12);
    }

    #[test]
    fn v48_combination_and_frechet_bounds() {
        let two = Combined::from_iter([0.3, 0.4]);
        close(two.share(), 0.58, 1e-12);
        assert_eq!(two.bounds(), (0.4, 0.7));
        assert_eq!(Combined::from_iter([0.6, 0.7]).bounds(), (0.7, 1.0));
        assert_eq!((Combined::NONE.share(), Combined::NONE.bounds()), (0.0, (0.0, 0.0)));
        let second = Combined::NONE.and(0.25).and_between(two.share(), two.bounds());
        close(second.share(), 0.685, 1e-12);
        close(second.bounds().1, 0.95, 1e-12);
        assert_eq!(second.bounds().0, 0.4);
    }

    #[test]
    fn calls_and_retries() {
        // One bad replica of three and eight calls break 96 % (model.md §0a).
        close(amplified(1.0 / 3.0, 8.0), 0.961, 1e-3);
        close(after_retries(1.0, 5, 1.0), 1.0, 0.0);
        close(after_retries(0.3, 3, 1.0), 0.027, 1e-12);
        close(after_retries(0.3, 3, 0.0), 0.3, 0.0);
        close(error_crossing(0.5, 0.01, 0.0, true), 0.0, 0.0);
        close(error_crossing(1.0, 1.0, 0.3, false), 0.3, 0.0);
    }

    #[test]
    fn gates_take_the_next_worst_provider() {
        assert_eq!(gate_severity(&mut [0.4], 0, 3, 2), 0.0);
        assert_eq!(gate_severity(&mut [0.4, 0.9], 0, 3, 2), 0.4);
        assert_eq!(gate_severity(&mut [0.2, 0.9, 0.5], 0, 3, 2), 0.5);
        assert_eq!(gate_severity(&mut [], 3, 3, 2), 0.0);
        assert_eq!(gate_severity(&mut [0.4], 1, 3, 2), 0.4);
        assert_eq!(gate_severity(&mut [0.4, 0.9], 1, 4, 2), 0.4);
        assert_eq!(gate_severity(&mut [0.4, 0.9], 2, 4, 3), 0.9);
    }
}
