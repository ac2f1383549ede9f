//! The standard normal law and Student's t.
//!
//! Φ(x) = erfc(−x/√2)/2, relative error about (1 + x²)·1e-16; Φ⁻¹ by Wichura's rational approximations, relative error below
//! 1e-15 from 1e-300 up. A p near 1 has lost its tail before it gets here: ask for `-quantile(1 - p)` with the small number.
//! Student's quantile is that of a beta law: t² = ν(1−x)/x with I_x(ν/2, 1/2) = 2·tail.
//!
//! Source: M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988); Abramowitz and Stegun 26.5.27.

use super::{beta, exponential};

/// P(Z ≤ x) for a standard normal Z.
pub fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];
const TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

#[inline(always)]
fn ratio(coefficients: &[[f64; 8]; 2], x: f64) -> f64 {
    let [above, below] = coefficients;
    polynomial(above, x) / polynomial(below, x)
}

/// Horner's rule, written out: inside a loop over many x it has to vanish into the loop.
#[inline(always)]
fn polynomial(c: &[f64; 8], x: f64) -> f64 {
    ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0]
}

/// The x with P(Z ≤ x) = p; −∞ at p ≤ 0 and +∞ at p ≥ 1. Constant time.
pub fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    // The root of the standard library is exact everywhere; that of `libm` is an instruction that stalls among wide registers.
    let r = (-libm::log(p.min(1.0 - p))).sqrt();
    let size = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    size.copysign(q)
}

/// [`quantile`] of every number, in place and with the same digits. Runs without branches but for numbers nearer than 2e-11 to 0 or
/// 1, so that a caller that is compiled for wide registers gets them.
#[inline(always)]
pub fn quantiles(numbers: &mut [f64]) {
    const TOGETHER: usize = 256;
    /// Where the far tails start, and a little inside: e^-25 = 1.4e-11.
    const FAR: f64 = 2e-11;
    for numbers in numbers.chunks_mut(TOGETHER) {
        let (mut tails, mut used) = ([0.0; TOGETHER], 0);
        let mut places = [0_u16; TOGETHER];
        for (at, number) in numbers.iter().enumerate() {
            tails[used] = *number;
            places[used] = at as u16;
            used += usize::from((number - 0.5).abs() > 0.425);
        }
        for number in &mut *numbers {
            let q = *number - 0.5;
            *number = q * ratio(&CENTRE, 0.180_625 - q * q);
        }
        let mut sizes = [0.0; TOGETHER];
        for at in 0..used {
            let p = tails[at].min(1.0 - tails[at]).max(f64::MIN_POSITIVE);
            let r = (-exponential::ln(p)).sqrt();
            sizes[at] = ratio(&MIDDLE, r - 1.6).copysign(tails[at] - 0.5);
        }
        for at in 0..used {
            let p = tails[at];
            numbers[usize::from(places[at])] = if p.min(1.0 - p) > FAR { sizes[at] } else { quantile(p) };
        }
    }
}

/// The t with P(T ≤ t) = p for Student's law with `degrees` > 0 degrees of freedom; relative error about 1e-13.
///
/// # Panics
/// When `degrees` is not positive.
pub fn student_t_quantile(p: f64, degrees: f64) -> f64 {
    assert!(degrees > 0.0, "degrees of freedom are positive");
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    // Seen from the median, |2p − 1| is the upper tail of the beta law: exact where the quantile itself is near 0.
    let centre = (2.0 * p - 1.0).abs();
    if centre == 0.0 {
        return 0.0;
    }
    let (x, y) = beta::quantile_pair(0.5 * degrees, 0.5, 1.0 - centre, centre);
    libm::sqrt(degrees * y / x).copysign(p - 0.5)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;

    #[test]
    fn many_quantiles_are_the_single_ones() {
        let numbers: Vec<f64> = (0..=10_007)
            .map(|at| f64::from(at) / 10_007.0)
            .chain([1e-300, 1e-20, 1e-12, 1.9e-11, 2.1e-11, 0.075, 0.925])
            .collect();
        let mut many = numbers.clone();
        quantiles(&mut many);
        for (many, p) in many.iter().zip(numbers) {
            assert_eq!(many.to_bits(), quantile(p).to_bits(), "{p}");
        }
    }

    #[test]
    fn quantiles_agree_with_forty_digit_references() {
        // mpmath, 50 digits, of the nearest double to each p.
        for (p, expected) in NORMAL {
            assert_close(quantile(p), expected, 1e-15);
        }
        assert_close(quantile(0.95), 1.644_853_626_951_472_2, 1e-15);
        assert_eq!((quantile(0.0), quantile(0.5), quantile(1.0)), (f64::NEG_INFINITY, 0.0, f64::INFINITY));
    }

    #[test]
    fn quantile_and_cumulative_are_inverse() {
        for step in 1..1_000 {
            let p = f64::from(step) / 1_000.0;
            assert_close(cumulative(quantile(p)), p, 1e-14);
        }
    }

    #[test]
    fn quantiles_agree_with_statrs() {
        // Independent of this file: statrs follows Boost's inverse of erfc.
        for step in 1..400 {
            let p = f64::from(step) / 400.0;
            let other = -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p);
            assert!((quantile(p) - other).abs() <= 2e-15 * (1.0 + other.abs()), "{p}");
        }
    }

    #[test]
    fn student_quantiles_agree_with_references() {
        for (p, degrees, expected) in STUDENT {
            assert_close(student_t_quantile(p, degrees), expected, 1e-12);
            assert_close(student_t_quantile(1.0 - p, degrees), -expected, 1e-9);
        }
        // One degree is Cauchy's law, tan(π(p − 1/2)).
        assert_close(student_t_quantile(0.975, 1.0), (0.475 * std::f64::consts::PI).tan(), 1e-12);
        assert_eq!(student_t_quantile(0.5, 31.0), 0.0);
    }

    const NORMAL: [(f64, f64); 9] = [
        (1e-300, -37.047_096_299_361_2),
        (1e-20, -9.262_340_089_798_408),
        (1e-6, -4.753_424_308_822_899),
        (0.001, -3.090_232_306_167_813_5),
        (0.025, -1.959_963_984_540_054_2),
        (0.3, -0.524_400_512_708_040_8),
        (0.499_99, -2.506_628_274_896_000_5e-5),
        (0.75, 0.674_489_750_196_081_7),
        (0.975, 1.959_963_984_540_053_9),
    ];

    const STUDENT: [(f64, f64, f64); 6] = [
        (0.975, 31.0, 2.039_513_446_396_408),
        (0.975, 1.0, 12.706_204_736_174_693),
        (0.9, 2.0, 1.885_618_083_164_127),
        (0.999, 5.0, 5.893_429_531_356_009),
        (0.500_1, 31.0, 2.526_921_247_326_104e-4),
        (0.995, 1_000.0, 2.580_754_698_065_951),
    ];
}
