//! Numbers of few bits, stored in groups that share a scale.

use crate::{Array, Dtype, Error, Module, Result, ffi::quantized as ops};

/// How a group of numbers is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Integers with a scale and a bias per group.
    Affine,
    /// 4-bit floats (E2M1), a power of two (E8M0) per 32.
    Mxfp4,
    /// 4-bit floats (E2M1), an 8-bit float (E4M3) per 16.
    Nvfp4,
    /// 8-bit floats (E4M3), a power of two (E8M0) per 32.
    Mxfp8,
}

/// One mode's name and what it allows, MLX's default first.
struct Format {
    mode: Mode,
    name: &'static str,
    group_sizes: &'static [i32],
    bits: &'static [i32],
}

#[rustfmt::skip]
const FORMATS: &[Format] = &[
    Format { mode: Mode::Affine, name: "affine", group_sizes: &[64, 32, 128], bits: &[4, 1, 2, 3, 5, 6, 8] },
    Format { mode: Mode::Mxfp4, name: "mxfp4", group_sizes: &[32], bits: &[4] },
    Format { mode: Mode::Nvfp4, name: "nvfp4", group_sizes: &[16], bits: &[4] },
    Format { mode: Mode::Mxfp8, name: "mxfp8", group_sizes: &[32], bits: &[8] },
];

impl Mode {
    /// All modes.
    pub const ALL: [Mode; 4] = [Mode::Affine, Mode::Mxfp4, Mode::Nvfp4, Mode::Mxfp8];

    /// The mode of that name, as `config.json` spells it.
    pub fn from_name(name: &str) -> Option<Mode> {
        FORMATS.iter().find(|format| format.name == name).map(|format| format.mode)
    }

    /// The name in `config.json`.
    pub fn name(self) -> &'static str {
        self.format().name
    }

    /// The group sizes MLX has for the mode; the first is its default.
    pub fn group_sizes(self) -> &'static [i32] {
        self.format().group_sizes
    }

    /// The widths MLX has for the mode; the first is its default.
    pub fn bits(self) -> &'static [i32] {
        self.format().bits
    }

    fn format(self) -> &'static Format {
        // The table has a row per mode, in the order of the enum.
        &FORMATS[self as usize]
    }
}

/// How a layer's weight is quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantization {
    /// Numbers that share a scale.
    pub group_size: i32,
    /// Bits of one number.
    pub bits: i32,
    /// Their encoding.
    pub mode: Mode,
}

impl Quantization {
    /// Affine with the given group size and bits.
    pub const fn affine(group_size: i32, bits: i32) -> Quantization {
        Quantization { group_size, bits, mode: Mode::Affine }
    }

    /// Fails unless MLX knows this combination.
    #[track_caller]
    pub fn check(self) -> Result<Quantization> {
        let format = self.mode.format();
        if format.group_sizes.contains(&self.group_size) && format.bits.contains(&self.bits) {
            return Ok(self);
        }
        let Quantization { group_size, bits, .. } = self;
        let (name, sizes, widths) = (format.name, format.group_sizes, format.bits);
        let text = format!(
            "{name} has no group size {group_size} with {bits} bits; it has {sizes:?} and {widths:?} bits"
        );
        Err(Error::invalid("quantization", text))
    }

    /// What the shapes of a stored layer say, given the width `columns` of the matrix.
    ///
    /// `weight` packs a row's bits into words of 32, and `scales` has a column per group; scales of one byte are
    /// those of the floating-point modes.
    pub(crate) fn of_stored(weight: &Array, scales: &Array, columns: i32) -> Result<Quantization> {
        let (words, groups) = (i64::from(weight.dim(-1)?), scales.dim(-1)?);
        if columns == 0 || groups == 0 || words * 32 % i64::from(columns) != 0 || columns % groups != 0 {
            let (w, s) = (weight.shape()?, scales.shape()?);
            return Err(Error::invalid(
                "quantization",
                format!("weight {w:?} and scales {s:?} do not fit {columns} columns"),
            ));
        }
        let (bits, group_size) = ((words * 32 / i64::from(columns)) as i32, columns / groups);
        let mode = match (scales.dtype()?, bits, group_size) {
            (Dtype::U8, 4, 16) => Mode::Nvfp4,
            (Dtype::U8, 4, _) => Mode::Mxfp4,
            (Dtype::U8, ..) => Mode::Mxfp8,
            _ => Mode::Affine,
        };
        Quantization { group_size, bits, mode }.check()
    }
}

/// A quantized matrix `[rows, columns]`. As a module it has the keys `weight`, `scales` and `biases`, none learned.
#[derive(Clone, Debug, Module)]
pub struct Quantized {
    /// The numbers, packed into `U32`: `[rows, columns · bits / 32]`.
    pub weight: Array,
    /// One per group: `[rows, columns / group size]`.
    pub scales: Array,
    /// One per group, in the affine mode.
    pub biases: Option<Array>,
    /// How the numbers are encoded.
    #[module(skip)]
    pub quantization: Quantization,
}

/// Quantizes the rows of `weight` to the nearest representable numbers.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, nn::{Quantization, quantize}, random};
/// let w = random::normal(&[8, 64], Dtype::F32, &random::key(0)?)?;
/// let q = quantize(&w, Quantization::affine(64, 8))?;
/// let error = (q.dequantize()? - &w).abs()?.max(..)?.item::<f32>()?;
/// assert!(error < 0.02);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn quantize(weight: &Array, quantization: Quantization) -> Result<Quantized> {
    let Quantization { group_size, bits, mode } = quantization.check()?;
    let parts = ops::quantize(weight, Some(group_size), Some(bits), mode.name(), None)?;
    let mut parts = parts.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(weight), Some(scales), biases) => Ok(Quantized { weight, scales, biases, quantization }),
        _ => Err(Error::invalid("quantize", "MLX returned fewer than two parts")),
    }
}

impl Quantized {
    /// The rows at `indices`, still quantized.
    #[track_caller]
    pub fn rows(&self, indices: &Array) -> Result<Quantized> {
        Ok(Quantized {
            weight: self.weight.take(indices, 0)?,
            scales: self.scales.take(indices, 0)?,
            biases: self.biases.as_ref().map(|biases| biases.take(indices, 0)).transpose()?,
            quantization: self.quantization,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_stand_in_the_order_of_the_modes() {
        for (i, format) in FORMATS.iter().enumerate() {
            assert_eq!(format.mode as usize, i);
            assert_eq!(Mode::from_name(format.name), Some(format.mode));
        }
    }
}
