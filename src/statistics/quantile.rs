//! Ranks: which order statistic is a quantile, and which two enclose it.
//!
//! With n trials the q-quantile is the order statistic of the smallest rank r with r/n ≥ q. Whatever the law, the number of
//! trials below its q-quantile is Binomial(n, q); low is the largest rank with P(B < low) ≤ α/2 and high the smallest with
//! P(B ≥ high) ≤ α/2. Ties only widen the coverage. Assumes independent trials.
//!
//! Source: David and Nagaraja, Order Statistics, §7.1; model.md §4 (n = 1,000, p95: ranks 936 and 964).

use super::binomial;

/// The 1-based rank of the q-quantile among `trials` values: the smallest r ≥ 1 with r/trials ≥ q, at most `trials`.
///
/// 0 without trials. The comparison is that of the rounded share, so 0.95 of 1,000 is rank 950 and not 951. Constant time.
pub fn rank(trials: u64, q: f64) -> u64 {
    let n = trials as f64;
    let reaches = |rank: u64| rank as f64 / n >= q;
    let mut rank = ((q * n).ceil() as u64).min(trials);
    while rank > 1 && reaches(rank - 1) {
        rank -= 1;
    }
    while rank < trials && !reaches(rank) {
        rank += 1;
    }
    rank.max(u64::from(trials > 0))
}

/// The ranks, 1-based, of the two order statistics that enclose the q-quantile with at least this confidence.
///
/// Rank 0 says that no order statistic is low enough (take the least possible value), rank `trials` + 1 that none is high
/// enough (there is no upper bound). O(log n) evaluations of a binomial tail.
pub fn order_statistic_ranks(trials: u64, q: f64, confidence: f64) -> (u64, u64) {
    let tail = 0.5 * (1.0 - confidence);
    // P(B ≤ low − 1) ≤ α/2, seen from the other end: n − B ~ Binomial(n, 1 − q), P(n − B ≥ n − low + 1) ≤ α/2.
    let from_above = binomial::critical_count(trials, 1.0 - q, tail);
    (trials + 1 - from_above, binomial::critical_count(trials, q, tail))
}

#[cfg(test)]
mod tests {
    use super::super::testing::SplitMix64;
    use super::*;

    #[test]
    fn a_thousand_trials_have_the_printed_ranks() {
        assert_eq!(order_statistic_ranks(1_000, 0.95, 0.95), (936, 964));
        // The coverage printed beside it, P(936 ≤ B ≤ 963).
        let coverage = binomial::tail_at_least(936, 1_000, 0.95) - binomial::tail_at_least(964, 1_000, 0.95);
        assert!((coverage - 0.958).abs() < 5e-4, "{coverage}");
    }

    #[test]
    fn few_trials_bound_nothing() {
        assert_eq!(order_statistic_ranks(10, 0.95, 0.95), (8, 11));
        assert_eq!(order_statistic_ranks(10, 0.05, 0.95), (0, 3));
        assert_eq!(order_statistic_ranks(0, 0.5, 0.95), (0, 1));
        // 1 − 0.95^n ≥ 0.975 from n = 72 on.
        assert_eq!(order_statistic_ranks(71, 0.95, 0.95).1, 72);
        assert_eq!(order_statistic_ranks(72, 0.95, 0.95).1, 72);
    }

    #[test]
    fn ranks_follow_the_definition() {
        assert_eq!(rank(1_000, 0.95), 950);
        assert_eq!(rank(1_001, 0.95), 951);
        assert_eq!(rank(1_000, 0.0), 1);
        assert_eq!(rank(1_000, 1.0), 1_000);
        assert_eq!(rank(0, 0.5), 0);
        for trials in 1..300_u64 {
            for percent in 0..=100 {
                // In whole numbers: the smallest r with 100·r ≥ percent·n.
                let expected = (percent * trials).div_ceil(100).max(1);
                assert_eq!(rank(trials, percent as f64 / 100.0), expected, "{percent} % of {trials}");
            }
        }
    }

    #[test]
    fn the_ranks_cover() {
        // 2,000 samples of 200 uniforms, p90: exact coverage 0.9585 or more, so the sampled one falls below
        // 0.95 − 4·√(0.95·0.05/2000) = 0.9305 with probability below 3e-5; the seed is fixed.
        let (low, high) = order_statistic_ranks(200, 0.9, 0.95);
        let mut random = SplitMix64(3);
        let covered = (0..2_000)
            .filter(|_| {
                let mut sample: Vec<f64> = (0..200).map(|_| random.uniform()).collect();
                sample.sort_by(f64::total_cmp);
                sample[low as usize - 1] <= 0.9 && 0.9 <= sample[high as usize - 1]
            })
            .count();
        assert!(covered as f64 / 2_000.0 >= 0.9305, "{covered}");
    }
}
