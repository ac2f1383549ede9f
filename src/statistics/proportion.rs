//! How likely is it, after so many successes in so many trials?
//!
//! Clopper–Pearson inverts the binomial tails, so its coverage is never below the confidence: for gates. Wilson's score interval
//! covers the confidence on average and is shorter: for display. Both assume independent trials with one probability.
//!
//! With α = 1 − confidence, x successes in n trials: low = Beta(x, n−x+1) at α/2, high = Beta(x+1, n−x) at 1 − α/2.
//!
//! Source: Clopper and Pearson 1934; Brown, Cai and DasGupta 2001; model.md §4.

use super::{Interval, beta, normal};

/// The exact two-sided interval; [0, 1] without trials, and the end at 0 or n successes is exactly 0 or 1.
///
/// Two beta quantiles, about 10 µs.
///
/// # Panics
/// When there are more successes than trials.
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> Interval {
    assert!(successes <= trials, "no more successes than trials");
    let tail = 0.5 * (1.0 - confidence);
    Interval { low: lower(successes, trials, tail), high: upper(successes, trials, tail) }
}

/// The exact one-sided upper bound: the probability is below it with this confidence. 1 without trials or when all succeed.
///
/// # Panics
/// When there are more successes than trials.
pub fn clopper_pearson_upper(successes: u64, trials: u64, confidence: f64) -> f64 {
    assert!(successes <= trials, "no more successes than trials");
    upper(successes, trials, 1.0 - confidence)
}

fn lower(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == 0 { 0.0 } else { beta::quantile(successes as f64, (trials - successes) as f64 + 1.0, tail) }
}

fn upper(successes: u64, trials: u64, tail: f64) -> f64 {
    if successes == trials { 1.0 } else { beta::upper_quantile(successes as f64 + 1.0, (trials - successes) as f64, tail) }
}

/// Wilson's score interval; [0, 1] without trials. Constant time.
///
/// # Panics
/// When there are more successes than trials.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Interval {
    assert!(successes <= trials, "no more successes than trials");
    if trials == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = trials as f64;
    let share = successes as f64 / n;
    let z = -normal::quantile(0.5 * (1.0 - confidence));
    let centre = share + 0.5 * z * z / n;
    let half = z * libm::sqrt(share * (1.0 - share) / n + 0.25 * z * z / (n * n));
    let scale = 1.0 + z * z / n;
    // Rounding must not leave a sliver outside the ends that are known exactly.
    let low = if successes == 0 { 0.0 } else { ((centre - half) / scale).max(0.0) };
    let high = if successes == trials { 1.0 } else { ((centre + half) / scale).min(1.0) };
    Interval { low, high }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    #[test]
    fn v42_seven_of_fifty() {
        // model.md V42.
        let near = |actual: f64, printed: f64, digit: f64| assert!((actual - printed).abs() <= 0.5 * digit, "{actual}");
        let score = wilson(7, 50, 0.95);
        near(score.low, 0.06951, 1e-5);
        near(score.high, 0.26186, 1e-5);
        let exact = clopper_pearson(7, 50, 0.95);
        near(exact.low, 0.05819, 1e-5);
        near(exact.high, 0.26740, 1e-5);
        near(clopper_pearson_upper(0, 1_000, 0.95), 0.0029912, 1e-7);
    }

    #[test]
    fn lower_ends_agree_with_eighteen_digit_references() {
        // mpmath: Newton on the integrated beta density with 30 digits.
        for (successes, trials, expected) in [
            (7, 50, 0.058_191_700_340_372_1),
            (100, 1_000, 0.082_105_334_355_58),
            (3_000, 65_536, 0.044_188_754_300_080_47),
            (1_000_000, 1_000_000_000, 9.980_419_606_758_46e-4),
        ] {
            assert_close(clopper_pearson(successes, trials, 0.95).low, expected, 1e-13);
        }
    }

    #[test]
    fn no_event_has_a_closed_form() {
        for trials in [1, 3, 1_000, 65_536, 1_000_000_000] {
            let bound = -libm::expm1(libm::log(0.05) / trials as f64);
            assert_close(clopper_pearson_upper(0, trials, 0.95), bound, 1e-13);
        }
    }

    #[test]
    fn ends_are_exact() {
        for interval in [clopper_pearson(0, 0, 0.95), wilson(0, 0, 0.95)] {
            assert_eq!(interval, Interval { low: 0.0, high: 1.0 });
        }
        for method in [clopper_pearson, wilson] {
            assert_eq!(method(0, 40, 0.95).low, 0.0);
            assert_eq!(method(40, 40, 0.95).high, 1.0);
            assert!(method(0, 40, 0.95).high < 0.1);
        }
        assert_eq!(clopper_pearson_upper(0, 0, 0.95), 1.0);
    }

    #[test]
    fn intervals_of_the_complement_mirror() {
        for (successes, trials) in [(1, 10), (7, 50), (300, 65_536), (1_000, 1_000_000_000)] {
            let one = clopper_pearson(successes, trials, 0.99);
            let other = clopper_pearson(trials - successes, trials, 0.99);
            assert!((one.low - (1.0 - other.high)).abs() < 1e-15, "{one:?} {other:?}");
            assert!((one.high - (1.0 - other.low)).abs() < 1e-15, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_exact_interval_covers() {
        // 4,000 draws of Binomial(60, 0.13): the true coverage is at least 0.95, so the sampled one falls below
        // 0.95 − 4·√(0.95·0.05/4000) = 0.9362 with probability below 3e-5; the seed is fixed.
        let mut random = SplitMix64(42);
        let covered = (0..4_000)
            .filter(|_| {
                let successes = (0..60).filter(|_| random.uniform() < 0.13).count() as u64;
                clopper_pearson(successes, 60, 0.95).contains(0.13)
            })
            .count();
        assert!(covered as f64 / 4_000.0 >= 0.9362, "{covered}");
    }
}
