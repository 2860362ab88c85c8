//! What a group of numbers has in common, and how it is stored.

use super::numbers::{E2m1, center, e4m3, e8m0};
use crate::{
    Floats,
    floats::with_floats,
    simd::{Element, Simd},
};
use std::mem::discriminant;

/// How the numbers of a matrix are encoded, with what each group of them has in common: row after row, and in a row group
/// after group.
#[derive(Clone, Copy, Debug)]
pub enum Encoding<'a> {
    /// Integers `q` of 1, 2, 3, 4, 5, 6 or 8 bits that stand for `scale * q + bias`.
    Affine {
        /// Bits of a number.
        bits: usize,
        /// Numbers that share a scale and a bias: a multiple of 32.
        group_size: usize,
        /// A scale per group.
        scales: Floats<'a>,
        /// A bias per group.
        biases: Floats<'a>,
    },
    /// Floats of 4 bits (E2M1), and a power of two (E8M0) per 32: "OCP Microscaling Formats Specification" (2023).
    Mxfp4 {
        /// A scale per group.
        scales: &'a [u8],
    },
    /// Floats of 4 bits (E2M1), and a float of 8 bits (E4M3) per 16.
    Nvfp4 {
        /// A scale per group.
        scales: &'a [u8],
    },
    /// Floats of 8 bits (E4M3), and a power of two (E8M0) per 32: "OCP Microscaling Formats Specification" (2023).
    Mxfp8 {
        /// A scale per group.
        scales: &'a [u8],
    },
}

impl<'a> Encoding<'a> {
    /// Bits of a number.
    pub fn bits(&self) -> usize {
        match *self {
            Encoding::Affine { bits, .. } => bits,
            Encoding::Mxfp4 { .. } | Encoding::Nvfp4 { .. } => 4,
            Encoding::Mxfp8 { .. } => 8,
        }
    }

    /// The bits of integers of which a byte holds a whole number, if scales and biases are of one kind.
    pub(super) fn whole_bits(&self) -> Option<usize> {
        match *self {
            Encoding::Affine { bits: bits @ (2 | 4 | 8), group_size, scales, biases } => {
                let fits = group_size.is_multiple_of(32) && discriminant(&scales) == discriminant(&biases);
                fits.then_some(bits)
            }
            _ => None,
        }
    }

    /// Numbers in a group.
    pub fn group_size(&self) -> usize {
        match *self {
            Encoding::Affine { group_size, .. } => group_size,
            Encoding::Nvfp4 { .. } => 16,
            Encoding::Mxfp4 { .. } | Encoding::Mxfp8 { .. } => 32,
        }
    }

    /// Whether rows of both meet the numbers of a vector in the same order.
    pub(super) fn is_like(&self, other: &Encoding<'_>) -> bool {
        discriminant(self) == discriminant(other)
            && (self.bits(), self.group_size()) == (other.bits(), other.group_size())
            && self.whole_bits() == other.whole_bits()
    }

    /// How many groups there are. Panics where scales and biases differ.
    pub(super) fn groups(&self) -> usize {
        match self {
            Encoding::Affine { scales, biases, .. } => {
                assert_eq!(scales.len(), biases.len(), "scales and biases");
                scales.len()
            }
            Encoding::Mxfp4 { scales } | Encoding::Nvfp4 { scales } | Encoding::Mxfp8 { scales } => {
                scales.len()
            }
        }
    }

    /// Writes the factors and the terms that the decoded numbers of groups have, from group `start` on: as many as
    /// `scales` and `biases` take.
    #[inline(always)]
    pub(super) fn load_groups<S: Simd>(&self, s: S, start: usize, scales: &mut [f32], biases: &mut [f32]) {
        let count = scales.len();
        match *self {
            Encoding::Affine { bits, scales: from, biases: biases_from, .. } => {
                with_floats!(from.part(start, count), from => widen(s, from, scales));
                with_floats!(biases_from.part(start, count), from => widen(s, from, biases));
                if center(bits) > 0.0 {
                    for (scale, bias) in scales.iter().zip(biases) {
                        *bias += scale * center(bits);
                    }
                }
            }
            Encoding::Mxfp4 { scales: from } => {
                load_bytes::<S, false>(s, &from[start..][..count], scales);
                of_integers(scales);
            }
            Encoding::Nvfp4 { scales: from } => {
                load_bytes::<S, true>(s, &from[start..][..count], scales);
                of_integers(scales);
            }
            Encoding::Mxfp8 { scales: from } => load_bytes::<S, false>(s, &from[start..][..count], scales),
        }
    }
}

/// Copies numbers, as many of the one as of the other.
#[inline(always)]
fn widen<S: Simd, E: Element>(s: S, from: &[E], to: &mut [f32]) {
    let mut from = from.chunks_exact(S::LANES);
    let mut to = to.chunks_exact_mut(S::LANES);
    for (from, to) in from.by_ref().zip(to.by_ref()) {
        s.store(E::load(s, from), to);
    }
    f32::store_part(s, E::load_part(s, from.remainder()), to.into_remainder());
}

/// Decodes numbers of 8 bits: E4M3 or E8M0.
#[inline(always)]
fn load_bytes<S: Simd, const E4M3: bool>(s: S, from: &[u8], to: &mut [f32]) {
    for (from, to) in from.chunks(S::LANES).zip(to.chunks_mut(S::LANES)) {
        if from.len() == S::LANES {
            s.store(byte::<S, E4M3>(s, from), to);
        } else {
            let mut bytes = [0; 16];
            bytes[..from.len()].copy_from_slice(from);
            f32::store_part(s, byte::<S, E4M3>(s, &bytes), to);
        }
    }
}

#[inline(always)]
fn byte<S: Simd, const E4M3: bool>(s: S, from: &[u8]) -> S::F {
    let bytes = s.load_bytes(from);
    if E4M3 { e4m3(s, bytes) } else { e8m0(s, bytes) }
}

/// Turns scales of E2M1 into scales of the integers that it decodes to.
#[inline(always)]
fn of_integers(scales: &mut [f32]) {
    for scale in scales {
        *scale *= E2m1::SCALE;
    }
}
