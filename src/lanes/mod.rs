//! 512 trials at a time, in the widest registers that the machine has.
//!
//! The kernels are written once, over `Lanes`; `widest` runs them with AVX-512 and VAES, with AVX2 and VAES or AES-NI, with AES-NI
//! alone, with the AES instructions of 64-bit ARM, or with plain integers. What must hold: all of them compute the same bits, so a result does not say
//! on which machine it was made.
//!
//! This is the only room with unsafe code, and `x86` and `arm` are its only files that have any. Their proof obligation is one
//! sentence: *an instruction runs only on a machine that has it.* A value of a vector type can be made only with a
//! `Lanes::Machine`, a token that only `run` makes, and only after the processor said that it has the instructions; from then
//! on having a value, or a token, is the proof. Loads and stores go through references, so they are in bounds and aligned.

#[cfg(target_arch = "aarch64")]
mod arm;
mod memory;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use memory::Masks;

use bytemuck::{Pod, Zeroable};
use std::ops::{Deref, DerefMut};

/// Words of a mask.
pub(crate) const WIDTH: usize = 8;
/// Trials of a mask.
pub(crate) const BATCH: u64 = 64 * WIDTH as u64;

/// One bit per trial of a batch: a cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Mask(pub(crate) [u64; WIDTH]);

impl Mask {
    /// No trial.
    pub(crate) const NONE: Self = Self([0; WIDTH]);

    /// The first `lanes` trials.
    pub(crate) fn first(lanes: u64) -> Self {
        Self(std::array::from_fn(|word| {
            let rest = lanes.saturating_sub(word as u64 * 64).min(64);
            if rest == 64 { u64::MAX } else { (1 << rest) - 1 }
        }))
    }

    /// Trials of a range of numbers below [`BATCH`].
    pub(crate) fn between(lanes: std::ops::Range<usize>) -> Self {
        Self::first(lanes.end as u64).without(Self::first(lanes.start as u64))
    }

    /// Is a trial in it?
    #[inline(always)]
    pub(crate) fn contains(&self, lane: u64) -> bool {
        self.0[(lane / 64) as usize] >> (lane % 64) & 1 == 1
    }

    /// Calls with the number of every trial in it, rising.
    #[inline(always)]
    pub(crate) fn for_each(&self, mut each: impl FnMut(usize)) {
        for (word, bits) in self.0.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                each(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }

    /// Trials in both.
    #[inline(always)]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self[word] & other[word]))
    }

    /// Trials in either.
    #[inline(always)]
    pub(crate) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self[word] | other[word]))
    }

    /// Trials in this, not in the other.
    #[inline(always)]
    pub(crate) fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self[word] & !other[word]))
    }

    /// Number of trials in it.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Is no trial in it?
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) == 0
    }
}

impl Deref for Mask {
    type Target = [u64; WIDTH];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Mask {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// 512 bits, as four AES blocks of 128.
pub(crate) trait Lanes: Copy {
    /// Proof that the machine has the instructions.
    type Machine: Copy;
    /// Digits to look at before asking whether all lanes are decided: an exit that is guessed wrong costs several digits.
    const FIRST_DIGITS: u32;

    /// The lanes of a mask.
    fn load(machine: Self::Machine, mask: &Mask) -> Self;
    /// The mask of the lanes.
    fn store(self, mask: &mut Mask);
    /// The same word eight times.
    fn splat(machine: Self::Machine, word: u64) -> Self;
    /// In both.
    fn and(self, other: Self) -> Self;
    /// In either.
    fn or(self, other: Self) -> Self;
    /// In one of the two.
    fn xor(self, other: Self) -> Self;
    /// In this, not in the other.
    fn without(self, other: Self) -> Self;
    /// Is no lane set?
    fn is_none(self) -> bool;
    /// Number of lanes that are set.
    fn count(self) -> u64;
    /// One round of AES on each block: shift rows, substitute bytes, mix columns, add the key (FIPS 197).
    fn aes_round(self, key: Self) -> Self;
    /// Asks for a mask that will be needed soon.
    fn prefetch(machine: Self::Machine, mask: &Mask);

    /// Compares one binary digit of random numbers with that of a threshold, given as all ones or all zeros: lanes whose number
    /// is now known to be below join `below`, and lanes that are decided leave `undecided`.
    #[inline(always)]
    fn compare(random: Self, one: Self, below: &mut Self, undecided: &mut Self) {
        *below = below.or(undecided.and(one).without(random));
        *undecided = undecided.without(random.xor(one));
    }
}

/// Something to compute with lanes. Implementations mark `run` and all that it calls `#[inline(always)]`, so that it is compiled
/// for the machine at hand.
pub(crate) trait Work {
    /// What comes out.
    type Output;
    /// Computes it.
    fn run<L: Lanes>(self, machine: L::Machine) -> Self::Output;
}

/// The kinds of machine that there is code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// Plain integers; everywhere.
    Portable,
    /// AES-NI, 128 bits at a time.
    #[cfg(target_arch = "x86_64")]
    Aes,
    /// AVX2, 256 bits at a time, with AES-NI.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX2 with VAES.
    #[cfg(target_arch = "x86_64")]
    Avx2Vaes,
    /// AVX-512 with VAES.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 64-bit ARM with AES.
    #[cfg(target_arch = "aarch64")]
    Arm,
}

impl Machine {
    /// The kinds that this machine can run, the fastest last.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(miri, allow(unused_mut))]
        let mut all = vec![Self::Portable];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            if x86::aes_machine().is_some() {
                all.push(Self::Aes);
            }
            if x86::avx2_machine::<false>().is_some() {
                all.push(Self::Avx2);
            }
            if x86::avx2_machine::<true>().is_some() {
                all.push(Self::Avx2Vaes);
            }
            if x86::avx512_machine().is_some() {
                all.push(Self::Avx512);
            }
        }
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        if arm::machine().is_some() {
            all.push(Self::Arm);
        }
        all
    }

    /// The fastest kind that this machine can run.
    #[inline]
    pub fn widest() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            if x86::avx512_machine().is_some() {
                return Self::Avx512;
            }
            if x86::avx2_machine::<true>().is_some() {
                return Self::Avx2Vaes;
            }
            if x86::avx2_machine::<false>().is_some() {
                return Self::Avx2;
            }
            if x86::aes_machine().is_some() {
                return Self::Aes;
            }
        }
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        if arm::machine().is_some() {
            return Self::Arm;
        }
        Self::Portable
    }
}

/// Runs work on the fastest kind of machine there is.
pub(crate) fn widest<W: Work>(work: W) -> W::Output {
    run(Machine::widest(), work)
}

/// Runs work on a kind of machine; on the portable one where the processor lacks it.
pub(crate) fn run<W: Work>(machine: Machine, work: W) -> W::Output {
    match machine {
        #[cfg(target_arch = "x86_64")]
        Machine::Avx512 => match x86::avx512_machine() {
            Some(machine) => x86::run_avx512(machine, work),
            None => work.run::<portable::Portable>(()),
        },
        #[cfg(target_arch = "x86_64")]
        Machine::Avx2Vaes => match x86::avx2_machine::<true>() {
            Some(machine) => x86::run_avx2_vaes(machine, work),
            None => work.run::<portable::Portable>(()),
        },
        #[cfg(target_arch = "x86_64")]
        Machine::Avx2 => match x86::avx2_machine::<false>() {
            Some(machine) => x86::run_avx2(machine, work),
            None => work.run::<portable::Portable>(()),
        },
        #[cfg(target_arch = "x86_64")]
        Machine::Aes => match x86::aes_machine() {
            Some(machine) => x86::run_aes(machine, work),
            None => work.run::<portable::Portable>(()),
        },
        #[cfg(target_arch = "aarch64")]
        Machine::Arm => match arm::machine() {
            Some(machine) => arm::run(machine, work),
            None => work.run::<portable::Portable>(()),
        },
        Machine::Portable => work.run::<portable::Portable>(()),
    }
}
