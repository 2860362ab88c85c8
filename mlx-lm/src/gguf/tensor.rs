//! Tensors with their rows in Hugging Face's order.

use super::{Gguf, Tensor, TensorInfo, corrupt};
use crate::error::{Error, Result};
use mlx::Array;

impl Gguf {
    /// Reads a tensor and converts it, as [`mlx::io::gguf::Gguf::load`].
    ///
    /// llama.cpp stores the rows of a Llama model's query and key projections in another order; they come back in
    /// Hugging Face's.
    ///
    /// # Errors
    /// [`Error::UnsupportedQuantization`] for types that MLX cannot hold; [`Error::Weights`] where the data cannot be
    /// read, or the heads do not divide the rows of a projection.
    pub fn load(&self, info: &TensorInfo) -> Result<Tensor> {
        let heads = self.interleaved_heads(info)?;
        let tensor = self.0.load(info).map_err(|error| match info.ggml_type.is_loadable() {
            true => corrupt(self.path(), &error),
            false => Error::UnsupportedQuantization(format!("{}: {}", info.ggml_type, error.message())),
        })?;
        let Some(heads) = heads else { return Ok(tensor) };
        let split = |array: Array| split_interleaved_rows(&array, heads);
        Ok(match tensor {
            Tensor::Dense(array) => Tensor::Dense(split(array)?),
            Tensor::Affine { weight, scales, biases, bits } => Tensor::Affine {
                weight: split(weight)?,
                scales: split(scales)?,
                biases: split(biases)?,
                bits,
            },
        })
    }

    /// The number of heads of a projection whose rows llama.cpp has interleaved, `None` for all other tensors.
    fn interleaved_heads(&self, info: &TensorInfo) -> Result<Option<i32>> {
        if self.metadata().string("general.architecture")? != Some("llama") {
            return Ok(None);
        }
        let heads = match info.name.split('.').collect::<Vec<_>>()[..] {
            ["blk", _, "attn_q", "weight" | "bias"] => self.heads()?,
            ["blk", _, "attn_k", "weight" | "bias"] => self.key_value_heads()?,
            _ => return Ok(None),
        };
        let rows = info.shape.first().copied().unwrap_or(1);
        match i32::try_from(heads).ok().and_then(|heads| heads.checked_mul(2)) {
            Some(halves) if halves > 0 && rows > 0 && rows % halves == 0 => Ok(Some(halves / 2)),
            _ => {
                let message =
                    format!("tensor `{}` has {rows} rows, which {heads} heads cannot share", info.name);
                Err(Error::weights(self.path(), message))
            }
        }
    }
}

/// Undoes llama.cpp's order of rotary rows. Within a head it stores the two halves that RoPE rotates together
/// interleaved (0, n/2, 1, n/2 + 1, ..); Hugging Face has one half after the other.
fn split_interleaved_rows(array: &Array, heads: i32) -> Result<Array> {
    let shape = array.shape()?;
    let (rows, row) = shape.split_first().map_or((1, shape), |(&rows, row)| (rows, row));
    let pairs = [&[heads, rows / heads / 2, 2], row].concat();
    Ok(array.reshape(pairs)?.swapaxes(1, 2)?.reshape(shape)?)
}
