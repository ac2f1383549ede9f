//! How long something takes: a constant, or a lognormal given by median and 95th percentile (model.md §0).

use super::Ticks;

/// Φ⁻¹(0.95).
const Z_95: f64 = 1.644_853_626_951_472_6;

/// The law of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationLaw {
    /// Always the same.
    Constant(Ticks),
    /// Lognormal. `p95` is at least `median`, and `median` is above 0.
    Lognormal {
        /// Half of the durations are shorter.
        median: Ticks,
        /// 95 % of the durations are shorter.
        p95: Ticks,
    },
}

impl DurationLaw {
    /// No time at all.
    pub const ZERO: Self = Self::Constant(Ticks::ZERO);

    /// A lognormal by minutes, for the catalogue.
    pub(crate) const fn lognormal_minutes(median: u64, p95: u64) -> Self {
        Self::Lognormal { median: Ticks(median * Ticks::PER_MINUTE), p95: Ticks(p95 * Ticks::PER_MINUTE) }
    }

    /// A lognormal by two of its quantiles.
    ///
    /// # Errors
    /// When there is none: a sentence that says why.
    pub fn lognormal(median: Ticks, p95: Ticks) -> Result<Self, String> {
        if median == Ticks::ZERO {
            Err("the median is 0: write a constant duration, or a median above 0".to_owned())
        } else if p95 < median {
            Err(format!("p95 ({p95}) is below the median ({median})"))
        } else {
            Ok(Self::Lognormal { median, p95 })
        }
    }

    /// Reads `10m`, or `10m/60m` as median and 95th percentile.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            None => Ticks::parse(text).map(Self::Constant),
            Some((median, p95)) => Self::lognormal(Ticks::parse(median)?, Ticks::parse(p95)?),
        }
    }

    /// The parameter σ of the logarithm; 0 for a constant.
    pub fn sigma(self) -> f64 {
        match self {
            Self::Constant(_) => 0.0,
            Self::Lognormal { median, p95 } => libm::log(p95.0 as f64 / median.0 as f64) / Z_95,
        }
    }

    /// The duration at a standard normal deviate: `median · exp(σ z)`.
    pub fn at_deviate(self, z: f64) -> Ticks {
        self.at_scaled_deviate(self.sigma() * z)
    }

    /// The duration at a normal deviate of standard deviation [`DurationLaw::sigma`], for callers that draw often.
    pub(crate) fn at_scaled_deviate(self, scaled: f64) -> Ticks {
        match self {
            Self::Constant(ticks) => ticks,
            // `libm` gives the same digits on every platform.
            Self::Lognormal { median, .. } => Ticks((median.0 as f64 * libm::exp(scaled)).round() as u64),
        }
    }

    /// The mean, in minutes.
    pub fn mean_minutes(self) -> f64 {
        match self {
            Self::Constant(ticks) => ticks.minutes(),
            Self::Lognormal { median, .. } => median.minutes() * libm::exp(self.sigma().powi(2) / 2.0),
        }
    }

    /// The constant, where it is one.
    pub fn constant(self) -> Option<Ticks> {
        match self {
            Self::Constant(ticks) => Some(ticks),
            Self::Lognormal { median, p95 } => (median == p95).then_some(median),
        }
    }
}

impl std::fmt::Display for DurationLaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant(ticks) => ticks.fmt(f),
            Self::Lognormal { median, p95 } => write!(f, "{median}/{p95}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_constants_or_quantiles() {
        let minutes = |minutes: u64| Ticks(minutes * Ticks::PER_MINUTE);
        assert_eq!(DurationLaw::parse("1h30m"), Ok(DurationLaw::Constant(minutes(90))));
        assert_eq!(DurationLaw::parse("10m / 1h"), Ok(DurationLaw::lognormal_minutes(10, 60)));
        assert_eq!(DurationLaw::parse("10m/10m").map(DurationLaw::constant), Ok(Some(minutes(10))));
        for (bad, why) in
            [("0m/1h", "median is 0"), ("2h/1h", "below the median"), ("1h/", "nothing"), ("/1h", "nothing"), ("5", "unit")]
        {
            assert!(DurationLaw::parse(bad).is_err_and(|message| message.contains(why)), "{bad}");
        }
    }

    #[test]
    fn v29_lognormal_parameters() {
        let law = DurationLaw::lognormal_minutes(120, 600);
        assert!((law.sigma() - 0.978_468_9).abs() < 1e-6);
        assert!((law.mean_minutes() - 193.677_1).abs() < 1e-4);
        assert_eq!(law.at_deviate(0.0), Ticks(120 * Ticks::PER_MINUTE));
        assert!((law.at_deviate(Z_95).minutes() - 600.0).abs() < 1e-6);
    }
}
