//! Rotary position embedding.

use crate::{Array, Result, fast, module::without_parameters};

/// Rotates queries and keys by their positions; holds no checkpoint parameters.
#[derive(Clone, Debug)]
pub struct Rope {
    /// How many of the last axis's elements are rotated; even.
    pub dims: i32,
    /// Rotates neighbouring pairs instead of halves.
    pub traditional: bool,
    /// The base of the frequencies. Default 10,000.
    pub base: f32,
    /// Multiplies positions. Default 1.
    pub scale: f32,
    /// The wavelengths divided by 2π, `[dims / 2]`, in place of `base`'s.
    pub freqs: Option<Array>,
}

impl Rope {
    /// Rotates `dims` elements in halves with the given base.
    pub fn new(dims: i32, base: f32) -> Rope {
        Rope { dims, traditional: false, base, scale: 1.0, freqs: None }
    }

    /// `x` `[..., length, dims or more]`, whose first position is `offset`.
    #[track_caller]
    pub fn forward(&self, x: &Array, offset: i32) -> Result<Array> {
        let Rope { dims, traditional, base, scale, ref freqs } = *self;
        fast::rope(x, offset, fast::RopeOptions { dims, traditional, base, scale, freqs: freqs.as_ref() })
    }
}

without_parameters!(Rope);
