//! Tests of the random numbers: pinned values, shares, nesting, independence.

use super::*;

const ALL: Mask = Mask([u64::MAX; WIDTH]);

fn draw(key: Key, batch: u64, p: f64) -> Mask {
    below_mask(&batch_key(batch), key, Threshold::new(p), &ALL)
}

fn ones(mask: &Mask) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Pinned: these values are part of the format of results. A change here is a new major version of the numbers.
#[test]
fn draws_are_stable() {
    let key = Seed(7).named(Purpose::Crossing, "checkout");
    assert_eq!(name_hash("checkout"), 1_087_736_922_082_743_133);
    assert_eq!(draw(key, 0, 0.35)[..2], [15_091_793_422_212_810_630, 6_342_495_085_271_884_280]);
    assert_eq!(Draws::new(key, 0).try_next_u64(), Ok(2_500_431_929_344_429_588));
}

#[test]
fn masks_have_the_right_share_and_are_nested() {
    // 512 * 512 trials, tolerance 5 standard errors: false alarm below 1e-6 for each of the seven.
    let key = Seed(1).named(Purpose::Crossing, "a>b");
    for p in [1e-4, 0.05, 0.1, 0.35, 0.5, 0.95, 0.9999] {
        let mut hits = 0;
        for batch in 0..512 {
            let (low, high) = (draw(key, batch, p), draw(key, batch, (p + 0.03_f64).min(1.0)));
            assert!(low.iter().zip(high.iter()).all(|(low, high)| low & !high == 0));
            hits += ones(&low);
        }
        let n = 512.0 * 512.0;
        let z = (hits as f64 - n * p) / (n * p * (1.0 - p)).sqrt();
        assert!(z.abs() < 5.0, "p {p}: z {z}");
    }
}

#[test]
fn a_mask_answers_only_what_was_asked() {
    let key = Seed(1).named(Purpose::Crossing, "a>b");
    let all = draw(key, 9, 0.3);
    for need in [Mask::NONE, Mask::first(1), Mask::first(77), Mask([0xFF00_00FF; WIDTH])] {
        let answer = below_mask(&batch_key(9), key, Threshold::new(0.3), &need);
        assert!((0..WIDTH).all(|word| answer[word] == all[word] & need[word]));
        assert!(below_mask(&batch_key(9), key, Threshold::NEVER, &need).is_none());
        assert_eq!(below_mask(&batch_key(9), key, Threshold::ALWAYS, &need), need);
    }
}

#[test]
fn arcs_of_one_trial_are_independent() {
    // The trap of hash-xor-trial generators (performance.md): pairs of arcs must not agree more often than chance.
    let keys: Vec<Key> = (0..40).map(|i| Seed(3).named(Purpose::Crossing, &format!("arc {i}"))).collect();
    let batches = 64;
    for (i, a) in keys.iter().enumerate() {
        for b in &keys[..i] {
            let differ: u64 = (0..batches)
                .map(|batch| {
                    let (a, b) = (draw(*a, batch, 0.5), draw(*b, batch, 0.5));
                    ones(&Mask(std::array::from_fn(|word| a[word] ^ b[word])))
                })
                .sum();
            let n = 512.0 * batches as f64;
            let z = (differ as f64 - n / 2.0) / (n / 4.0).sqrt();
            // 780 pairs, |z| < 5: false alarm about 4e-4.
            assert!(z.abs() < 5.0, "z {z}");
        }
    }
}

#[test]
fn trials_of_one_arc_are_independent() {
    // Every pair of lanes of a batch agrees half of the time: 130,816 pairs over 2,048 batches. The largest of so many |z| is
    // about 4.6; 6.5 is a false alarm once in 10^5.
    let key = Seed(11).named(Purpose::Crossing, "b>c");
    let batches = 2_048;
    let rows: Vec<Vec<u64>> = (0..512)
        .map(|lane: usize| {
            let bit = |batch: u64| draw(key, batch, 0.5)[lane / 64] >> (lane % 64) & 1;
            (0..batches / 64).map(|word| (0..64).fold(0, |row, at| row | bit(word * 64 + at) << at)).collect()
        })
        .collect();
    for (i, a) in rows.iter().enumerate() {
        for b in &rows[..i] {
            let differ: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
            let z = (f64::from(differ) - batches as f64 / 2.0) / (batches as f64 / 4.0).sqrt();
            assert!(z.abs() < 6.5, "z {z}");
        }
    }
}

/// All digits of 512 trials, digit by digit.
fn planes(key: Key, batch: u64) -> [Mask; 32] {
    digits(key, batch).map(Mask)
}

#[test]
fn every_binary_digit_is_fair_and_independent_of_the_others() {
    // Chi squared over the 32 digits, and over the 496 pairs of digits, of 512 * 512 numbers.
    let key = Seed(5).named(Purpose::Crossing, "x");
    let batches = 512;
    let (mut single, mut pair) = ([0_u64; 32], vec![0_u64; 32 * 32]);
    for batch in 0..batches {
        let planes = planes(key, batch);
        for (i, a) in planes.iter().enumerate() {
            single[i] += ones(a);
            for (j, b) in planes[..i].iter().enumerate() {
                pair[i * 32 + j] += ones(&Mask(std::array::from_fn(|word| a[word] ^ b[word])));
            }
        }
    }
    let n = 512.0 * batches as f64;
    let squared = |count: u64| (count as f64 - n / 2.0).powi(2) / (n / 4.0);
    let digits: f64 = single.iter().map(|count| squared(*count)).sum();
    let pairs: f64 = (0..32).flat_map(|i| (0..i).map(move |j| i * 32 + j)).map(|at| squared(pair[at])).sum();
    // 5 standard deviations of chi squared with 32 and 496 degrees of freedom.
    assert!((digits - 32.0).abs() < 5.0 * 64.0_f64.sqrt(), "{digits}");
    assert!((pairs - 496.0).abs() < 5.0 * 992.0_f64.sqrt(), "{pairs}");
}

#[test]
fn birthdays_collide_as_often_as_they_should() {
    // 4,096 birthdays in 2^32 days, 64 years: the spacings that occur again are Poisson with mean 4,096^3 / 2^34 = 4 (Marsaglia
    // 1985); over 64 years 256 with standard deviation 16.
    let mut repeated = 0;
    for year in 0..64 {
        let key = Seed(year).named(Purpose::Crossing, "birthday");
        let mut days: Vec<u32> = Vec::new();
        for batch in 0..8 {
            let planes = planes(key, batch);
            days.extend(
                (0..512).map(|lane: usize| {
                    planes.iter().fold(0, |day, plane| day << 1 | (plane[lane / 64] >> (lane % 64) & 1) as u32)
                }),
            );
        }
        days.sort_unstable();
        let mut spacings: Vec<u32> = days.windows(2).map(|pair| pair[1] - pair[0]).collect();
        spacings.sort_unstable();
        repeated += spacings.windows(2).filter(|pair| pair[0] == pair[1]).count();
    }
    assert!((repeated as f64 - 256.0).abs() < 5.0 * 16.0, "{repeated}");
}

#[test]
fn v50_digits_needed() {
    // Σ_{j≥0} [1 − (1 − 2^−j)^64] is the mean of the largest of 64 geometric numbers.
    let mean = |lanes: i32| (0..60).map(|j| 1.0 - (1.0 - (0.5_f64).powi(j)).powi(lanes)).sum::<f64>();
    assert!((mean(64) - 7.34399).abs() < 5e-6 && (mean(512) - 10.334).abs() < 5e-4);
    // 7.344 digits for 64 lanes, 10.334 for 512, counted through the undecided lanes.
    let key = Seed(5).named(Purpose::Crossing, "x");
    let batches = 4_000;
    let (mut few, mut all) = (0, 0);
    for batch in 0..batches {
        let planes = planes(key, batch);
        let mut undecided = ALL;
        for plane in &planes {
            few += u64::from(undecided[0] != 0);
            all += u64::from(!undecided.is_none());
            (0..WIDTH).for_each(|word| undecided[word] &= plane[word]);
        }
    }
    // The standard deviation of the maximum of geometrics is about 1.8: 6 standard errors are 0.17.
    assert!((few as f64 / batches as f64 - 7.34399).abs() < 0.17, "{few}");
    assert!((all as f64 / batches as f64 - 10.334).abs() < 0.17, "{all}");
}
