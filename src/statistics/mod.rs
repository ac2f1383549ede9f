//! What can be said about a quantity after a number of trials: estimates, intervals, histograms, stopping rules, closed forms.
//!
//! Pure ground: no service, no graph, no clock, no hidden state. Transcendental functions come from `libm`, not from the
//! platform, and floating-point sums run in one fixed order, so the same counts give the same bytes on every machine. What is
//! merged between workers is integers only ([`LogLinear`], [`BatchSums`], [`CountDistribution`]); their merge is associative
//! and commutative. Everything here assumes independent trials; dependent ones make every interval too narrow.
//!
//! Source: model.md §4; each file names its own.

pub mod batch;
pub mod beta;
pub mod beta_logit;
pub mod binomial;
mod buckets;
pub mod counts;
#[cfg(test)]
mod coverage_tests;
pub mod cusum;
pub mod digamma;
pub mod erlang;
pub mod exponential;
pub mod forecast;
pub mod histogram;
pub mod learning;
pub mod lognormal;
pub mod normal;
pub mod paired;
pub mod proportion;
pub mod quantile;
pub mod repairable;
mod skewness;
pub mod stopping;
pub mod sum;

pub use batch::BatchSums;
pub use beta_logit::LogitPosterior;
pub use counts::CountDistribution;
pub use histogram::LogLinear;
pub use learning::BetaBelief;
pub use lognormal::LogNormal;
pub use proportion::{clopper_pearson, clopper_pearson_upper, wilson};
pub use quantile::order_statistic_ranks;
pub use stopping::{Look, looks, looks_from};
pub use sum::CompensatedSum;

/// A range that holds the true value with the confidence that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end, in the unit of the quantity.
    pub low: f64,
    /// Upper end, in the unit of the quantity.
    pub high: f64,
}

impl Interval {
    /// What is known of a non-negative quantity without evidence: nothing. The upper end is the largest finite number, because
    /// JSON has no infinity.
    pub const UNKNOWN: Self = Self { low: 0.0, high: f64::MAX };

    /// Whether the interval is [`Interval::UNKNOWN`], to be shown as "unknown" and never as a number.
    pub fn is_unknown(self) -> bool {
        self.high == f64::MAX
    }

    /// The interval of a rising function of the quantity; what is unknown stays so.
    #[must_use]
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        if self.is_unknown() { self } else { Self { low: of(self.low), high: of(self.high) } }
    }

    /// Whether a value lies inside, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A mean with its interval, at 95 % unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Point estimate, in the unit of the quantity.
    pub mean: f64,
    /// Where the true mean lies.
    pub interval: Interval,
}

impl Estimate {
    /// Nothing, for certain.
    pub const ZERO: Self = Self { mean: 0.0, interval: Interval { low: 0.0, high: 0.0 } };

    /// The estimate of a rising function of the quantity, such as the same in another unit.
    #[must_use]
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self { mean: of(self.mean), interval: self.interval.map(of) }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A tiny generator for the simulations in the tests of this room.

    /// SplitMix64 (Steele, Lea, Flood 2014): one multiplication chain a number, full period.
    pub(crate) struct SplitMix64(pub(crate) u64);

    impl SplitMix64 {
        /// 64 bits.
        pub(crate) fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        /// Uniform inside 0..1, both ends excluded.
        pub(crate) fn uniform(&mut self) -> f64 {
            ((self.next() >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)
        }
    }

    /// Fails unless two numbers agree to a relative tolerance.
    #[track_caller]
    pub(crate) fn assert_close(actual: f64, expected: f64, relative: f64) {
        let error = (actual - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
        assert!(error <= relative, "{actual:e} is not {expected:e}: relative error {error:e} > {relative:e}");
    }
}
