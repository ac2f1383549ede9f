//! The beta law: both tails of the regularized incomplete beta function I_x(a, b), and its quantiles.
//!
//! Prefactor x^a y^b / B(a, b) by Loader's saddle-point form, because ln Γ loses 1e-6 at a = 1e9. Then a continued fraction while
//! min(a, b) ≤ 400, about √min(a, b) terms; above that the smaller tail is integrated on the logit scale, where the
//! integrand is log-concave and analytic, by 32 Gauss–Legendre points: cost no longer grows with a and b. Of the two tails the
//! one beyond the mean is computed and the other is its complement, so small tails keep relative accuracy.
//!
//! Relative error of a tail at the references below: under 2e-13 for a, b ≤ 1e6, under 1e-10 at 1e9. Not statrs: its fraction
//! stops after 140 terms, converged or not,
//! and its ln Γ loses the same digits. Breaks for a or b near 1e-300 or beyond 1e12.
//!
//! Source: Loader, Fast and Accurate Computation of Binomial Probabilities (2000); DLMF 8.17.22; the start of the quantile is
//! Algorithm AS 109 (Cran, Martin, Thomas 1977).

use super::normal;

/// Half of ln 2π.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// Above this the continued fraction is slower than the integral.
const FRACTION_LIMIT: f64 = 400.0;

/// Positive nodes and weights of the 32-point Gauss–Legendre rule on −1..1.
const LEGENDRE: [(f64, f64); 16] = [
    (0.048_307_665_687_738_32, 0.096_540_088_514_727_8),
    (0.144_471_961_582_796_5, 0.095_638_720_079_274_86),
    (0.239_287_362_252_137_07, 0.093_844_399_080_804_57),
    (0.331_868_602_282_127_65, 0.091_173_878_695_763_88),
    (0.421_351_276_130_635_35, 0.087_652_093_004_403_81),
    (0.506_899_908_932_229_4, 0.083_311_924_226_946_76),
    (0.587_715_757_240_762_3, 0.078_193_895_787_070_3),
    (0.663_044_266_930_215_2, 0.072_345_794_108_848_5),
    (0.732_182_118_740_289_7, 0.065_822_222_776_361_85),
    (0.794_483_795_967_942_4, 0.058_684_093_478_535_55),
    (0.849_367_613_732_57, 0.050_998_059_262_376_18),
    (0.896_321_155_766_052_1, 0.042_835_898_022_226_68),
    (0.934_906_075_937_739_7, 0.034_273_862_913_021_43),
    (0.964_762_255_587_506_4, 0.025_392_065_309_262_06),
    (0.985_611_511_545_268_3, 0.016_274_394_730_905_67),
    (0.997_263_861_849_481_6, 0.007_018_610_009_470_096),
];

/// Both tails of a law at one point; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// P(X ≤ x).
    pub lower: f64,
    /// P(X > x).
    pub upper: f64,
}

/// Both tails of Beta(a, b) at `x`; x outside 0..=1 is clipped.
///
/// About 1 µs, 3 µs for large a and b.
///
/// # Panics
/// When a or b is not positive.
pub fn tails(a: f64, b: f64, x: f64) -> Tails {
    let x = x.clamp(0.0, 1.0);
    tails_pair(a, b, x, 1.0 - x)
}

/// As [`tails`], with y = 1 − x given apart, for x too near 1 to be told from it.
pub(super) fn tails_pair(a: f64, b: f64, x: f64, y: f64) -> Tails {
    assert!(a > 0.0 && b > 0.0, "parameters of a beta law are positive");
    if x <= 0.0 {
        return Tails { lower: 0.0, upper: 1.0 };
    }
    if y <= 0.0 {
        return Tails { lower: 1.0, upper: 0.0 };
    }
    if x * (b + 1.0) < (a + 1.0) * y {
        let lower = near_tail(a, b, x, y).min(1.0);
        Tails { lower, upper: 1.0 - lower }
    } else {
        let upper = near_tail(b, a, y, x).min(1.0);
        Tails { lower: 1.0 - upper, upper }
    }
}

/// The lower tail for x below the mean, or so little above it that both methods still converge.
fn near_tail(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if a.min(b) <= FRACTION_LIMIT {
        power_over_beta(a, b, x, y) / continued_fraction(a, b, x, y)
    } else {
        power_over_beta(a, b, x, y) * logit_integral(a, b, x, y)
    }
}

/// x^a y^b / B(a, b): the density on the logit scale.
pub(super) fn power_over_beta(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let delta = a * y - b * x;
    let exponent =
        stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x, delta) - deviance(b, n * y, -delta);
    // a·b/n times Loader's binomial density with real counts.
    libm::sqrt(a / n * b) * libm::exp(exponent - HALF_LN_TAU)
}

/// ln Γ(z + 1) − (z + 1/2) ln z + z − ln(2π)/2.
fn stirling_error(z: f64) -> f64 {
    if z < 10.0 {
        return libm::lgamma(z + 1.0) - (z + 0.5) * libm::log(z) + z - HALF_LN_TAU;
    }
    let w = 1.0 / (z * z);
    let series = [1.0 / 156.0, -691.0 / 360_360.0, 1.0 / 1_188.0, -1.0 / 1_680.0, 1.0 / 1_260.0, -1.0 / 360.0, 1.0 / 12.0];
    series.iter().fold(0.0, |sum, c| sum * w + c) / z
}

/// z ln(z/expected) + expected − z, where `delta` = z − expected is known better than the difference would give it.
fn deviance(z: f64, expected: f64, delta: f64) -> f64 {
    let v = delta / (z + expected);
    if v.abs() >= 0.1 {
        return z * libm::log(z / expected) - delta;
    }
    // z ln((1+v)/(1−v)) by its odd series; the first term minus delta is delta·v.
    let square = v * v;
    let mut term = 2.0 * z * v;
    let mut sum = delta * v;
    for odd in (3..60).step_by(2) {
        term *= square;
        let next = sum + term / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// x^a y^b / B(a, b) over I_x(a, b): the even part of DLMF 8.17.22 by the modified Lentz method, for x below the mean.
///
/// Written with a·y − b·x, as in Algorithm 708: the plain fraction loses b·1e-16 where x is within 1/b of its end.
fn continued_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let base = a * y - b * x + 1.0;
    let mut value = guard(a * base / (a + 1.0));
    let mut c = value;
    let mut d = 0.0;
    // A bound only: about √min(a, b) terms are needed.
    for m in 1..5_000 {
        let m = f64::from(m);
        let middle = a + 2.0 * m - 1.0;
        let product = m * (b - m) * x / middle;
        let numerator = (a + m - 1.0) / middle * (a + b + m - 1.0) * x * product;
        let denominator = m + product + (a + m) / (a + 2.0 * m + 1.0) * (base + m * (1.0 + y));
        d = 1.0 / guard(denominator + numerator * d);
        c = guard(denominator + numerator / c);
        let factor = c * d;
        value *= factor;
        if (factor - 1.0).abs() <= 2.0 * f64::EPSILON {
            break;
        }
    }
    value
}

/// ln of the density of logit X at logit x + v over that at logit x; the form is chosen so that the terms that cancel are small.
pub(super) fn log_density_ratio(a: f64, b: f64, x: f64, y: f64, v: f64) -> f64 {
    if x <= y { a * v - (a + b) * libm::log1p(x * libm::expm1(v)) } else { -b * v - (a + b) * libm::log1p(y * libm::expm1(-v)) }
}

/// ∫ of the density of logit X below logit x, over that density at logit x.
fn logit_integral(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let slope = (a * y - b * x).max(0.0);
    let curvature = (a + b) * x * y;
    // Where slope·v + curvature·v²/2 reaches 45; the true fall there is at least 38, and e^-38 is below a rounding error.
    let length = 90.0 / (slope + libm::sqrt(slope * slope + 90.0 * curvature));
    let half = 0.5 * length;
    let at = |u: f64| libm::exp(log_density_ratio(a, b, x, y, -half * (1.0 + u)));
    LEGENDRE.iter().fold(0.0, |sum, (node, weight)| sum + weight * (at(*node) + at(-node))) * half
}

/// The x with P(X ≤ x) = p for X ~ Beta(a, b); 0 at p ≤ 0, 1 at p ≥ 1.
///
/// Relative error of x about 1e-13, 1e-11 for a, b ≈ 1e9; five evaluations of [`tails`] as a rule.
///
/// # Panics
/// When a or b is not positive.
pub fn quantile(a: f64, b: f64, p: f64) -> f64 {
    quantile_pair(a, b, p, 1.0 - p).0
}

/// The x with P(X > x) = p: as [`quantile`] of 1 − p, without losing a small p.
///
/// # Panics
/// When a or b is not positive.
pub fn upper_quantile(a: f64, b: f64, p: f64) -> f64 {
    quantile_pair(a, b, 1.0 - p, p).0
}

/// (x, 1 − x) where the lower tail is `lower` and the upper one `upper`, each accurate near its own 0.
pub(super) fn quantile_pair(a: f64, b: f64, lower: f64, upper: f64) -> (f64, f64) {
    assert!(a > 0.0 && b > 0.0, "parameters of a beta law are positive");
    if lower <= 0.0 {
        return (0.0, 1.0);
    }
    if upper <= 0.0 {
        return (1.0, 0.0);
    }
    if lower <= upper {
        lower_quantile(a, b, lower)
    } else {
        let (y, x) = lower_quantile(b, a, upper);
        (x, y)
    }
}

/// Halley's method for ln I = ln p in u = ln x, kept inside a shrinking bracket; there the function is nearly straight.
fn lower_quantile(a: f64, b: f64, p: f64) -> (f64, f64) {
    let pair = |u: f64| (libm::exp(u), -libm::expm1(u));
    if b == 1.0 {
        return pair(libm::log(p) / a);
    }
    if a == 1.0 {
        let log_y = libm::log1p(-p) / b;
        return (-libm::expm1(log_y), libm::exp(log_y));
    }
    let target = libm::log(p);
    let (mut low, mut high) = (-740.0, -1e-300);
    let mut u = start(a, b, p).clamp(low, high);
    for _ in 0..100 {
        let (x, y) = pair(u);
        let lower = tails_pair(a, b, x, y).lower;
        let miss = libm::log(lower) - target;
        if miss > 0.0 {
            high = u;
        } else {
            low = u;
        }
        let slope = power_over_beta(a, b, x, y) / y / lower;
        let newton = miss / slope;
        let bend = 0.5 * newton * (a - (b - 1.0) * x / y - slope);
        let step = newton / (1.0 - bend.clamp(-1.0, 0.5));
        let next = u - step;
        // The third-order step from a miss of 1e-5 lands within rounding.
        if miss.abs() < 1e-5 && step.is_finite() {
            return pair(next.min(-1e-300));
        }
        u = if next > low && next < high { next } else { 0.5 * (low + high) };
    }
    pair(u)
}

/// A first guess of ln x.
fn start(a: f64, b: f64, p: f64) -> f64 {
    if a > 1.0 && b > 1.0 {
        let z = -normal::quantile(p);
        let r = (z * z - 3.0) / 6.0;
        let s = 1.0 / (2.0 * a - 1.0);
        let t = 1.0 / (2.0 * b - 1.0);
        let h = 2.0 / (s + t);
        let w = z * libm::sqrt((h + r).max(0.0)) / h - (t - s) * (r + 5.0 / 6.0 - 2.0 / (3.0 * h));
        -libm::log1p(b / a * libm::exp(2.0 * w))
    } else {
        // The mass left and right of the mean as if each side were a pure power.
        let left = libm::exp(a * libm::log(a / (a + b))) / a;
        let right = libm::exp(b * libm::log(b / (a + b))) / b;
        let both = left + right;
        if p < left / both { libm::log(a * both * p) / a } else { libm::log1p(-libm::exp(libm::log(b * both * (1.0 - p)) / b)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;
    use statrs::function::beta::beta_reg;

    /// (a, b, x, lower, upper) by mpmath with 50 digits.
    const REFERENCE: [(f64, f64, f64, f64, f64); 14] = [
        (0.5, 0.5, 0.3, 0.36901011956554538, 0.630_989_880_434_454_6),
        (2.0, 18.0, 0.1, 0.579_735_021_168_402_5, 0.420_264_978_831_597_5),
        (8.0, 92.0, 0.05, 0.1227708075809445, 0.8772291924190555),
        (1.0, 1000.0, 0.003, 0.950_436_917_176_844_4, 0.049_563_082_823_155_55),
        (0.01, 3.0, 1e-20, 0.640_453_252_514_620_2, 0.35954674748537985),
        (30.0, 400.0, 0.1, 0.987_761_035_209_494_4, 0.012_238_964_790_505_57),
        (499.0, 499.0, 0.52, 0.896_855_341_076_316_1, 0.10314465892368381),
        (600.0, 900.0, 0.37, 0.008_420_817_106_642_218, 0.991_579_182_893_357_8),
        (501.0, 65036.0, 0.009, 0.9999235944880886, 7.640_551_191_139_844e-5),
        (5000.0, 5000.0, 0.49, 0.022742032324574546, 0.977_257_967_675_425_5),
        (100.0, 1000000.0, 0.00013, 0.997_260_162_574_707_8, 0.002739837425292168),
        (1000000.0, 999000001.0, 0.0009985, 0.066_656_190_513_384_52, 0.933_343_809_486_615_4),
        (1000000.0, 999000001.0, 0.001002, 0.9772500525352137, 0.022749947464786302),
        (100000.0, 50.0, 0.9992, 0.00012807846543568059, 0.999_871_921_534_564_3),
    ];

    #[test]
    fn both_tails_agree_with_fifty_digit_references() {
        for (a, b, x, lower, upper) in REFERENCE {
            let tolerance = if a.max(b) > 1e7 { 1e-10 } else { 2e-13 };
            let tails = tails(a, b, x);
            assert_close(tails.lower, lower, tolerance);
            assert_close(tails.upper, upper, tolerance);
        }
    }

    #[test]
    fn quantiles_invert_the_references() {
        for (a, b, x, lower, upper) in REFERENCE {
            // The slope in ln x turns an error of the tail into one of x; at a = 0.01 it is magnified by 1/a.
            let tolerance = if a < 0.1 { 1e-10 } else { 1e-11 };
            assert_close(quantile_pair(a, b, lower, upper).0, x, tolerance);
        }
    }

    #[test]
    fn the_two_methods_meet_where_they_change_over() {
        for x in [0.28, 0.3, 0.32] {
            let (a, b, y) = (401.0, 900.0, 1.0 - x);
            let (a, b, x, y) = if x < a / (a + b) { (a, b, x, y) } else { (b, a, y, x) };
            assert_close(logit_integral(a, b, x, y), 1.0 / continued_fraction(a, b, x, y), 1e-12);
        }
    }

    #[test]
    fn small_parameters_agree_with_statrs() {
        let mut random = SplitMix64(7);
        for _ in 0..2_000 {
            let a = libm::exp(random.uniform() * 8.0 - 3.0);
            let b = libm::exp(random.uniform() * 8.0 - 3.0);
            let x = random.uniform();
            assert!((tails(a, b, x).lower - beta_reg(a, b, x)).abs() < 1e-12, "{a} {b} {x}");
        }
    }

    #[test]
    fn quantiles_hit_their_probability_everywhere() {
        let mut random = SplitMix64(8);
        for _ in 0..5_000 {
            let a = libm::exp(random.uniform() * 22.0 - 3.0);
            let b = libm::exp(random.uniform() * 22.0 - 3.0);
            let p = libm::exp(-30.0 * random.uniform());
            let (x, y) = quantile_pair(a, b, p, 1.0 - p);
            let found = tails_pair(a, b, x, y);
            // Compare the side that is not near 1; x itself is a double, which moves the tail by a·1e-16 and more.
            let (found, wanted) = if p < 0.5 { (found.lower, p) } else { (found.upper, 1.0 - p) };
            assert!((found / wanted - 1.0).abs() < 1e-9 || x == 0.0 || x < 1e-300, "{a} {b} {p}: {found}");
        }
    }

    #[test]
    fn v41_posterior_of_counts() {
        // Beta(0.05·40 + 6, 0.95·40 + 54).
        assert!((8.0_f64 / (8.0 + 92.0) - 0.08).abs() < 1e-15);
        assert!((quantile(8.0, 92.0, 0.05) - 0.04084).abs() < 5e-6);
        assert!((quantile(8.0, 92.0, 0.95) - 0.12870).abs() < 5e-6);
        assert_close(upper_quantile(8.0, 92.0, 0.05), quantile(8.0, 92.0, 0.95), 1e-13);
    }

    #[test]
    fn ends_are_exact() {
        assert_eq!(tails(2.0, 3.0, 0.0), Tails { lower: 0.0, upper: 1.0 });
        assert_eq!(tails(2.0, 3.0, 7.0), Tails { lower: 1.0, upper: 0.0 });
        assert_eq!(quantile(2.0, 3.0, 0.0), 0.0);
        assert_eq!(quantile(2.0, 3.0, 1.0), 1.0);
    }
}
