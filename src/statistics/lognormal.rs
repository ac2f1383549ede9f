//! Closed forms of the lognormal law LN(median, p95) of durations.
//!
//! μ = ln median, σ = ln(p95/median)/z with z = Φ⁻¹(0.95); mean = median·exp(σ²/2);
//! E[(D−a)+] = mean·Φ(d + σ) − a·Φ(d) with d = (μ − ln a)/σ; ES at q = mean·Φ(σ − Φ⁻¹(q))/(1 − q). p95 = median gives the
//! constant. Breaks where durations have two modes (fast rollback or long hunt): those need a mixture.
//!
//! Source: model.md §0; Black–Scholes for the partial expectation.

use super::normal;

/// Φ⁻¹(0.95).
const Z_95: f64 = 1.644_853_626_951_472_2;

/// A lognormal law; durations in whatever unit the median had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogNormal {
    median: f64,
    sigma: f64,
}

impl LogNormal {
    /// The law with this median and 95 % point.
    ///
    /// # Panics
    /// Unless 0 < median ≤ p95 < ∞; readers refuse such input.
    pub fn new(median: f64, p95: f64) -> Self {
        assert!(median > 0.0, "a median duration is positive");
        assert!(p95 >= median && p95.is_finite(), "the 95 % point is not below the median");
        Self { median, sigma: libm::log(p95 / median) / Z_95 }
    }

    /// Standard deviation of ln D.
    pub fn sigma(self) -> f64 {
        self.sigma
    }

    /// The median.
    pub fn median(self) -> f64 {
        self.median
    }

    /// Expected value.
    pub fn mean(self) -> f64 {
        self.median * libm::exp(0.5 * self.sigma * self.sigma)
    }

    /// The x with P(D ≤ x) = q; 0 at 0 and infinite at 1, unless constant.
    pub fn quantile(self, q: f64) -> f64 {
        if self.sigma == 0.0 {
            return self.median;
        }
        self.median * libm::exp(self.sigma * normal::quantile(q))
    }

    /// P(D ≤ x).
    pub fn cumulative(self, x: f64) -> f64 {
        1.0 - self.exceedance(x)
    }

    /// P(D > x), accurate where it is small.
    pub fn exceedance(self, x: f64) -> f64 {
        normal::cumulative(self.depth(x))
    }

    /// (ln median − ln x)/σ, the z beyond which D exceeds x, with the sign turned.
    fn depth(self, x: f64) -> f64 {
        if x <= 0.0 {
            f64::INFINITY
        } else if self.sigma == 0.0 {
            if self.median > x { f64::INFINITY } else { f64::NEG_INFINITY }
        } else {
            libm::log(self.median / x) / self.sigma
        }
    }

    /// E[(D − a)+]: the expected time beyond a delay `a`, such as a buffer that drains first.
    pub fn expected_excess(self, a: f64) -> f64 {
        if a <= 0.0 {
            return self.mean() - a;
        }
        let depth = self.depth(a);
        (self.mean() * normal::cumulative(depth + self.sigma) - a * normal::cumulative(depth)).max(0.0)
    }

    /// The mean of the worst 1 − q of the durations, 0 ≤ q < 1.
    pub fn expected_shortfall(self, q: f64) -> f64 {
        if q <= 0.0 || self.sigma == 0.0 {
            return self.mean();
        }
        self.mean() * normal::cumulative(self.sigma - normal::quantile(q)) / (1.0 - q)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    #[track_caller]
    fn printed(actual: f64, expected: f64, last_digit: f64) {
        assert!((actual - expected).abs() <= 0.5 * last_digit, "{actual} is not {expected}");
    }

    #[test]
    fn v29_and_v30_two_hours_to_ten() {
        // model.md V29 and V30.
        let law = LogNormal::new(120.0, 600.0);
        printed(law.sigma(), 0.9784688, 1e-7);
        printed(law.mean(), 193.6771, 1e-4);
        printed(law.quantile(0.90), 420.5023, 1e-4);
        printed(law.quantile(0.99), 1168.8206, 1e-4);
        printed(law.expected_shortfall(0.95), 978.3892, 1e-4);
        printed(law.expected_excess(60.0), 139.1648, 1e-4);
        printed(1.0 - law.cumulative(60.0), 0.7606515, 1e-7);
        printed(law.exceedance(60.0), 0.7606515, 1e-7);
    }

    #[test]
    fn the_fallback_law_resolves_half_in_two_hours() {
        // model.md §0: LN(107 min, 24 h) reproduces 53 % within 2 h.
        printed(LogNormal::new(107.0, 1_440.0).cumulative(120.0), 0.53, 0.01);
    }

    #[test]
    fn defining_points_return() {
        let law = LogNormal::new(5.0, 15.0);
        assert_close(law.quantile(0.5), 5.0, 1e-15);
        assert_close(law.quantile(0.95), 15.0, 1e-14);
        assert_close(law.cumulative(15.0), 0.95, 1e-14);
        assert_close(law.expected_excess(0.0), law.mean(), 1e-15);
        assert_close(law.expected_excess(1e-12), law.mean(), 1e-12);
    }

    #[test]
    fn a_constant_is_a_law_too() {
        let law = LogNormal::new(30.0, 30.0);
        assert_eq!((law.mean(), law.quantile(0.99), law.expected_shortfall(0.95)), (30.0, 30.0, 30.0));
        assert_eq!((law.expected_excess(10.0), law.expected_excess(40.0)), (20.0, 0.0));
        assert_eq!((law.cumulative(29.0), law.cumulative(30.0)), (0.0, 1.0));
    }

    #[test]
    fn shortfall_is_quantile_plus_scaled_excess() {
        // ES = x_q + E[(D − x_q)+]/(1 − q), which shares no formula with the one above.
        let mut random = SplitMix64(5);
        for _ in 0..500 {
            let law = LogNormal::new(1.0 + 99.0 * random.uniform(), 100.0 + 900.0 * random.uniform());
            let q = 0.5 + 0.499 * random.uniform();
            let x = law.quantile(q);
            assert_close(law.expected_shortfall(q), x + law.expected_excess(x) / (1.0 - q), 1e-9);
        }
    }
}
