//! Every kind of machine computes the same bits, and a round of AES is a round of AES.

use super::*;

/// Applies every operation, each result to the next.
struct Everything(Mask, Mask, Mask);

impl Work for Everything {
    type Output = (Vec<[u64; WIDTH]>, u64, bool);

    #[inline(always)]
    fn run<L: Lanes>(self, machine: L::Machine) -> Self::Output {
        let [a, b, c] = [self.0, self.1, self.2].map(|mask| L::load(machine, &mask));
        let (mut below, mut undecided) = (a, b);
        L::prefetch(machine, &self.0);
        L::compare(c, L::splat(machine, u64::MAX), &mut below, &mut undecided);
        let first = (below, undecided);
        L::compare(a, L::splat(machine, 0), &mut below, &mut undecided);
        let all = [a.and(b), a.or(b), a.xor(b), a.without(b), L::splat(machine, 77), a.aes_round(b), b.aes_round(c)];
        let out = all
            .into_iter()
            .chain([first.0, first.1, below, undecided])
            .map(|value| {
                let mut mask = Mask::NONE;
                value.store(&mut mask);
                mask.0
            })
            .collect();
        (out, a.count(), a.without(a).is_none() && !a.is_none())
    }
}

fn pattern(seed: u64) -> Mask {
    let mut state = seed;
    Mask(std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    }))
}

#[test]
fn all_kinds_of_machine_compute_the_same_bits() {
    for seed in 0..50 {
        let [a, b, c] = [pattern(seed), pattern(seed + 1_000), pattern(seed + 2_000)];
        let results: Vec<_> = Machine::available().into_iter().map(|machine| run(machine, Everything(a, b, c))).collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {results:?}");
        assert!(results[0].2);
        assert_eq!(results[0].1, a.iter().map(|word| u64::from(word.count_ones())).sum::<u64>());
    }
}

#[test]
fn a_kind_the_machine_lacks_falls_back() {
    // Whatever is asked for, there is an answer, and it is the same.
    let work = || Everything(pattern(1), pattern(2), pattern(3));
    let portable = run(Machine::Portable, work());
    assert_eq!(widest(work()), portable);
}

/// FIPS 197, appendix B: input and output of the first round of the example.
#[test]
fn a_round_is_that_of_the_standard() {
    let words = |text: &str| {
        let bytes: Vec<u8> = text.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect();
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let (low, high) = (word(0), word(8));
        Mask([low, high, low, high, low, high, low, high])
    };
    struct Round(Mask, Mask);
    impl Work for Round {
        type Output = Mask;
        #[inline(always)]
        fn run<L: Lanes>(self, machine: L::Machine) -> Mask {
            let mut out = Mask::NONE;
            L::load(machine, &self.0).aes_round(L::load(machine, &self.1)).store(&mut out);
            out
        }
    }
    let start = words("19 3d e3 be a0 f4 e2 2b 9a c6 8d 2a e9 f8 48 08");
    let key = words("a0 fa fe 17 88 54 2c b1 23 a3 39 39 2a 6c 76 05");
    let end = words("a4 9c 7f f2 68 9f 35 2b 6b 5b ea 43 02 6a 50 49");
    for machine in Machine::available() {
        assert_eq!(run(machine, Round(start, key)), end, "{machine:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot ask for huge pages")]
fn memory_is_empty_after_a_reset() {
    let mut masks = Masks::default();
    // The last is large enough for pages of its own.
    for len in [0, 5, 5, 9, 200_000, 200_000] {
        masks.reset(len);
        assert_eq!(masks.as_slice().len(), len);
        assert!(masks.as_slice().iter().all(Mask::is_none));
        masks.as_mut_slice().iter_mut().for_each(|mask| mask[3] = 9);
    }
}

#[test]
fn the_first_lanes() {
    assert!(Mask::first(0).is_none());
    assert_eq!(Mask::first(BATCH), Mask([u64::MAX; WIDTH]));
    assert_eq!(Mask::first(65)[..3], [u64::MAX, 1, 0]);
    assert_eq!(Mask::first(65).or(Mask::first(3)), Mask::first(65));
}
