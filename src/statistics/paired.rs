//! The difference of two proportions that were seen on the same trials.
//!
//! Of n trials, b have the event after a change and not before, c before and not after; trials that agree say nothing. The
//! difference is (b − c)/n. Its interval is that of Bonett and Price: with p₁ = (b + 1)/(n + 2) and p₂ = (c + 1)/(n + 2)
//!
//! ```text
//! p₁ − p₂ ± z·√((p₁ + p₂ − (p₁ − p₂)²)/(n + 2))
//! ```
//!
//! which stays honest where no trial differs: ±2.8/n at 95 %. Integers only go in, so parts add up in any order.
//!
//! Source: McNemar 1947 (the discordant trials); Bonett and Price 2012, Journal of Educational and Behavioral Statistics 37.

use super::{Estimate, Interval, normal};

/// Trials that differ between two sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discordant {
    /// After and not before.
    pub gained: u64,
    /// Before and not after.
    pub lost: u64,
}

impl Discordant {
    /// Adds other trials.
    pub fn merge(&mut self, other: Self) {
        self.gained += other.gained;
        self.lost += other.lost;
    }

    /// P(after) − P(before) over so many trials, with its interval inside −1..=1. Unknown without trials.
    pub fn difference(self, trials: u64, confidence: f64) -> Estimate {
        if trials == 0 {
            return Estimate { mean: 0.0, interval: Interval::UNKNOWN };
        }
        let (b, c, n) = (self.gained as f64, self.lost as f64, trials as f64);
        let (p1, p2) = ((b + 1.0) / (n + 2.0), (c + 1.0) / (n + 2.0));
        let half = -normal::quantile(0.5 * (1.0 - confidence)) * libm::sqrt((p1 + p2 - (p1 - p2).powi(2)) / (n + 2.0));
        let mean = (b - c) / n;
        // The point is the plain one; it never lies outside.
        let interval =
            Interval { low: (p1 - p2 - half).clamp(-1.0, 1.0).min(mean), high: (p1 - p2 + half).clamp(-1.0, 1.0).max(mean) };
        Estimate { mean, interval }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    #[test]
    fn by_hand() {
        // b = 8, c = 2, n = 98: p₁ = 0.09, p₂ = 0.03, ±1.96·√((0.12 − 0.0036)/100).
        let found = Discordant { gained: 8, lost: 2 }.difference(98, 0.95);
        assert_close(found.mean, 6.0 / 98.0, 1e-15);
        let half = 1.959_963_984_540_054 * (0.116_4_f64 / 100.0).sqrt();
        assert_close(found.interval.low, 0.06 - half, 1e-12);
        assert_close(found.interval.high, 0.06 + half, 1e-12);
    }

    #[test]
    fn agreement_is_no_certainty() {
        let found = Discordant::default().difference(10_000, 0.95);
        assert_eq!(found.mean, 0.0);
        assert!(found.interval.low < -2e-4 && found.interval.high > 2e-4 && found.interval.high < 3.1e-4, "{found:?}");
        assert!(Discordant::default().difference(0, 0.95).interval.is_unknown());
        let all = Discordant { gained: 5, lost: 0 }.difference(5, 0.95);
        assert!(all.interval.high <= 1.0 && all.interval.contains(1.0));
    }

    #[test]
    fn the_interval_covers() {
        // 2,000 runs of 200 trials with P(gained) 0.05 and P(lost) 0.02; with a true coverage of 0.95 the sampled one leaves
        // 0.93..0.97 with probability below 1e-4, and the method errs to the wide side. The seed is fixed.
        let mut random = SplitMix64(3);
        let covered = (0..2_000)
            .filter(|_| {
                let mut seen = Discordant::default();
                for _ in 0..200 {
                    let u = random.uniform();
                    seen.merge(Discordant { gained: u64::from(u < 0.05), lost: u64::from(u > 0.98) });
                }
                seen.difference(200, 0.95).interval.contains(0.03)
            })
            .count();
        assert!((1_860..=1_970).contains(&covered), "{covered}");
    }
}
