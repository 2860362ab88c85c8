//! Random numbers of all three kinds.
#![allow(dead_code, reason = "not every test uses all of it")]

use mlx_cpu::{Floats, FloatsMut, bf16, f16};

/// A small generator (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// One of `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// One of the items.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Between -1 and 1.
    pub(crate) fn float(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 52) as f32 - 1.0
    }

    /// Numbers of a kind, between `-size` and `size`.
    pub(crate) fn numbers(&mut self, kind: Kind, count: usize, size: f32) -> Numbers {
        Numbers::new(kind, (0..count).map(|_| self.float() * size))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    F32,
    F16,
    Bf16,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::F32, Kind::F16, Kind::Bf16];

    /// The largest relative error of rounding to this kind.
    pub(crate) fn rounding(self) -> f64 {
        match self {
            Kind::F32 => 0.5f64.powi(24),
            Kind::F16 => 0.5f64.powi(11),
            Kind::Bf16 => 0.5f64.powi(8),
        }
    }

    /// The nearest number of this kind.
    pub(crate) fn round(self, x: f32) -> f32 {
        match self {
            Kind::F32 => x,
            Kind::F16 => f16::from_f32(x).to_f32(),
            Kind::Bf16 => bf16::from_f32(x).to_f32(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl Numbers {
    pub(crate) fn new(kind: Kind, values: impl Iterator<Item = f32>) -> Numbers {
        match kind {
            Kind::F32 => Numbers::F32(values.collect()),
            Kind::F16 => Numbers::F16(values.map(f16::from_f32).collect()),
            Kind::Bf16 => Numbers::Bf16(values.map(bf16::from_f32).collect()),
        }
    }

    /// Room for results: all 77.
    pub(crate) fn room(kind: Kind, count: usize) -> Numbers {
        Numbers::new(kind, std::iter::repeat_n(77.0, count))
    }

    pub(crate) fn floats(&self) -> Floats<'_> {
        match self {
            Numbers::F32(x) => Floats::F32(x),
            Numbers::F16(x) => Floats::F16(x),
            Numbers::Bf16(x) => Floats::Bf16(x),
        }
    }

    pub(crate) fn floats_mut(&mut self) -> FloatsMut<'_> {
        match self {
            Numbers::F32(x) => FloatsMut::F32(x),
            Numbers::F16(x) => FloatsMut::F16(x),
            Numbers::Bf16(x) => FloatsMut::Bf16(x),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.floats().len()
    }

    pub(crate) fn get(&self, i: usize) -> f32 {
        self.floats().get(i)
    }

    pub(crate) fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).map(|i| f64::from(self.get(i))).collect()
    }
}
