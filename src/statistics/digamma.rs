//! ψ, the derivative of ln Γ.
//!
//! ψ(x + 1) − ln x = 1/(2x) − Σ B₂ₖ/(2k·x²ᵏ) from x = 10 on, where seven terms leave less than 1e-16; below, ψ(x + 1) = ψ(x) + 1/x leads
//! there. The difference to the logarithm is what is computed, because it is what information is made of: near a large x, ψ and
//! ln agree in most of their digits.
//!
//! Source: DLMF 5.5.2 and 5.11.2. Not statrs: the library does without it, and its ψ has no form without the logarithm.

/// Where the series begins.
const SERIES: f64 = 10.0;

/// B₂ₖ/(2k) for k from 7 down to 1.
const BERNOULLI: [f64; 7] = [1.0 / 12.0, -691.0 / 32_760.0, 1.0 / 132.0, -1.0 / 240.0, 1.0 / 252.0, -1.0 / 120.0, 1.0 / 12.0];

/// ψ(x); NaN unless x > 0. Error about 1e-15 of the larger of 1 and |ψ|.
pub fn digamma(x: f64) -> f64 {
    digamma_above_log(x) + libm::log(x) - 1.0 / x
}

/// ψ(x + 1) − ln x, about 1/(2x); NaN unless x > 0. Relative error below 1e-13. At most ten steps.
pub fn digamma_above_log(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let (mut at, mut steps) = (x, 0.0);
    while at < SERIES {
        at += 1.0;
        steps += 1.0 / at;
    }
    let square = 1.0 / (at * at);
    let series = BERNOULLI.iter().fold(0.0, |sum, term| (sum + term) * square);
    let far = 0.5 / at - series;
    if at > x { far + libm::log(at / x) - steps } else { far }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    /// Euler's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;

    #[test]
    fn closed_forms() {
        assert_close(digamma(1.0), -GAMMA, 1e-14);
        assert_close(digamma(0.5), -GAMMA - 2.0 * std::f64::consts::LN_2, 1e-14);
        assert_close(digamma(0.25), -GAMMA - std::f64::consts::FRAC_PI_2 - 3.0 * std::f64::consts::LN_2, 1e-14);
        // ψ(n) = H(n − 1) − γ.
        let harmonic: f64 = (1..100).map(|i| 1.0 / f64::from(i)).sum();
        assert_close(digamma(100.0), harmonic - GAMMA, 1e-14);
        // Its positive root.
        assert!(digamma(1.461_632_144_968_362_3).abs() < 1e-15);
    }

    #[test]
    fn agrees_with_statrs_and_with_its_own_recurrence() {
        for step in 1..4_000 {
            let x = libm::exp(f64::from(step) * 0.006 - 9.0);
            let known = statrs::function::gamma::digamma(x);
            assert!((digamma(x) - known).abs() < 1e-11 * known.abs().max(1.0), "{x}");
            let next = digamma(x) + 1.0 / x;
            assert!((digamma(x + 1.0) - next).abs() < 4e-15 * (1.0 / x + 1.0 + next.abs()), "{x}");
        }
    }

    #[test]
    fn the_difference_to_the_logarithm_keeps_its_digits() {
        // 1/(2x) − 1/(12x²) is exact to a rounding where the next term is 1/(120x⁴).
        for x in [1e5, 1e9, 1e15] {
            assert_close(digamma_above_log(x), 0.5 / x - 1.0 / (12.0 * x * x), 1e-15);
        }
        assert!(digamma_above_log(0.0).is_nan() && digamma_above_log(-0.5).is_nan() && digamma(f64::NAN).is_nan());
    }
}
