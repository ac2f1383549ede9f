//! Tails of the binomial law and the power of a test built on them.
//!
//! P(X ≥ k) = I_p(k, n − k + 1) for X ~ Binomial(n, p). A canary of n requests is stopped at k errors, the smallest k that the
//! baseline reaches with probability at most α; its power is the chance that the faulty version reaches k. Exact, so the true
//! level is below α, and power is not monotone in n: it saws. Assumes independent requests.
//!
//! Source: DLMF 8.17.5; model.md §3.2.

use super::{beta, normal};

/// P(X ≥ k) for X ~ Binomial(n, p). About 3 µs for any n up to 1e9.
pub fn tail_at_least(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        1.0
    } else if k > n {
        0.0
    } else {
        beta::tails(k as f64, (n - k) as f64 + 1.0, p).lower
    }
}

/// The smallest k with P(X ≥ k) ≤ alpha for X ~ Binomial(n, p); n + 1 when even n successes are too likely.
///
/// O(log n) tails, three as a rule.
pub fn critical_count(n: u64, p: f64, alpha: f64) -> u64 {
    let rejects = |k: u64| tail_at_least(k, n, p) <= alpha;
    let guess = critical_guess(n, p, alpha);
    // Invariant of the search: `below` does not reject (or is −1, spelled by `above` = 0) and `above` rejects.
    let (mut below, mut above, mut stride) = (guess, guess, 1);
    if rejects(guess) {
        while above > 0 {
            below = above.saturating_sub(stride);
            if !rejects(below) {
                break;
            }
            above = below;
            stride *= 2;
        }
        if above == 0 {
            return 0;
        }
    } else {
        loop {
            above = (below + stride).min(n + 1);
            if above > n || rejects(above) {
                break;
            }
            below = above;
            stride *= 2;
        }
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if rejects(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    above
}

/// Normal approximation with the correction for skewness (Cornish and Fisher), mostly within one of the answer.
fn critical_guess(n: u64, p: f64, alpha: f64) -> u64 {
    let z = -normal::quantile(alpha);
    let n_trials = n as f64;
    let spread = libm::sqrt(n_trials * p * (1.0 - p));
    let guess = n_trials * p + z * spread + (z * z - 1.0) * (1.0 - 2.0 * p) / 6.0 + 0.5;
    // `as` takes NaN and negative numbers to 0.
    (guess.ceil() as u64).min(n)
}

/// The chance that the exact test of `baseline` at level `alpha` notices `alternative` in `n` trials.
///
/// The test rejects at the smallest k with P(X ≥ k | baseline) ≤ alpha. 0 when no count of n trials is that unlikely. About
/// 10 µs for any n up to 1e9.
pub fn power(baseline: f64, alternative: f64, n: u64, alpha: f64) -> f64 {
    tail_at_least(critical_count(n, baseline, alpha), n, alternative)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// The naive sum in logarithms, sharing nothing with the beta function above.
    fn summed(k: u64, n: u64, p: f64) -> f64 {
        let mut log_mass = n as f64 * libm::log1p(-p);
        let mut tail = 0.0;
        for count in 0..=n {
            if count >= k {
                tail += libm::exp(log_mass);
            }
            log_mass += libm::log((n - count) as f64 / (count + 1) as f64) + libm::log(p / (1.0 - p));
        }
        tail
    }

    #[test]
    fn tails_equal_the_sum() {
        for (n, p) in [(1, 0.3), (20, 0.3), (300, 0.001), (1_500, 0.61)] {
            for k in [1, n / 3 + 1, n / 2 + 1, n] {
                assert_close(tail_at_least(k, n, p), summed(k, n, p), 1e-10);
            }
        }
        assert_eq!(tail_at_least(0, 5, 0.2), 1.0);
        assert_eq!(tail_at_least(6, 5, 0.2), 0.0);
    }

    #[test]
    fn v10_and_v52_published_tails() {
        assert!((tail_at_least(10, 20, 0.3) - 0.0479619).abs() < 5e-8);
        assert!((tail_at_least(8, 10, 0.35) - 0.0048213).abs() < 5e-8);
    }

    #[test]
    fn canary_power_is_that_of_the_model() {
        // model.md §3.2: baseline 0.1 %, α = 1 %.
        for (error, n, printed) in [
            (0.01, 300, 0.578),
            (0.01, 1_000, 0.971),
            (0.01, 3_000, 1.000),
            (0.003, 300, 0.063),
            (0.003, 1_000, 0.184),
            (0.003, 3_000, 0.545),
        ] {
            let found = power(0.001, error, n, 0.01);
            assert!((found - printed).abs() <= 5e-4, "{error} {n}: {found}");
        }
    }

    #[test]
    fn critical_counts_follow_their_definition() {
        for n in [0, 1, 2, 10, 300, 4_000, 1_000_000, 1_000_000_000] {
            for p in [0.0, 1e-9, 0.001, 0.3, 0.999, 1.0] {
                for alpha in [1e-9, 0.01, 0.05, 0.5, 1.0] {
                    let k = critical_count(n, p, alpha);
                    assert!(tail_at_least(k, n, p) <= alpha, "{n} {p} {alpha}: {k}");
                    assert!(k == 0 || tail_at_least(k - 1, n, p) > alpha, "{n} {p} {alpha}: {k}");
                }
            }
        }
    }

    #[test]
    fn nothing_can_be_noticed_in_no_traffic() {
        assert_eq!(power(0.001, 0.5, 0, 0.01), 0.0);
        assert_eq!(critical_count(0, 0.001, 0.01), 1);
    }
}
