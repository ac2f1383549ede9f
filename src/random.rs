//! Every random number of the program.
//!
//! A draw is a pure function of (seed, purpose, entity name, trial): there is no state, so the answer does not depend on
//! threads, shards, the order of arcs or unrelated edits, and two scenarios that share entities share their random numbers.
//!
//! The generator is [`GENERATOR`]. Whether an arc is live is asked millions of times a second and for 512 trials at once: word
//! d of the answer holds binary digit d of the uniform number of each trial, most significant first. It is four rounds of AES on
//! (entity key XOR key of 128 trials): two for all digits together, two after the digit's constant was added; that is one
//! more than it takes until every output byte depends on every input byte twice. Lengths and choices come as streams: wyrand's
//! multiply-and-fold over a counter that starts at a SplitMix64-mixed (entity, trial) key. `scripts/rng` tests both.
//!
//! What must hold: changing any constant here changes every number the program prints, and is a new major version of them.

use crate::lanes::{self, Lanes, Mask, WIDTH, Work};
use rand::RngExt;
use rand::rand_core::{Infallible, TryRng};
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

/// The name of the generator, as results state it.
pub const GENERATOR: &str = "keyed-aes128x4-wyrand64/2";

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
    /// What is not known about the probabilities of a class of dependencies.
    Uncertainty = 13,
    /// Which dependency is the first to let a rare failure through.
    FirstCrossing = 14,
}

/// The key of one entity for one purpose under one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(pub u64);

/// SplitMix64's finaliser (Steele, Lea, Flood 2014; constants by Stafford): every input bit reaches every output bit.
#[inline(always)]
pub(crate) const fn mix(value: u64) -> u64 {
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

    /// The probability that it stands for.
    pub fn probability(self) -> f64 {
        if self == Self::ALWAYS { 1.0 } else { f64::from(self.0) / 4_294_967_296.0 }
    }

    /// The threshold for numbers that are known to be below another one, when these are spread over 0..1.
    pub(crate) fn given_below(self, other: Self) -> Self {
        if self >= other { Self::ALWAYS } else { Self::new(self.probability() / other.probability()) }
    }

    /// The threshold for numbers that are known not to be below another one, when these are spread over 0..1.
    pub(crate) fn given_not_below(self, other: Self) -> Self {
        if self <= other {
            Self::NEVER
        } else {
            Self::new((self.probability() - other.probability()) / (1.0 - other.probability()))
        }
    }
}

/// The part of the keys that depends on the batch of 512 trials only: two words for each block of 128.
#[inline]
pub(crate) fn batch_key(batch: u64) -> Mask {
    Mask(std::array::from_fn(|word| {
        mix((batch * WIDTH as u64 + word as u64).wrapping_mul(GOLDEN).wrapping_add(0xD1B5_4A32_D192_ED03))
    }))
}

/// The same 128 bits in every block: entry n of a fixed sequence.
const fn constant(n: u64) -> Mask {
    let (low, high) = (mix((2 * n).wrapping_mul(GOLDEN)), mix((2 * n + 1).wrapping_mul(GOLDEN)));
    Mask([low, high, low, high, low, high, low, high])
}

/// Keys of the four rounds.
static ROUNDS: [Mask; 4] = [constant(101), constant(102), constant(103), constant(104)];

/// What tells the digits apart.
static DIGITS: [Mask; 32] = {
    let mut digits = [Mask::NONE; 32];
    let mut digit = 0;
    while digit < 32 {
        digits[digit] = constant(digit as u64 + 1);
        digit += 1;
    }
    digits
};

/// A digit of a threshold, for all lanes.
static ALL_OR_NONE: [Mask; 2] = [Mask::NONE, Mask([u64::MAX; WIDTH])];

/// One binary digit of the uniform numbers of 512 trials, given what is common to all digits.
#[inline(always)]
fn digit_of<L: Lanes>(machine: L::Machine, common: L, digit: u32) -> L {
    common
        .xor(L::load(machine, &DIGITS[digit as usize & 31]))
        .aes_round(L::load(machine, &ROUNDS[2]))
        .aes_round(L::load(machine, &ROUNDS[3]))
}

/// What all digits of an entity in a batch have in common.
#[inline(always)]
fn common_to_digits<L: Lanes>(machine: L::Machine, key: Key, batch: L) -> L {
    L::splat(machine, key.0).xor(batch).aes_round(L::load(machine, &ROUNDS[0])).aes_round(L::load(machine, &ROUNDS[1]))
}

/// For each of the trials in `need`: is the entity's uniform number below the threshold? Other bits of the answer are 0.
/// `batch` is a [`batch_key`].
///
/// The same entity and batch always compare the same numbers, so masks of two thresholds are nested. Compares digit by digit
/// and stops when every needed trial is decided: after 10.33 digits on average for 512 trials (model.md §2.4, V50).
#[inline(always)]
pub(crate) fn below<L: Lanes>(machine: L::Machine, batch: L, key: Key, threshold: Threshold, need: L) -> L {
    if threshold == Threshold::ALWAYS {
        return need;
    }
    let common = common_to_digits(machine, key, batch);
    let (mut below, mut undecided) = (L::splat(machine, 0), need);
    for digit in 0..L::FIRST_DIGITS {
        compare_digit(machine, common, threshold, digit, &mut below, &mut undecided);
    }
    let mut digit = L::FIRST_DIGITS;
    // Once the digits left are all 0, no undecided number can still be below.
    while digit < 32 && threshold.0 << digit != 0 && !undecided.is_none() {
        compare_digit(machine, common, threshold, digit, &mut below, &mut undecided);
        digit += 1;
    }
    below
}

/// Compares one digit of 512 numbers with that of the threshold.
#[inline(always)]
fn compare_digit<L: Lanes>(machine: L::Machine, common: L, threshold: Threshold, digit: u32, below: &mut L, undecided: &mut L) {
    let one = L::load(machine, &ALL_OR_NONE[(threshold.0 >> (31 - digit) & 1) as usize]);
    L::compare(digit_of(machine, common, digit), one, below, undecided);
}

/// The uniform numbers of an entity in the 512 trials of a batch, as binary digits: word w of row d holds digit d, most
/// significant first, of trials 64 w to 64 w + 63. For tests of the generator.
pub fn digits(key: Key, batch: u64) -> [[u64; WIDTH]; 32] {
    struct Digits(Key, u64);
    impl Work for Digits {
        type Output = [[u64; WIDTH]; 32];
        #[inline(always)]
        fn run<L: Lanes>(self, machine: L::Machine) -> Self::Output {
            let common = common_to_digits(machine, self.0, L::load(machine, &batch_key(self.1)));
            std::array::from_fn(|digit| {
                let mut mask = Mask::NONE;
                digit_of(machine, common, digit as u32).store(&mut mask);
                mask.0
            })
        }
    }
    lanes::widest(Digits(key, batch))
}

/// The first words of the stream of an entity in a trial, from which its durations and choices are made. For tests of the
/// generator.
pub fn stream(key: Key, trial: u64) -> impl Iterator<Item = u64> {
    let mut draws = Draws::new(key, trial);
    std::iter::repeat_with(move || draws.random())
}

/// [`below`] for masks in memory, on whatever machine this is.
pub(crate) fn below_mask(batch: &Mask, key: Key, threshold: Threshold, need: &Mask) -> Mask {
    lanes::widest(Below { batch, key, threshold, need })
}

struct Below<'a> {
    batch: &'a Mask,
    key: Key,
    threshold: Threshold,
    need: &'a Mask,
}

impl Work for Below<'_> {
    type Output = Mask;

    #[inline(always)]
    fn run<L: Lanes>(self, machine: L::Machine) -> Mask {
        let load = |mask| L::load(machine, mask);
        let mut answer = Mask::NONE;
        below(machine, load(self.batch), self.key, self.threshold, load(self.need)).store(&mut answer);
        answer
    }
}

/// What a trial adds to the key of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TrialKey(u64);

impl TrialKey {
    /// The key of a trial.
    pub(crate) fn new(trial: u64) -> Self {
        // Another constant than `batch_key`, so that a trial number never meets a batch number.
        Self(mix(trial.wrapping_mul(GOLDEN).wrapping_add(0x8CB9_2BA7_2F3D_8DD7)))
    }
}

/// The stream of numbers of one entity in one trial.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    /// The stream of an entity in a trial.
    pub(crate) fn new(key: Key, trial: u64) -> Self {
        Self::of(key, TrialKey::new(trial))
    }

    /// The same, for callers that draw for many entities in the same trials.
    #[inline(always)]
    pub(crate) fn of(key: Key, trial: TrialKey) -> Self {
        Self { state: mix(key.0 ^ trial.0) }
    }

    /// Uniform in 0..1, 53 digits, never 0 or 1: safe to put into an inverse distribution function.
    #[inline(always)]
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
#[path = "random_tests.rs"]
mod tests;
