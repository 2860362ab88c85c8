//! Quantization of large matrices.

use crate::Result;
use mlx::{
    Array, concatenate, eval,
    nn::{Mode, Quantization, Quantized, quantize},
};

/// Numbers at once in floating-point modes, for each of which MLX needs some hundred bytes on the way on a CPU.
const NUMBERS: i32 = 1 << 19;

/// The same as [`quantize`], in memory for a part of `matrix` `[..., rows, columns]`; evaluated where there are parts.
pub(super) fn quantize_in_parts(matrix: &Array, quantization: Quantization) -> Result<Quantized> {
    let columns = matrix.dim(-1)?;
    let step = (NUMBERS / columns.max(1)).max(1);
    let flat = matrix.reshape([-1, columns])?;
    let rows = flat.dim(0)?;
    if quantization.mode == Mode::Affine || rows <= step {
        return Ok(quantize(matrix, quantization)?);
    }
    let (mut weights, mut scales) = (vec![], vec![]);
    for start in (0..rows).step_by(step as usize) {
        let part = quantize(&flat.at(start..rows.min(start + step))?, quantization)?;
        eval([&part.weight, &part.scales])?;
        weights.push(part.weight);
        scales.push(part.scales);
    }
    let mut shape = matrix.shape()?.to_vec();
    shape.pop();
    let whole = |parts: &[Array]| -> mlx::Result<Array> {
        let joined = concatenate(parts, 0)?;
        joined.reshape([&shape[..], &[joined.dim(-1)?]].concat())
    };
    Ok(Quantized { weight: whole(&weights)?, scales: whole(&scales)?, biases: None, quantization })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::{Dtype, arange};

    #[test]
    fn parts_are_those_of_the_whole() -> Result<()> {
        let numbers = 3 * NUMBERS + 96 * 5;
        let values = (arange(0.0, numbers.into(), 1.0, Dtype::F32)? * 0.37).sin()?;
        for (mode, group_size, bits) in [(Mode::Mxfp4, 32, 4), (Mode::Nvfp4, 16, 4), (Mode::Mxfp8, 32, 8)] {
            let quantization = Quantization { group_size, bits, mode };
            for matrix in [values.reshape([-1, 96])?, values.reshape([1, -1, 96])?] {
                let (found, expected) =
                    (quantize_in_parts(&matrix, quantization)?, quantize(&matrix, quantization)?);
                for (found, expected) in [(found.weight, expected.weight), (found.scales, expected.scales)] {
                    assert_eq!(found.shape()?, expected.shape()?);
                    assert!(found.equal(&expected)?.all(..)?.item::<bool>()?, "{mode:?}");
                }
            }
        }
        Ok(())
    }
}
