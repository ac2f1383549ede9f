//! Every random number of the program.
//!
//! A draw is a pure function of (seed, purpose, entity name, trial): there is no state, so the answer does not depend on
//! threads, shards, the order of arcs or unrelated edits, and two scenarios that share entities share their random numbers.
//! The generator is [`GENERATOR`]: wyrand's multiply-and-fold over a counter that starts at a SplitMix64-mixed (entity, block)
//! key. 64 trials form a block: one word holds one binary digit of the uniform number of each, most significant digit first.
//! What must hold: changing any constant here changes every number the program prints, and is a new major version of them.

use rand::RngExt;
use rand::rand_core::{Infallible, TryRng};
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// The name of the generator, as results state it.
pub const GENERATOR: &str = "keyed-wyrand64/1";

/// Trials in a block: one bit of a word each.
pub const LANES: u64 = 64;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The user's seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed(pub u64);

/// What a draw is for. Two purposes of one entity are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Whether a failure crosses a dependency.
    Crossing = 1,
    /// Whether a data validator works.
    Validator = 2,
    /// The length of a buffer.
    Buffer = 3,
    /// Which members of a group, operations of a service or services of a change are hit.
    Hit = 4,
    /// Which channel a mixed fault takes, and how severe it is.
    Severity = 5,
    /// Time to detection.
    Detection = 6,
    /// Time to mitigate or repair.
    Repair = 7,
    /// Time to come up after a crash.
    ColdStart = 8,
    /// Restore tail.
    RestoreTail = 9,
    /// Clean-up of wrong data.
    CleanUp = 10,
    /// Start of a deadlocked group of services.
    Bootstrap = 11,
    /// Whether a canary catches the fault, and how fast it rolls back.
    Exposure = 12,
}

/// The key of one entity for one purpose under one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub u64);

/// SplitMix64's finaliser (Steele, Lea, Flood 2014; constants by Stafford): every input bit reaches every output bit.
#[inline(always)]
pub(crate) fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A name as a number: SipHash-2-4 with a fixed key, the same on every machine and in every release.
pub fn name_hash(name: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(0x7368_6F63_6B66_726F, 0x6E74_2F6E_616D_6573);
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// The hash of an entity with two names, such as a dependency; `kind` tells apart several entities of the same names.
#[inline]
pub fn pair_hash(first: u64, second: u64, kind: u64) -> u64 {
    mix(mix(first ^ kind.wrapping_mul(GOLDEN)).wrapping_add(second))
}

impl Seed {
    /// The key of an entity, given the hash of its name.
    #[inline]
    pub fn key(self, purpose: Purpose, name_hash: u64) -> Key {
        Key(mix(name_hash ^ mix(self.0.wrapping_add((purpose as u64).wrapping_mul(GOLDEN)))))
    }

    /// The key of a named entity.
    pub fn named(self, purpose: Purpose, name: &str) -> Key {
        self.key(purpose, name_hash(name))
    }
}

/// The part of a key that depends on the block of trials only.
#[inline(always)]
pub(crate) fn block_key(block: u64) -> u64 {
    mix(block.wrapping_mul(GOLDEN).wrapping_add(0xD1B5_4A32_D192_ED03))
}

/// Steps a counter of [`fold`].
const STEP: u64 = 0xA076_1D64_78BD_642F;

/// wyrand's output function (Wang Yi 2019): both halves of a 128-bit product, folded. One multiplication a word.
#[inline(always)]
fn fold(counter: u64) -> u64 {
    let product = u128::from(counter) * u128::from(counter ^ 0xE703_7ED1_A0B4_28DB);
    (product >> 64) as u64 ^ product as u64
}

/// A probability as a threshold for 32-digit uniform numbers. Rounds to 2^-32; `u32::MAX` stands for "certain".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(pub u32);

impl Threshold {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(u32::MAX);

    /// The nearest threshold. A probability below 1 never becomes "certain", one above 0 never "impossible".
    pub fn new(probability: f64) -> Self {
        if probability >= 1.0 {
            return Self::ALWAYS;
        }
        if probability <= 0.0 {
            return Self::NEVER;
        }
        Self(((probability * 4_294_967_296.0).round() as u64).clamp(1, u64::from(u32::MAX) - 1) as u32)
    }
}

/// For each of the trials in `need`: is the entity's uniform number below the threshold? Other bits of the answer are 0.
///
/// The same entity and block always compare the same numbers, so masks of two thresholds are nested. Compares digit by digit
/// and stops as soon as every needed trial is decided: 7.344 words on average for 64 trials (model.md §2.4, V50).
#[inline(always)]
pub(crate) fn below(key: Key, block_key: u64, threshold: Threshold, need: u64) -> u64 {
    if threshold == Threshold::ALWAYS {
        return need;
    }
    let mut counter = mix(key.0 ^ block_key);
    let mut digits = threshold.0;
    let mut undecided = need;
    let mut hit = 0;
    // Once the digits left are all 0, no undecided number can still be below.
    while digits != 0 && undecided != 0 {
        counter = counter.wrapping_add(STEP);
        let random = fold(counter);
        // All ones where the digit is 1: then a random 0 decides "below", else a random 1 decides "not below".
        let one = ((digits as i32) >> 31) as i64 as u64;
        hit |= undecided & !random & one;
        undecided &= !(random ^ one);
        digits <<= 1;
    }
    hit
}

/// [`below`] for several blocks in step: the same bits, but the words do not wait for each other.
#[inline(always)]
pub(crate) fn below_wide<const W: usize>(key: Key, block_keys: &[u64; W], threshold: Threshold, need: &[u64; W]) -> [u64; W] {
    if threshold == Threshold::ALWAYS {
        return *need;
    }
    let mut counters: [u64; W] = std::array::from_fn(|word| mix(key.0 ^ block_keys[word]));
    let mut digits = threshold.0;
    let mut undecided = *need;
    let mut hit = [0; W];
    while digits != 0 {
        let one = ((digits as i32) >> 31) as i64 as u64;
        let mut any = 0;
        for word in 0..W {
            counters[word] = counters[word].wrapping_add(STEP);
            let random = fold(counters[word]);
            hit[word] |= undecided[word] & !random & one;
            undecided[word] &= !(random ^ one);
            any |= undecided[word];
        }
        if any == 0 {
            break;
        }
        digits <<= 1;
    }
    hit
}

/// The stream of numbers of one entity in one trial.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    /// The stream of an entity in a trial.
    pub(crate) fn new(key: Key, trial: u64) -> Self {
        // Another constant than `block_key`, so that a trial number never meets a block number.
        Self { state: mix(key.0 ^ mix(trial.wrapping_mul(GOLDEN).wrapping_add(0x8CB9_2BA7_2F3D_8DD7))) }
    }

    /// Uniform in 0..1, 53 digits, never 0 or 1: safe to put into an inverse distribution function.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits: u64 = self.random::<u64>() >> 11;
        (bits as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.state = self.state.wrapping_add(STEP);
        Ok(fold(self.state))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for chunk in destination.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: these values are part of the format of results. A change here is a new major version of the numbers.
    #[test]
    fn draws_are_stable() {
        let key = Seed(7).named(Purpose::Crossing, "checkout");
        assert_eq!(name_hash("checkout"), 1_087_736_922_082_743_133);
        assert_eq!(below(key, block_key(0), Threshold::new(0.35), u64::MAX), 17_727_928_470_876_931_105);
        assert_eq!(Draws::new(key, 0).try_next_u64(), Ok(2_500_431_929_344_429_588));
    }

    #[test]
    fn wide_masks_are_the_narrow_ones() {
        let key = Seed(3).named(Purpose::Crossing, "a>b");
        let blocks: [u64; 8] = std::array::from_fn(|word| block_key(word as u64 + 40));
        for p in [0.0, 0.001, 0.3, 0.5, 0.95, 1.0] {
            let need: [u64; 8] = std::array::from_fn(|word| u64::MAX >> (word * 7));
            let wide = below_wide(key, &blocks, Threshold::new(p), &need);
            for word in 0..8 {
                assert_eq!(wide[word], below(key, blocks[word], Threshold::new(p), need[word]), "{p}");
            }
        }
    }

    #[test]
    fn masks_have_the_right_share_and_are_nested() {
        // 64 * 4,096 trials, tolerance 5 standard errors: false alarm below 1e-6 for each of the four.
        let key = Seed(1).named(Purpose::Crossing, "a>b");
        for p in [0.05, 0.35, 0.5, 0.95] {
            let (low, high) = (Threshold::new(p), Threshold::new((p + 0.03_f64).min(1.0)));
            let mut hits = 0_u32;
            for block in 0..4_096 {
                let mask = below(key, block_key(block), low, u64::MAX);
                assert_eq!(mask & !below(key, block_key(block), high, u64::MAX), 0);
                hits += mask.count_ones();
            }
            let n = 64.0 * 4_096.0;
            let z = (f64::from(hits) - n * p) / (n * p * (1.0 - p)).sqrt();
            assert!(z.abs() < 5.0, "p {p}: z {z}");
        }
    }

    #[test]
    fn a_mask_answers_only_what_was_asked() {
        let key = Seed(1).named(Purpose::Crossing, "a>b");
        let threshold = Threshold::new(0.3);
        let all = below(key, block_key(9), threshold, u64::MAX);
        for need in [0, 1, 0xFF00, !0 << 40] {
            assert_eq!(below(key, block_key(9), threshold, need), all & need);
        }
        assert_eq!(below(key, block_key(9), Threshold::NEVER, u64::MAX), 0);
        assert_eq!(below(key, block_key(9), Threshold::ALWAYS, 0xF0), 0xF0);
    }

    #[test]
    fn arcs_of_one_trial_are_independent() {
        // The trap of hash-xor-trial generators (performance.md): pairs of arcs must not agree more often than chance.
        let threshold = Threshold::new(0.5);
        let keys: Vec<Key> = (0..40).map(|i| Seed(3).named(Purpose::Crossing, &format!("arc {i}"))).collect();
        let blocks = 256;
        for (i, a) in keys.iter().enumerate() {
            for b in &keys[..i] {
                let agree: u32 = (0..blocks)
                    .map(|block| {
                        let k = block_key(block);
                        (!(below(*a, k, threshold, u64::MAX) ^ below(*b, k, threshold, u64::MAX))).count_ones()
                    })
                    .sum();
                let n = 64.0 * blocks as f64;
                let z = (f64::from(agree) - n / 2.0) / (n / 4.0).sqrt();
                // 780 pairs, |z| < 5: false alarm about 4e-4.
                assert!(z.abs() < 5.0, "z {z}");
            }
        }
    }

    #[test]
    fn words_needed_match_the_closed_form() {
        // V50: 7.344 words for 64 lanes of a generic threshold, here counted through the undecided lanes.
        let key = Seed(5).named(Purpose::Crossing, "x");
        let threshold = 0x5555_5555_u32;
        let blocks = 20_000_u64;
        let mut words = 0_u64;
        for block in 0..blocks {
            let mut undecided = u64::MAX;
            let mut counter = mix(key.0 ^ block_key(block));
            let mut digit = 0;
            while undecided != 0 {
                counter = counter.wrapping_add(STEP);
                let one = (threshold >> (31 - digit)) & 1 == 1;
                undecided &= if one { fold(counter) } else { !fold(counter) };
                digit += 1;
            }
            words += digit;
        }
        let mean = words as f64 / blocks as f64;
        // Standard deviation of the maximum of 64 geometrics is about 1.8: 6 standard errors are 0.08.
        assert!((mean - 7.34399).abs() < 0.08, "{mean}");
    }
}
