//! Lanes in the registers of x86-64 processors.
//!
//! Proof for every `unsafe` block: it only calls intrinsics that need the features named on the token of its type, and no value
//! of the type exists without a token; tokens come from `avx512_machine`, `avx2_machine` and `aes_machine`, which ask the processor.
//! References to [`Mask`] are valid for 64 bytes and aligned to 64.
#![allow(unsafe_code)]

use super::{Lanes, Mask, WIDTH, Work};
use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _MM_HINT_T0, _mm_aesenc_si128, _mm_and_si128, _mm_andnot_si128, _mm_load_si128, _mm_or_si128,
    _mm_prefetch, _mm_set1_epi64x, _mm_store_si128, _mm_xor_si128, _mm256_aesenc_epi128, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_load_si256, _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi64x,
    _mm256_store_si256, _mm256_testz_si256, _mm256_xor_si256, _mm512_aesenc_epi128, _mm512_and_si512, _mm512_andnot_si512,
    _mm512_load_si512, _mm512_or_si512, _mm512_popcnt_epi64, _mm512_reduce_add_epi64, _mm512_set1_epi64, _mm512_store_si512,
    _mm512_ternarylogic_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};

/// The processor has AVX-512 F, DQ, BW, VL and VPOPCNTDQ, and VAES.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512Machine(());

/// The processor has AVX2 and AES-NI, and with `WIDE_AES` VAES.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2Machine<const WIDE_AES: bool>(());

/// The processor has AES-NI.
#[derive(Debug, Clone, Copy)]
pub(super) struct AesMachine(());

/// Asks the processor; the answer is remembered by the standard library.
#[inline]
pub(super) fn avx512_machine() -> Option<Avx512Machine> {
    (is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi2"))
    .then_some(Avx512Machine(()))
}

/// Asks the processor; the answer is remembered by the standard library.
#[inline]
pub(super) fn avx2_machine<const WIDE_AES: bool>() -> Option<Avx2Machine<WIDE_AES>> {
    (is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("popcnt")
        && (!WIDE_AES || is_x86_feature_detected!("vaes")))
    .then_some(Avx2Machine(()))
}

/// Asks the processor; the answer is remembered by the standard library.
#[inline]
pub(super) fn aes_machine() -> Option<AesMachine> {
    (is_x86_feature_detected!("aes") && is_x86_feature_detected!("popcnt")).then_some(AesMachine(()))
}

/// Runs work with AVX-512.
pub(super) fn run_avx512<W: Work>(machine: Avx512Machine, work: W) -> W::Output {
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512vpopcntdq,vaes,popcnt,bmi2")]
    fn inner<W: Work>(machine: Avx512Machine, work: W) -> W::Output {
        work.run::<Avx512>(machine)
    }
    // SAFETY: the token proves the features.
    unsafe { inner(machine, work) }
}

/// Runs work with AVX2 and AES-NI.
pub(super) fn run_avx2<W: Work>(machine: Avx2Machine<false>, work: W) -> W::Output {
    #[target_feature(enable = "avx2,aes,popcnt")]
    fn inner<W: Work>(machine: Avx2Machine<false>, work: W) -> W::Output {
        work.run::<Avx2<false>>(machine)
    }
    // SAFETY: the token proves the features.
    unsafe { inner(machine, work) }
}

/// Runs work with AVX2 and VAES.
pub(super) fn run_avx2_vaes<W: Work>(machine: Avx2Machine<true>, work: W) -> W::Output {
    #[target_feature(enable = "avx2,aes,vaes,popcnt")]
    fn inner<W: Work>(machine: Avx2Machine<true>, work: W) -> W::Output {
        work.run::<Avx2<true>>(machine)
    }
    // SAFETY: the token proves the features.
    unsafe { inner(machine, work) }
}

/// Runs work with AES-NI.
pub(super) fn run_aes<W: Work>(machine: AesMachine, work: W) -> W::Output {
    #[target_feature(enable = "aes,popcnt")]
    fn inner<W: Work>(machine: AesMachine, work: W) -> W::Output {
        work.run::<Aes>(machine)
    }
    // SAFETY: the token proves the features.
    unsafe { inner(machine, work) }
}

#[inline(always)]
fn prefetch(mask: &Mask) {
    // SAFETY: part of the baseline of x86-64; it never faults, and the address is that of a valid reference anyway.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(mask).cast()) }
}

/// 512 bits in one register.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512i);

impl Lanes for Avx512 {
    type Machine = Avx512Machine;
    const FIRST_DIGITS: u32 = 10;

    #[inline(always)]
    fn load(_: Avx512Machine, mask: &Mask) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_load_si512(std::ptr::from_ref(mask).cast()) })
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask) {
        // SAFETY: see the head of the file.
        unsafe { _mm512_store_si512(std::ptr::from_mut(mask).cast(), self.0) }
    }

    #[inline(always)]
    fn splat(_: Avx512Machine, word: u64) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_set1_epi64(word.cast_signed()) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_or_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_andnot_si512(other.0, self.0) })
    }

    #[inline(always)]
    fn is_none(self) -> bool {
        // SAFETY: see the head of the file.
        unsafe { _mm512_test_epi64_mask(self.0, self.0) == 0 }
    }

    #[inline(always)]
    fn count(self) -> u64 {
        // SAFETY: see the head of the file.
        unsafe { _mm512_reduce_add_epi64(_mm512_popcnt_epi64(self.0)) }.cast_unsigned()
    }

    #[inline(always)]
    fn aes_round(self, key: Self) -> Self {
        // SAFETY: see the head of the file.
        Self(unsafe { _mm512_aesenc_epi128(self.0, key.0) })
    }

    #[inline(always)]
    fn prefetch(_: Avx512Machine, mask: &Mask) {
        prefetch(mask);
    }

    #[inline(always)]
    fn compare(random: Self, one: Self, below: &mut Self, undecided: &mut Self) {
        // Truth tables over (undecided, random, one), the first operand the highest digit of the row: undecided & !random & one
        // is row 5; undecided & (random == one) is rows 4 and 7.
        // SAFETY: see the head of the file.
        unsafe {
            let decided = _mm512_ternarylogic_epi64::<0b0010_0000>(undecided.0, random.0, one.0);
            below.0 = _mm512_or_si512(below.0, decided);
            undecided.0 = _mm512_ternarylogic_epi64::<0b1001_0000>(undecided.0, random.0, one.0);
        }
    }
}

/// 512 bits in two registers. Without `WIDE_AES` each half of a register goes through AES by itself.
#[derive(Clone, Copy)]
pub(super) struct Avx2<const WIDE_AES: bool>([__m256i; 2]);

impl<const WIDE_AES: bool> Avx2<WIDE_AES> {
    #[inline(always)]
    fn zip(self, other: Self, op: impl Fn(__m256i, __m256i) -> __m256i) -> Self {
        Self(std::array::from_fn(|part| op(self.0[part], other.0[part])))
    }
}

impl<const WIDE_AES: bool> Lanes for Avx2<WIDE_AES> {
    type Machine = Avx2Machine<WIDE_AES>;
    const FIRST_DIGITS: u32 = 8;

    #[inline(always)]
    fn load(_: Self::Machine, mask: &Mask) -> Self {
        let words = std::ptr::from_ref(mask).cast::<__m256i>();
        // SAFETY: see the head of the file; parts 0 and 1 of 32 bytes lie inside of the 64.
        Self(std::array::from_fn(|part| unsafe { _mm256_load_si256(words.add(part)) }))
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask) {
        let words = std::ptr::from_mut(mask).cast::<__m256i>();
        for (part, value) in self.0.into_iter().enumerate() {
            // SAFETY: see the head of the file; parts 0 and 1 of 32 bytes lie inside of the 64.
            unsafe { _mm256_store_si256(words.add(part), value) }
        }
    }

    #[inline(always)]
    fn splat(_: Self::Machine, word: u64) -> Self {
        // SAFETY: see the head of the file.
        Self([unsafe { _mm256_set1_epi64x(word.cast_signed()) }; 2])
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { _mm256_and_si256(a, b) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { _mm256_or_si256(a, b) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { _mm256_xor_si256(a, b) })
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        // SAFETY: see the head of the file.
        self.zip(other, |a, b| unsafe { _mm256_andnot_si256(b, a) })
    }

    #[inline(always)]
    fn is_none(self) -> bool {
        // SAFETY: see the head of the file.
        unsafe {
            let any = _mm256_or_si256(self.0[0], self.0[1]);
            _mm256_testz_si256(any, any) == 1
        }
    }

    #[inline(always)]
    fn count(self) -> u64 {
        let mut mask = Mask::NONE;
        self.store(&mut mask);
        mask.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    #[inline(always)]
    fn aes_round(self, key: Self) -> Self {
        // SAFETY: see the head of the file; VAES only where the token proves it.
        self.zip(key, |state, key| unsafe {
            if WIDE_AES {
                return _mm256_aesenc_epi128(state, key);
            }
            let low = _mm_aesenc_si128(_mm256_castsi256_si128(state), _mm256_castsi256_si128(key));
            let high = _mm_aesenc_si128(_mm256_extracti128_si256::<1>(state), _mm256_extracti128_si256::<1>(key));
            _mm256_set_m128i(high, low)
        })
    }

    #[inline(always)]
    fn prefetch(_: Self::Machine, mask: &Mask) {
        prefetch(mask);
    }
}

/// 512 bits in four registers.
#[derive(Clone, Copy)]
pub(super) struct Aes([__m128i; 4]);

impl Aes {
    #[inline(always)]
    fn zip(self, other: Self, op: impl Fn(__m128i, __m128i) -> __m128i) -> Self {
        Self(std::array::from_fn(|part| op(self.0[part], other.0[part])))
    }

    #[inline(always)]
    fn words(self) -> [u64; WIDTH] {
        let mut mask = Mask::NONE;
        self.store(&mut mask);
        mask.0
    }
}

impl Lanes for Aes {
    type Machine = AesMachine;
    const FIRST_DIGITS: u32 = 8;

    #[inline(always)]
    fn load(_: AesMachine, mask: &Mask) -> Self {
        let words = std::ptr::from_ref(mask).cast::<__m128i>();
        // SAFETY: see the head of the file; parts 0 to 3 of 16 bytes lie inside of the 64.
        Self(std::array::from_fn(|part| unsafe { _mm_load_si128(words.add(part)) }))
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask) {
        let words = std::ptr::from_mut(mask).cast::<__m128i>();
        for (part, value) in self.0.into_iter().enumerate() {
            // SAFETY: see the head of the file; parts 0 to 3 of 16 bytes lie inside of the 64.
            unsafe { _mm_store_si128(words.add(part), value) }
        }
    }

    #[inline(always)]
    fn splat(_: AesMachine, word: u64) -> Self {
        // SAFETY: part of the baseline of x86-64.
        Self([unsafe { _mm_set1_epi64x(word.cast_signed()) }; 4])
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: part of the baseline of x86-64.
        self.zip(other, |a, b| unsafe { _mm_and_si128(a, b) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: part of the baseline of x86-64.
        self.zip(other, |a, b| unsafe { _mm_or_si128(a, b) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: part of the baseline of x86-64.
        self.zip(other, |a, b| unsafe { _mm_xor_si128(a, b) })
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        // SAFETY: part of the baseline of x86-64.
        self.zip(other, |a, b| unsafe { _mm_andnot_si128(b, a) })
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
        self.zip(key, |state, key| unsafe { _mm_aesenc_si128(state, key) })
    }

    #[inline(always)]
    fn prefetch(_: AesMachine, mask: &Mask) {
        prefetch(mask);
    }
}
