//! Tensors as numbers: read, converted, rows in Hugging Face's order.

use half::f16;

use super::dequant::dequantize;
use super::reader::{Gguf, TensorInfo};
use super::repack::{GROUP_SIZE, Packed, affine_bits, repack};
use super::types::GgmlType;
use crate::error::{Error, Result};

/// A tensor in host memory.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// Plain numbers.
    Dense {
        /// Type of the elements.
        dtype: DenseType,
        /// Row-major shape.
        shape: Vec<usize>,
        /// The elements, little-endian.
        bytes: Vec<u8>,
    },
    /// MLX's affine quantization, mode `affine`: element = `scale · q + bias`.
    Affine {
        /// Row-major shape of the matrix that is stored, `[.., columns]`.
        shape: Vec<usize>,
        /// Bits per element: 4 or 8.
        bits: u32,
        /// Neighbours in a row that share scale and bias: 32.
        group_size: usize,
        /// Packed elements, first element in the lowest bits, shape `[.., columns * bits / 32]`.
        weight: Vec<u32>,
        /// Shape `[.., columns / 32]`.
        scales: Vec<f16>,
        /// Shape `[.., columns / 32]`.
        biases: Vec<f16>,
    },
}

/// Element type of [`TensorData::Dense`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenseType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    BF16,
}

impl TensorData {
    /// The row-major shape; for quantized data that of the matrix it stands for.
    pub fn shape(&self) -> &[usize] {
        match self {
            TensorData::Dense { shape, .. } | TensorData::Affine { shape, .. } => shape,
        }
    }
}

impl Gguf {
    /// Reads a tensor and converts it:
    ///
    /// * F32, F16 and BF16 as they are;
    /// * matrices in Q4_0, Q4_1 and Q8_0 to [`TensorData::Affine`], without loss. A matrix with a bias beyond the
    ///   range of f16, and a vector, become dense f32;
    /// * Q4_K, Q5_K and Q6_K to dense f32.
    ///
    /// llama.cpp stores the rows of a Llama model's query and key projections in another order; they come back in
    /// Hugging Face's.
    ///
    /// # Errors
    /// [`Error::UnsupportedQuantization`] for other types; [`Error::Io`] where the data cannot be read;
    /// [`Error::Weights`] where the heads do not divide the rows of a projection.
    pub fn load(&self, info: &TensorInfo) -> Result<TensorData> {
        let heads = self.interleaved_heads(info)?;
        let data = convert(info, self.read_tensor(info)?)?;
        Ok(match heads {
            Some(heads) => split_interleaved_rows(data, heads),
            None => data,
        })
    }

    /// The number of heads of a projection whose rows llama.cpp has interleaved, `None` for all other tensors.
    fn interleaved_heads(&self, info: &TensorInfo) -> Result<Option<usize>> {
        if self.metadata().string("general.architecture")? != Some("llama") {
            return Ok(None);
        }
        let heads = match info.name.split('.').collect::<Vec<_>>()[..] {
            ["blk", _, "attn_q", "weight" | "bias"] => self.heads()?,
            ["blk", _, "attn_k", "weight" | "bias"] => self.key_value_heads()?,
            _ => return Ok(None),
        };
        let rows = info.shape.first().copied().unwrap_or(1);
        match heads.checked_mul(2) {
            Some(halves) if halves > 0 && rows.is_multiple_of(halves) => Ok(Some(heads)),
            _ => {
                let message =
                    format!("tensor `{}` has {rows} rows, which {heads} heads cannot share", info.name);
                Err(Error::weights(self.path(), message))
            }
        }
    }
}

fn convert(info: &TensorInfo, bytes: Vec<u8>) -> Result<TensorData> {
    let shape = info.shape.clone();
    let dense = |dtype, bytes| Ok(TensorData::Dense { dtype, shape: shape.clone(), bytes });
    match info.ggml_type {
        GgmlType::F32 => return dense(DenseType::F32, bytes),
        GgmlType::F16 => return dense(DenseType::F16, bytes),
        GgmlType::BF16 => return dense(DenseType::BF16, bytes),
        _ => {}
    }
    if let Some(bits) = affine_bits(info.ggml_type)
        && shape.len() > 1
        && let Some(Packed { weight, scales, biases }) = repack(info.ggml_type, &bytes)
    {
        return Ok(TensorData::Affine { shape, bits, group_size: GROUP_SIZE, weight, scales, biases });
    }
    match dequantize(info.ggml_type, &bytes) {
        Some(values) => dense(DenseType::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        None => Err(Error::UnsupportedQuantization(format!(
            "{}: tensor `{}` uses it; supported: F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K, Q5_K, Q6_K",
            info.ggml_type, info.name
        ))),
    }
}

/// Undoes llama.cpp's order of rotary rows. Within a head it stores the two halves that RoPE rotates together
/// interleaved (0, n/2, 1, n/2 + 1, ..); Hugging Face has one half after the other.
fn split_interleaved_rows(data: TensorData, heads: usize) -> TensorData {
    match data {
        TensorData::Dense { dtype, bytes, shape } => {
            let bytes = split_rows(&bytes, &shape, heads);
            TensorData::Dense { dtype, shape, bytes }
        }
        TensorData::Affine { shape, bits, group_size, weight, scales, biases } => TensorData::Affine {
            weight: split_rows(&weight, &shape, heads),
            scales: split_rows(&scales, &shape, heads),
            biases: split_rows(&biases, &shape, heads),
            shape,
            bits,
            group_size,
        },
    }
}

fn split_rows<T: Copy>(data: &[T], shape: &[usize], heads: usize) -> Vec<T> {
    let rows = shape.first().copied().unwrap_or(1);
    let (row, head) = (data.len() / rows, rows / heads);
    let mut split = Vec::with_capacity(data.len());
    for first in (0..rows).step_by(head) {
        for half in 0..2 {
            for index in (first + half..first + head).step_by(2) {
                split.extend_from_slice(&data[index * row..][..row]);
            }
        }
    }
    split
}
