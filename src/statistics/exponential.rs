//! The exponential function without branches.

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

#[cfg(test)]
mod tests {
    use super::*;

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
