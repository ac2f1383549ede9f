//! Lanes in the registers of 64-bit ARM processors.
//!
//! Proof for every `unsafe` block: it only calls intrinsics that need NEON and AES, and no value of [`Arm`] exists without a token
//! from [`machine`], which asks the processor. References to [`Mask`] are valid for 64 bytes and aligned to 64.
#![allow(unsafe_code)]

use super::{Lanes, Mask, WIDTH, Work};
use std::arch::aarch64::{
    uint8x16_t, vaeseq_u8, vaesmcq_u8, vandq_u8, vbicq_u8, vdupq_n_u8, vdupq_n_u64, veorq_u8, vld1q_u8, vorrq_u8,
    vreinterpretq_u8_u64, vst1q_u8,
};
use std::arch::is_aarch64_feature_detected;

/// The processor has NEON and the AES instructions.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArmMachine(());

/// Asks the processor; the answer is remembered by the standard library.
#[inline]
pub(super) fn machine() -> Option<ArmMachine> {
    (is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("aes")).then_some(ArmMachine(()))
}

/// Runs work with NEON and AES.
pub(super) fn run<W: Work>(machine: ArmMachine, work: W) -> W::Output {
    #[target_feature(enable = "neon,aes")]
    fn inner<W: Work>(machine: ArmMachine, work: W) -> W::Output {
        work.run::<Arm>(machine)
    }
    // SAFETY: the token proves the features.
    unsafe { inner(machine, work) }
}

/// A round of AES on one block. The instruction adds its key first and mixes no columns; x86 adds it last. A zero key and an
/// addition make them alike. A function of its own, because an intrinsic is inlined only where its features are stated.
#[target_feature(enable = "neon,aes")]
#[inline]
fn round(state: uint8x16_t, key: uint8x16_t) -> uint8x16_t {
    veorq_u8(vaesmcq_u8(vaeseq_u8(state, vdupq_n_u8(0))), key)
}

/// 512 bits in four registers.
#[derive(Clone, Copy)]
pub(super) struct Arm([uint8x16_t; 4]);

impl Arm {
    #[inline(always)]
    fn zip(self, other: Self, op: impl Fn(uint8x16_t, uint8x16_t) -> uint8x16_t) -> Self {
        Self(std::array::from_fn(|part| op(self.0[part], other.0[part])))
    }

    #[inline(always)]
    fn words(self) -> [u64; WIDTH] {
        let mut mask = Mask::NONE;
        self.store(&mut mask);
        mask.0
    }
}

impl Lanes for Arm {
    type Machine = ArmMachine;
    const FIRST_DIGITS: u32 = 8;

    #[inline(always)]
    fn load(_: ArmMachine, mask: &Mask) -> Self {
        let bytes = std::ptr::from_ref(mask).cast::<u8>();
        // SAFETY: see the head of the file; parts 0 to 3 of 16 bytes lie inside of the 64.
        Self(std::array::from_fn(|part| unsafe { vld1q_u8(bytes.add(16 * part)) }))
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask) {
        let bytes = std::ptr::from_mut(mask).cast::<u8>();
        for (part, value) in self.0.into_iter().enumerate() {
            // SAFETY: see the head of the file; parts 0 to 3 of 16 bytes lie inside of the 64.
            unsafe { vst1q_u8(bytes.add(16 * part), value) }
        }
    }

    #[inline(always)]
    fn splat(_: ArmMachine, word: u64) -> Self {
        // SAFETY: see the head of the file.
        Self([unsafe { vreinterpretq_u8_u64(vdupq_n_u64(word)) }; 4])
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { vandq_u8(a, b) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { vorrq_u8(a, b) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { veorq_u8(a, b) })
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { vbicq_u8(a, b) })
    }

    #[inline(always)]
    fn is_none(self) -> bool {
        self.words().into_iter().fold(0, |all, word| all | word) == 0
    }

    #[inline(always)]
    fn count(self) -> u64 {
        self.words().into_iter().map(|word| u64::from(word.count_ones())).sum()
    }

    #[inline(always)]
    fn aes_round(self, key: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(key, |state, key| unsafe { round(state, key) })
    }

    #[inline(always)]
    fn prefetch(_: ArmMachine, _: &Mask) {}
}
