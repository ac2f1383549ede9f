//! The exponential function and the logarithm without branches.

/// The largest |x| that [`exp`] is for.
pub const LARGEST: f64 = 700.0;

/// eˣ with the digits of [`libm::exp`], for |x| up to [`LARGEST`]. Nothing in it depends on x but the numbers, so a loop over many x
/// runs in vector registers where the caller is compiled for them; `libm` branches on the size of x.
///
/// x = k ln 2 + r with |r| ≤ ln 2 / 2, then e^r by a rational approximation; error below one unit in the last place.
/// Source: the algorithm of fdlibm's `e_exp.c` (Sun Microsystems 1993), which `libm` uses.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    const P: [f64; 5] = [
        1.666_666_666_666_660_2e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    // Compared by the upper words of |x| with ½ ln 2, 1½ ln 2 and 2⁻²⁸.
    const HALF: f64 = f64::from_bits(0x3fd6_2e43_0000_0000);
    const THREE_HALVES: f64 = f64::from_bits(0x3ff0_a2b2_0000_0000);
    const TINY: f64 = f64::from_bits(0x3e30_0001_0000_0000);
    let size = x.abs();
    let far = f64::from((std::f64::consts::LOG2_E * x + 0.5_f64.copysign(x)) as i32);
    let near = if size >= HALF { 1.0_f64.copysign(x) } else { 0.0 };
    let k = if size >= THREE_HALVES { far } else { near };
    let (high, low) = (x - k * LN_2[0], k * LN_2[1]);
    let r = high - low;
    let square = r * r;
    let c = r - square * (P[0] + square * (P[1] + square * (P[2] + square * (P[3] + square * P[4]))));
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    let y = if size < TINY { 1.0 + x } else { y };
    y * f64::from_bits(((k as i32 + 1_023) as u64) << 52)
}

/// ln x with the digits of [`libm::log`], for normal positive x. Without branches, as [`exp`].
///
/// x = 2ᵏ (1 + f) with 1 + f between √½ and √2, then a polynomial in s = f / (2 + f); error below one unit in the last place.
/// Source: the algorithm of fdlibm's `e_log.c` (Sun Microsystems 1993), which `libm` uses.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    const G: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    // Upper words of 1 and of √½.
    const ONE: u64 = 0x3ff0_0000 << 32;
    const ROOT: u64 = 0x3fe6_a09e << 32;
    // Below √2 the mantissa stays, above it goes to the next power of 2.
    let bits = x.to_bits() + (ONE - ROOT);
    let k = ((bits >> 52) as i32 - 1_023) as f64;
    let f = f64::from_bits((bits & ((1 << 52) - 1)) + ROOT) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (G[1] + w * (G[3] + w * G[5]));
    let odd = z * (G[0] + w * (G[2] + w * (G[4] + w * G[6])));
    s * (half_square + (odd + even)) + k * LN_2[1] - half_square + f + k * LN_2[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_library() {
        let magnitudes =
            (-1_000..1_000).flat_map(|power| [1.0, 1.3, 1.41, 1.42, 1.999].map(|x| x * libm::exp2(f64::from(power))));
        let near_one = (0..20_000).map(|at| 0.4 + f64::from(at) * 1e-4 + 3.1e-9);
        for x in magnitudes.chain(near_one).chain([
            1.0,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::from_bits(0x3fe6_a09e_0000_0000),
            std::f64::consts::SQRT_2,
        ]) {
            assert_eq!(ln(x).to_bits(), libm::log(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn digits_are_those_of_the_library() {
        let steps = (-700_000..=700_000).map(|at| f64::from(at) * 1e-3 + 1.7e-5);
        let small = (0..60).flat_map(|power| [1.0, -1.0, 1.3, -1.9].map(|x| x * libm::exp2(-f64::from(power))));
        let edges = [0x3fd6_2e42_u64, 0x3fd6_2e43, 0x3ff0_a2b1, 0x3ff0_a2b2, 0x3e30_0000, 0x3e30_0001]
            .into_iter()
            .flat_map(|upper| [0, 1, 0xffff_ffff].map(|lower| f64::from_bits(upper << 32 | lower)))
            .flat_map(|x| [x, -x]);
        for x in steps.chain(small).chain(edges).chain([0.0, -0.0, LARGEST, -LARGEST]) {
            assert_eq!(exp(x).to_bits(), libm::exp(x).to_bits(), "{x:e}");
        }
    }
}
