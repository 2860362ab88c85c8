//! Numbers of few bits, decoded in vectors.

use crate::simd::Simd;

/// A kind of number, in words that hold a row's numbers as a stream of bits, the lowest first.
///
/// Kernels decode all elements of a vector of words at once: one number of each word, the numbers of one slot, then those
/// of the next. No number has to move to another element for that; instead the vectors that a matrix is multiplied with
/// are [arranged](super::layout) in this order, once for all rows.
///
/// The slots are in two parts, for which words are prepared apart; the second may be empty.
pub(super) trait Numbers: 'static {
    /// Bits of a number.
    const BITS: usize;
    /// The slots of the two parts.
    const SLOTS: [usize; 2];
    /// All slots.
    const ALL_SLOTS: usize = Self::SLOTS[0] + Self::SLOTS[1];
    /// Whether some numbers begin in one word and end in the next. Then the words of the first part begin with the first
    /// number that begins in each, and the only one of the second part begins with the last, or there is none.
    const STRADDLE: bool = 32 % Self::BITS != 0;
    /// Whether numbers stand for their products with the scale of their group plus a bias.
    const BIASED: bool;
    /// What words are prepared with.
    const TABLE: [u8; 16] = [0; 16];

    /// Prepares words for a part.
    #[inline(always)]
    fn prepare<S: Simd, const PART: usize>(s: S, table: S::Table, words: S::I) -> S::I {
        let _ = (s, table);
        words
    }

    /// The numbers of a slot of a part, divided by the slot's [`unit`](Numbers::unit).
    fn decode<S: Simd>(s: S, words: S::I, slot: usize) -> S::F;

    /// A power of two.
    #[inline(always)]
    fn unit(slot: usize) -> f32 {
        let _ = slot;
        1.0
    }

    /// Which of the numbers that begin in a word is the one of a slot.
    #[inline(always)]
    fn place(part: usize, slot: usize) -> usize {
        part * Self::SLOTS[0] + slot
    }
}

/// Integers from 0 on.
pub(super) struct Integer<const BITS: usize>;

impl<const BITS: usize> Integer<BITS> {
    const MASK: u32 = u32::MAX >> (32 - BITS);

    /// Whether the numbers stay where they are in their words, as multiples of a power of two, which saves shifting them.
    /// In the highest bits they would be negative.
    const fn in_place(slot: usize) -> bool {
        (slot + 1) * BITS < 32
    }
}

impl<const BITS: usize> Numbers for Integer<BITS> {
    const BITS: usize = BITS;
    const SLOTS: [usize; 2] = [32 / BITS, Self::STRADDLE as usize];
    const BIASED: bool = true;

    #[inline(always)]
    fn decode<S: Simd>(s: S, words: S::I, slot: usize) -> S::F {
        let numbers = s.to_float(if Self::in_place(slot) {
            s.and(words, s.splat_int(Self::MASK << (slot * BITS)))
        } else {
            s.shr(words, (slot * BITS) as u32)
        });
        match center(BITS) {
            0.0 => numbers,
            center => s.sub(numbers, s.splat(center / Self::unit(slot))),
        }
    }

    #[inline(always)]
    fn unit(slot: usize) -> f32 {
        if Self::in_place(slot) { f32::from_bits((127 - (slot * BITS) as u32) << 23) } else { 1.0 }
    }
}

/// What is taken from integers, so that products cancel less against those of the bias. With 4 and 8 bits, which should be
/// fast above all, and fewer than 3, nothing.
pub(super) const fn center(bits: usize) -> f32 {
    match bits {
        3 | 5 | 6 => (1 << (bits - 1)) as f32,
        _ => 0.0,
    }
}

/// Floats of 4 bits: a sign, two bits of exponent and one of fraction.
///
/// They are prepared as integers of 8 bits, twice the float plus [`BIAS`](E2m1::BIAS): of each word first those of the
/// even numbers, then those of the odd ones. Decoded, they are twice the float, and scales are half of what they were.
pub(super) struct E2m1;

impl E2m1 {
    /// What makes twice the least of them 0.
    const BIAS: u8 = 12;
    /// How scales of floats become scales of integers.
    pub(super) const SCALE: f32 = 0.5;
}

impl Numbers for E2m1 {
    const BITS: usize = 4;
    const SLOTS: [usize; 2] = [4, 4];
    const BIASED: bool = false;
    const TABLE: [u8; 16] = {
        let mut table = [0, 1, 2, 3, 4, 6, 8, 12, 0, 1, 2, 3, 4, 6, 8, 12];
        let mut i = 0;
        while i < 16 {
            table[i] = if i < 8 { Self::BIAS + table[i] } else { Self::BIAS - table[i] };
            i += 1;
        }
        table
    };

    #[inline(always)]
    fn prepare<S: Simd, const PART: usize>(s: S, table: S::Table, words: S::I) -> S::I {
        let places = if PART == 0 { words } else { s.shr(words, 4) };
        s.lookup(table, s.and(places, s.splat_int(0x0f0f_0f0f)))
    }

    #[inline(always)]
    fn decode<S: Simd>(s: S, words: S::I, slot: usize) -> S::F {
        // As a bias of the group it would come into the sum twice, with more digits than are left when it has cancelled.
        let bias = f32::from(Self::BIAS) / Self::unit(slot);
        s.sub(Integer::<8>::decode(s, words, slot), s.splat(bias))
    }

    #[inline(always)]
    fn unit(slot: usize) -> f32 {
        Integer::<8>::unit(slot)
    }

    #[inline(always)]
    fn place(part: usize, slot: usize) -> usize {
        2 * slot + part
    }
}

/// Floats of 8 bits: a sign, four bits of exponent and three of fraction.
pub(super) struct E4m3;

impl Numbers for E4m3 {
    const BITS: usize = 8;
    const SLOTS: [usize; 2] = [4, 0];
    const BIASED: bool = false;

    #[inline(always)]
    fn decode<S: Simd>(s: S, words: S::I, slot: usize) -> S::F {
        e4m3(s, s.shr(words, (slot * Self::BITS) as u32))
    }
}

/// The floats that the lowest 8 bits are: a sign, four bits of exponent and three of fraction.
///
/// There is no infinity, and only one NaN of each sign.
#[inline(always)]
pub(super) fn e4m3<S: Simd>(s: S, bits: S::I) -> S::F {
    const LEAST_NORMAL: f32 = 1.0 / 64.0;
    const LARGEST: f32 = 448.0;
    // Where `f32` has them, exponent and fraction need another bias: 127 instead of 7.
    let size = s.shl(s.and(bits, s.splat_int(0x7f)), 20);
    let size = s.float_of_bits(s.add_int(size, s.splat_int(120 << 23)));
    // With exponent 0 that is half of what the least normal number and the right one are together; otherwise, it is less.
    let size = s.min(size, s.fma(s.splat(2.0), size, s.splat(-LEAST_NORMAL)));
    let size = s.select_less(s.splat(LARGEST), size, s.splat(f32::NAN), size);
    let sign = s.shl(s.and(bits, s.splat_int(0x80)), 24);
    s.float_of_bits(s.or(s.bits_of_float(size), sign))
}

/// The powers of two whose exponents these bytes are, biased by 127; infinity for 255, as in MLX.
#[inline(always)]
pub(super) fn e8m0<S: Simd>(s: S, bytes: S::I) -> S::F {
    // Only 2^-127 is no normal number.
    s.max(s.float_of_bits(s.shl(bytes, 23)), s.splat(f32::from_bits(1 << 22)))
}

/// Evaluates an expression with the [`Numbers`] of an [`Encoding`](super::Encoding).
macro_rules! with_numbers {
    ($encoding:expr, $numbers:ident => $body:expr) => {{
        use $crate::quantized::{
            Encoding,
            numbers::{E2m1, E4m3, Integer},
        };
        macro_rules! with {
            ($type:ty) => {{
                type $numbers = $type;
                $body
            }};
        }
        match $encoding {
            Encoding::Affine { bits: 1, .. } => with!(Integer<1>),
            Encoding::Affine { bits: 2, .. } => with!(Integer<2>),
            Encoding::Affine { bits: 3, .. } => with!(Integer<3>),
            Encoding::Affine { bits: 4, .. } => with!(Integer<4>),
            Encoding::Affine { bits: 5, .. } => with!(Integer<5>),
            Encoding::Affine { bits: 6, .. } => with!(Integer<6>),
            Encoding::Affine { bits: 8, .. } => with!(Integer<8>),
            Encoding::Affine { bits, .. } => panic!("no integers of {bits} bits"),
            Encoding::Mxfp4 { .. } | Encoding::Nvfp4 { .. } => with!(E2m1),
            Encoding::Mxfp8 { .. } => with!(E4m3),
        }
    }};
}
pub(super) use with_numbers;
