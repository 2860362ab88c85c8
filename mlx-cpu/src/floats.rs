//! Slices of the three kinds of numbers.
//!
//! The functions of this crate take these and are generic only inside: what is generic would be compiled in the crate
//! that calls it, with that crate's optimization.

use crate::simd::Element;
use half::{bf16, f16};

/// Numbers to read.
#[derive(Clone, Copy, Debug)]
pub enum Floats<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Half precision.
    F16(&'a [f16]),
    /// The upper half of single precision.
    Bf16(&'a [bf16]),
}

/// Numbers to write.
#[derive(Debug)]
pub enum FloatsMut<'a> {
    /// Single precision.
    F32(&'a mut [f32]),
    /// Half precision.
    F16(&'a mut [f16]),
    /// The upper half of single precision.
    Bf16(&'a mut [bf16]),
}

/// Evaluates an expression with the slice of [`Floats`] or [`FloatsMut`], whichever it is.
macro_rules! with_floats {
    ($floats:expr, $slice:pat => $body:expr) => {
        match $floats {
            $crate::floats::Floats::F32($slice) => $body,
            $crate::floats::Floats::F16($slice) => $body,
            $crate::floats::Floats::Bf16($slice) => $body,
        }
    };
    (mut $floats:expr, $slice:pat => $body:expr) => {
        match $floats {
            $crate::floats::FloatsMut::F32($slice) => $body,
            $crate::floats::FloatsMut::F16($slice) => $body,
            $crate::floats::FloatsMut::Bf16($slice) => $body,
        }
    };
}
pub(crate) use with_floats;

impl<'a> Floats<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        with_floats!(self, x => x.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those from `start` on, `len` of them. Panics where there are fewer.
    pub fn part(&self, start: usize, len: usize) -> Floats<'a> {
        match self {
            Floats::F32(x) => Floats::F32(&x[start..][..len]),
            Floats::F16(x) => Floats::F16(&x[start..][..len]),
            Floats::Bf16(x) => Floats::Bf16(&x[start..][..len]),
        }
    }

    /// Number `i`. For the edges of kernels, not for their loops.
    pub fn get(&self, i: usize) -> f32 {
        with_floats!(self, x => x[i].widen())
    }
}

impl<'a> FloatsMut<'a> {
    /// Those before `at` and the others. Panics where there are fewer.
    pub(crate) fn split_at(self, at: usize) -> [FloatsMut<'a>; 2] {
        match self {
            FloatsMut::F32(x) => <[_; 2]>::from(x.split_at_mut(at)).map(FloatsMut::F32),
            FloatsMut::F16(x) => <[_; 2]>::from(x.split_at_mut(at)).map(FloatsMut::F16),
            FloatsMut::Bf16(x) => <[_; 2]>::from(x.split_at_mut(at)).map(FloatsMut::Bf16),
        }
    }

    /// The same numbers, lent.
    pub fn reborrow(&mut self) -> FloatsMut<'_> {
        match self {
            FloatsMut::F32(x) => FloatsMut::F32(x),
            FloatsMut::F16(x) => FloatsMut::F16(x),
            FloatsMut::Bf16(x) => FloatsMut::Bf16(x),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        with_floats!(mut self, x => x.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
