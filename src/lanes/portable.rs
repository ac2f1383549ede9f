//! Lanes as plain integers: for machines without AES instructions and for the interpreter that looks for undefined behaviour.
//!
//! A round of AES is four table look-ups a column (Daemen, Rijmen 2002, section 4.2). Nothing here is secret, so the
//! look-ups need not take the same time for all data.

use super::{Lanes, Mask, WIDTH};

/// 512 bits as eight words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable([u64; WIDTH]);

/// Multiplies by x in GF(2^8) with the polynomial of AES.
const fn times_x(value: u8) -> u8 {
    (value << 1) ^ if value & 0x80 != 0 { 0x1B } else { 0 }
}

/// For each byte: its column of the mixed matrix (2, 1, 1, 3) times its substitute, the first row in the lowest byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    // 3 generates the multiplicative group; `inverse` runs through the powers of 1/3 in step.
    let (mut power, mut inverse) = (1_u8, 1_u8);
    loop {
        power ^= times_x(power);
        // Division by 3.
        inverse ^= inverse << 1;
        inverse ^= inverse << 2;
        inverse ^= inverse << 4;
        if inverse & 0x80 != 0 {
            inverse ^= 0x09;
        }
        table[power as usize] = column(substitute(inverse));
        if power == 1 {
            break;
        }
    }
    // 0 has no inverse and counts as its own.
    table[0] = column(substitute(0));
    table
};

const fn substitute(inverse: u8) -> u8 {
    inverse ^ inverse.rotate_left(1) ^ inverse.rotate_left(2) ^ inverse.rotate_left(3) ^ inverse.rotate_left(4) ^ 0x63
}

const fn column(substitute: u8) -> u32 {
    let double = times_x(substitute);
    u32::from_le_bytes([double, substitute, substitute, double ^ substitute])
}

fn block_round(state: [u64; 2]) -> [u64; 2] {
    let byte = |column: usize, row: usize| {
        let column = column & 3;
        TABLE[(state[column >> 1] >> ((column & 1) * 32 + row * 8)) as usize & 0xFF]
    };
    let mixed = |at: usize| {
        u64::from(
            byte(at, 0) ^ byte(at + 1, 1).rotate_left(8) ^ byte(at + 2, 2).rotate_left(16) ^ byte(at + 3, 3).rotate_left(24),
        )
    };
    [mixed(0) | mixed(1) << 32, mixed(2) | mixed(3) << 32]
}

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, op: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|word| op(self.0[word], other.0[word])))
    }
}

impl Lanes for Portable {
    type Machine = ();
    // A digit is dear here, a wrong guess is not.
    const FIRST_DIGITS: u32 = 1;

    #[inline(always)]
    fn load((): (), mask: &Mask) -> Self {
        Self(mask.0)
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask) {
        mask.0 = self.0;
    }

    #[inline(always)]
    fn splat((): (), word: u64) -> Self {
        Self([word; WIDTH])
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    #[inline(always)]
    fn is_none(self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) == 0
    }

    #[inline(always)]
    fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    fn aes_round(self, key: Self) -> Self {
        let mut next = [0; WIDTH];
        for (to, from) in next.chunks_exact_mut(2).zip(self.0.chunks_exact(2)) {
            to.copy_from_slice(&block_round([from[0], from[1]]));
        }
        Self(next).xor(key)
    }

    #[inline(always)]
    fn prefetch((): (), _: &Mask) {}
}
