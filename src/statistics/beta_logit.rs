//! A probability known as a beta base rate shifted on the logit scale by a normal effect.
//!
//! logit P = logit P₀ + m + s·Z with P₀ ~ Beta(a, b) and Z standard normal: the chance of a fault given a team's rate and a change's
//! factors. On the logit scale P is a convolution of two analytic densities, so the trapezoidal rule with steps of at most half a
//! standard deviation is exact to about 1e-12 (Trefethen and Weideman 2014). For the distribution function the narrower law is the one
//! summed over and the wider one enters in closed form, so no step is ever smoothed over a jump.
//!
//! mean = E σ(logit P₀ + m + sZ);  P(P ≤ x) = E Φ((ℓ − m − W)/s) = E I_σ(ℓ−m−sZ)(a, b) with ℓ = logit x, W = logit P₀.
//!
//! Assumes that effect and base rate are independent. Source: model.md §3.1.

use super::{beta, normal};

/// The distribution of P where logit P = logit P₀ + N(m, s²) and P₀ ~ Beta(a, b).
#[derive(Debug, Clone, PartialEq)]
pub struct LogitPosterior {
    a: f64,
    b: f64,
    shift: f64,
    spread: f64,
    /// (logit P₀, weight); weights sum to 1.
    base: Vec<(f64, f64)>,
    /// (s·z, weight); weights sum to 1.
    effect: Vec<(f64, f64)>,
}

/// ln(p/(1−p)), infinite at the ends.
fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

/// (σ(l), 1 − σ(l)), each accurate near its 0.
fn logistic(l: f64) -> (f64, f64) {
    let small = libm::exp(-l.abs());
    let (near, far) = (1.0 / (1.0 + small), small / (1.0 + small));
    if l >= 0.0 { (near, far) } else { (far, near) }
}

/// Scales weights to the sum 1: the trapezoidal rule then needs no normalizing constant.
fn normalized(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let sum: f64 = points.iter().map(|(_, weight)| weight).sum();
    points.iter_mut().for_each(|(_, weight)| *weight /= sum);
    points
}

/// Trapezoidal points of the density of logit P₀, outwards from its mode until the density has fallen by e^-40.
fn base_points(a: f64, b: f64) -> Vec<(f64, f64)> {
    let mode = libm::log(a) - libm::log(b);
    let (x, y) = (a / (a + b), b / (a + b));
    // The rule errs by the characteristic function at 2π/step, |Γ(a + it)Γ(b + it)/Γ(a)Γ(b)|: at worst e^(−t²/2a) for large a and
    // e^(−πt/2) for small a, both e^-39 here.
    let step = (0.5 * libm::sqrt(1.0 / a + 1.0 / b)).min(0.25);
    let side = |direction: f64| {
        (1..100_000).map(move |i| direction * step * f64::from(i)).map(|v| (v, beta::log_density_ratio(a, b, x, y, v)))
    };
    let mut points = vec![(mode, 1.0)];
    for direction in [-1.0, 1.0] {
        let fallen = side(direction).take_while(|(_, log_ratio)| *log_ratio > -40.0);
        points.extend(fallen.map(|(v, log_ratio)| (mode + v, libm::exp(log_ratio))));
    }
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    normalized(points)
}

/// Trapezoidal points of the effect; a single one when it is certain.
fn effect_points(spread: f64) -> Vec<(f64, f64)> {
    if spread == 0.0 {
        return vec![(0.0, 1.0)];
    }
    // Normal beside normal needs half a unit; beside the slower e^(−πt/2s) of a small a or b, a quarter of 1/s.
    let step = (0.5_f64).min(0.25 / spread);
    let half = (9.0 / step).ceil() as i32;
    let points = (-half..=half).map(|i| {
        let z = step * f64::from(i);
        (spread * z, libm::exp(-0.5 * z * z))
    });
    normalized(points.collect())
}

impl LogitPosterior {
    /// The law for base rate Beta(`a`, `b`) and an effect of mean `m` and standard deviation `s` in units of log odds.
    ///
    /// Some hundred points are prepared; a or b far below 0.1 needs more, since the tail of logit P₀ is e^(a·w).
    ///
    /// # Panics
    /// Unless a, b > 0, s ≥ 0 and all are finite.
    pub fn new(a: f64, b: f64, m: f64, s: f64) -> Self {
        assert!(a > 0.0 && a.is_finite() && b > 0.0 && b.is_finite(), "parameters of a beta law are positive");
        assert!(m.is_finite(), "a shift is finite");
        assert!(s >= 0.0 && s.is_finite(), "a standard deviation is not negative");
        Self { a, b, shift: m, spread: s, base: base_points(a, b), effect: effect_points(s) }
    }

    /// Expected value. A division per pair of points: 0.05 ms as a rule.
    pub fn mean(&self) -> f64 {
        if self.spread == 0.0 && self.shift == 0.0 {
            return self.a / (self.a + self.b);
        }
        // σ(w + e) = 1/(1 + e^−w·e^−e): exponentials per point instead of per pair. At ±600 σ is 0 or 1 to the last bit.
        let odds = |l: f64| libm::exp(-l.clamp(-600.0, 600.0));
        let base: Vec<(f64, f64)> = self.base.iter().map(|(base, weight)| (odds(base + self.shift), *weight)).collect();
        self.effect.iter().fold(0.0, |sum, (effect, effect_weight)| {
            let factor = odds(*effect);
            let inner = base.iter().fold(0.0, |sum, (odds, weight)| sum + weight / (1.0 + odds * factor));
            sum + effect_weight * inner
        })
    }

    /// P(P ≤ x).
    pub fn cumulative(&self, x: f64) -> f64 {
        if x <= 0.0 {
            0.0
        } else if x >= 1.0 {
            1.0
        } else {
            self.tails_at(logit(x)).lower
        }
    }

    /// Both tails at a point of the logit scale.
    fn tails_at(&self, point: f64) -> beta::Tails {
        let at = point - self.shift;
        let tails = |(lower, upper): (f64, f64)| beta::Tails { lower, upper };
        let add = |sum: (f64, f64), weight: f64, term: (f64, f64)| (sum.0 + weight * term.0, sum.1 + weight * term.1);
        if self.spread < self.base_scale() {
            tails(self.effect.iter().fold((0.0, 0.0), |sum, (effect, weight)| {
                let (x, y) = logistic(at - effect);
                let term = beta::tails_pair(self.a, self.b, x, y);
                add(sum, *weight, (term.lower, term.upper))
            }))
        } else {
            tails(self.base.iter().fold((0.0, 0.0), |sum, (base, weight)| {
                let z = (at - base) / self.spread;
                add(sum, *weight, (normal::cumulative(z), normal::cumulative(-z)))
            }))
        }
    }

    /// About the standard deviation of logit P₀.
    fn base_scale(&self) -> f64 {
        libm::sqrt(1.0 / self.a + 1.0 / self.b)
    }

    /// The x with P(P ≤ x) = q; 0 at q ≤ 0, 1 at q ≥ 1. Error in q below 1e-10; 0.3 ms as a rule, 3 ms for a
    /// base rate known as if from thousands of changes.
    pub fn quantile(&self, q: f64) -> f64 {
        if q <= 0.0 {
            return 0.0;
        }
        if q >= 1.0 {
            return 1.0;
        }
        if self.spread == 0.0 {
            let (x, y) = beta::quantile_pair(self.a, self.b, q, 1.0 - q);
            // Near its ends x or y alone carries the digits.
            return if self.shift == 0.0 { x } else { logistic(libm::log(x) - libm::log(y) + self.shift).0 };
        }
        let target = normal::quantile(q);
        // On the scale of normal scores the distribution function is nearly straight, so secants converge at once.
        let miss = |point: f64| {
            let tails = self.tails_at(point);
            let score = if tails.lower < tails.upper { normal::quantile(tails.lower) } else { -normal::quantile(tails.upper) };
            score.clamp(-40.0, 40.0) - target
        };
        let scale = libm::sqrt(self.spread * self.spread + self.base_scale() * self.base_scale());
        let guess = libm::log(self.a) - libm::log(self.b) + self.shift + scale * target;
        logistic(root(miss, guess, scale)).0
    }
}

/// The root of a rising function: a bracket grown from a guess, then regula falsi with the Illinois correction.
fn root(function: impl Fn(f64) -> f64, guess: f64, scale: f64) -> f64 {
    let mut stride = 0.25 * scale;
    let mut low = (guess, function(guess));
    let mut high = low;
    for _ in 0..60 {
        if low.1 <= 0.0 && high.1 >= 0.0 {
            break;
        }
        if low.1 > 0.0 {
            high = low;
            low = (low.0 - stride, function(low.0 - stride));
        } else {
            low = high;
            high = (high.0 + stride, function(high.0 + stride));
        }
        stride *= 2.0;
    }
    let mut middle = low.0;
    for _ in 0..60 {
        if high.1 - low.1 <= 0.0 {
            break;
        }
        middle = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
        let value = function(middle);
        if value.abs() < 1e-10 || high.0 - low.0 < 1e-13 * scale {
            break;
        }
        // The end that stays twice counts half, so that it cannot stay for ever.
        if value > 0.0 {
            (high, low.1) = ((middle, value), 0.5 * low.1);
        } else {
            (low, high.1) = ((middle, value), 0.5 * high.1);
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;

    #[test]
    fn adaptive_quadrature_agrees() {
        // (a, b, m, s, P(P ≤ 0.2), mean) by mpmath's double integral over the defining density, 16 digits.
        for (a, b, m, s, below, mean) in [
            (2.0, 18.0, 0.5, 0.5, 0.704_787_410_917_064, 0.160_006_601_816_031),
            (2.0, 18.0, 0.25, 1.5, 0.677_269_288_302_633, 0.184_229_143_243_871),
            (3.5, 6.5, -1.0, 3.0, 0.539_047_341_797_118, 0.317_007_839_216_206),
        ] {
            let posterior = LogitPosterior::new(a, b, m, s);
            assert_close(posterior.cumulative(0.2), below, 1e-11);
            assert_close(posterior.mean(), mean, 1e-11);
            assert_close(posterior.quantile(below), 0.2, 1e-9);
        }
    }

    #[test]
    fn without_effect_it_is_the_base_rate() {
        for (a, b) in [(2.0, 18.0), (0.5, 0.5), (3.5, 6.5), (5_000.0, 95_000.0), (0.2, 30.0)] {
            let plain = LogitPosterior::new(a, b, 0.0, 0.0);
            assert_eq!(plain.mean(), a / (a + b));
            // The same number by quadrature, forced by a shift too small to matter.
            assert_close(LogitPosterior::new(a, b, 1e-14, 0.0).mean(), a / (a + b), 1e-11);
            for q in [0.001, 0.05, 0.5, 0.95, 0.999] {
                assert_eq!(plain.quantile(q), beta::quantile(a, b, q));
                // And by the sum over a spread too small to matter.
                assert_close(LogitPosterior::new(a, b, 0.0, 1e-9).quantile(q), beta::quantile(a, b, q), 1e-7);
            }
        }
    }

    #[test]
    fn a_certain_base_rate_leaves_a_logit_normal() {
        // Beta(1e8, 9e8) has a spread of 1e-4 in log odds, so quantiles are those of σ(logit 0.1 + m + s z).
        let posterior = LogitPosterior::new(1e8, 9e8, 0.25, 0.35);
        for q in [0.025, 0.5, 0.975] {
            let expected = logistic(logit(0.1) + 0.25 + 0.35 * normal::quantile(q)).0;
            assert_close(posterior.quantile(q), expected, 1e-6);
        }
    }

    #[test]
    fn both_ways_to_sum_agree() {
        // The spread of Beta(2, 18) in log odds is about 0.745: just below and above, different laws are summed over.
        for x in [0.01, 0.1, 0.3, 0.7] {
            let below = LogitPosterior::new(2.0, 18.0, 0.4, 0.745_355).cumulative(x);
            let above = LogitPosterior::new(2.0, 18.0, 0.4, 0.745_357).cumulative(x);
            assert_close(below, above, 1e-5);
        }
    }

    #[test]
    fn simulation_agrees() {
        // P₀ ~ Beta(2, 18) is the second smallest of 19 uniforms. 40,000 draws; every frequency within 4 standard errors and the
        // mean within 4, a false alarm in 6e-5 for each of the 20 comparisons; the seed is fixed.
        let draws = 40_000;
        for (m, s) in [(0.25, 0.35), (-0.4, 0.0), (0.75, 0.6), (1.0, 2.0)] {
            let posterior = LogitPosterior::new(2.0, 18.0, m, s);
            let mut random = SplitMix64(17);
            let mut sample: Vec<f64> = (0..draws)
                .map(|_| {
                    let mut uniforms: [f64; 19] = std::array::from_fn(|_| random.uniform());
                    uniforms.sort_by(f64::total_cmp);
                    logistic(logit(uniforms[1]) + m + s * normal::quantile(random.uniform())).0
                })
                .collect();
            sample.sort_by(f64::total_cmp);
            let n = f64::from(draws);
            for q in [0.05, 0.5, 0.9, 0.99] {
                let below = sample.partition_point(|p| *p <= posterior.quantile(q)) as f64 / n;
                assert!((below - q).abs() < 4.0 * (q * (1.0 - q) / n).sqrt(), "{m} {s} {q}: {below}");
            }
            let mean = sample.iter().sum::<f64>() / n;
            let variance = sample.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / n;
            assert!((posterior.mean() - mean).abs() < 4.0 * (variance / n).sqrt(), "{m} {s}: {mean}");
        }
    }

    #[test]
    fn quantile_and_cumulative_are_inverse() {
        for (a, b, m, s) in [(2.0, 18.0, 0.5, 0.8), (0.3, 4.0, -1.0, 0.2), (40.0, 3.0, 2.0, 3.0), (600.0, 9_000.0, 0.1, 0.02)] {
            let posterior = LogitPosterior::new(a, b, m, s);
            for q in [1e-6, 0.025, 0.5, 0.975, 0.999_9] {
                assert_close(posterior.cumulative(posterior.quantile(q)), q, 1e-8);
            }
        }
    }

    #[test]
    fn a_harmful_shift_raises_everything() {
        let base = LogitPosterior::new(2.0, 18.0, 0.0, 0.3);
        let worse = LogitPosterior::new(2.0, 18.0, 0.5, 0.3);
        assert!(worse.mean() > base.mean());
        assert!(worse.quantile(0.5) > base.quantile(0.5));
        assert_eq!((worse.quantile(0.0), worse.quantile(1.0)), (0.0, 1.0));
    }
}
