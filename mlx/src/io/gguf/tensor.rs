//! Tensors as arrays.

use super::dequant::{dequantize, is_known};
use super::metadata::Metadata;
use super::reader::{Gguf, TensorInfo};
use super::repack::{GROUP_SIZE, Packed, repack};
use super::types::GgmlType;
use crate::io::fault::{Outcome, report_file};
use crate::io::raw;
use crate::{Array, Dtype, Result};
use std::{collections::BTreeMap, path::Path};

/// A tensor in the form in which MLX computes with it.
#[derive(Debug, Clone)]
pub enum Tensor {
    /// Plain numbers.
    Dense(Array),
    /// MLX's quantization of mode `affine` with groups of [`GROUP_SIZE`]: element = `scale · q + bias`.
    Affine {
        /// Packed `u32` words, the first element in the lowest bits: `[.., columns * bits / 32]`.
        weight: Array,
        /// `f16`, `[.., columns / 32]`.
        scales: Array,
        /// `f16`, `[.., columns / 32]`.
        biases: Array,
        /// Bits per element: 4 or 8.
        bits: i32,
    },
}

impl Gguf {
    /// Reads a tensor and converts it:
    ///
    /// * F16, F32, F64, BF16 and the integer types as they are;
    /// * matrices in Q4_0, Q4_1 and Q8_0 to [`Tensor::Affine`], without loss. A matrix with a bias beyond the range of
    ///   f16, and a vector, become dense f32;
    /// * Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, IQ4_XS and MXFP4 to dense f32.
    ///
    /// The other types, such as the I-quants of fewer than four bits, come as bytes from [`Gguf::read_tensor`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) for types that do not [convert](GgmlType::is_loadable) and where the
    /// data cannot be read.
    #[track_caller]
    pub fn load(&self, info: &TensorInfo) -> Result<Tensor> {
        report_file("gguf", self.path(), self.convert(info))
    }

    fn convert(&self, info: &TensorInfo) -> Outcome<Tensor> {
        let place = |fault: crate::io::fault::Fault| fault.at(format_args!("tensor `{}`", info.name));
        if !info.ggml_type.is_loadable() {
            let known: Vec<String> =
                GgmlType::ALL.iter().filter(|t| t.is_loadable()).map(|t| t.to_string()).collect();
            let message =
                format!("type {} is not supported; supported: {}", info.ggml_type, known.join(", "));
            return Err(place(message.into()));
        }
        let bytes = self.read(info).map_err(place)?;
        convert(info, &bytes).map_err(place)
    }
}

fn convert(info: &TensorInfo, bytes: &[u8]) -> Outcome<Tensor> {
    let shape = &info.shape;
    if let Some(dtype) = info.ggml_type.dtype() {
        return Ok(Tensor::Dense(raw::array(bytes, shape, dtype)?));
    }
    if let Some(bits) = info.ggml_type.affine_bits()
        && let [rows @ .., columns] = shape.as_slice()
        && !rows.is_empty()
        && let Some(Packed { weight, scales, biases }) = repack(info.ggml_type, bytes)
    {
        let last = |count: i32| [rows, &[count]].concat();
        let groups = columns / GROUP_SIZE;
        return Ok(Tensor::Affine {
            weight: checked(Array::from_slice(&weight, &last(groups * bits)))?,
            scales: checked(Array::from_slice(&scales, &last(groups)))?,
            biases: checked(Array::from_slice(&biases, &last(groups)))?,
            bits,
        });
    }
    let values = dequantize(info.ggml_type, bytes).ok_or("its type cannot be unpacked")?;
    Ok(Tensor::Dense(checked(Array::from_slice(&values, shape))?))
}

/// The array, unless it carries an error.
fn checked(array: Array) -> Result<Array> {
    array.dtype().map(|_| array)
}

impl GgmlType {
    /// Whether [`Gguf::load`] converts tensors of this type.
    pub fn is_loadable(self) -> bool {
        self.dtype().is_some() || is_known(self)
    }

    /// The dtype whose elements are stored the same; `None` for quantized types.
    pub fn dtype(self) -> Option<Dtype> {
        DTYPES.iter().find(|(_, ggml_type)| *ggml_type == self).map(|(dtype, _)| *dtype)
    }

    /// The type that stores elements of `dtype` as they are, if ggml has one.
    pub fn of(dtype: Dtype) -> Option<GgmlType> {
        DTYPES.iter().find(|(known, _)| *known == dtype).map(|(_, ggml_type)| *ggml_type)
    }
}

const DTYPES: [(Dtype, GgmlType); 8] = [
    (Dtype::F32, GgmlType::F32),
    (Dtype::F16, GgmlType::F16),
    (Dtype::Bf16, GgmlType::BF16),
    (Dtype::F64, GgmlType::F64),
    (Dtype::I8, GgmlType::I8),
    (Dtype::I16, GgmlType::I16),
    (Dtype::I32, GgmlType::I32),
    (Dtype::I64, GgmlType::I64),
];

/// All arrays and the metadata of the GGUF file at `path`, read at once.
///
/// A quantized tensor `x.weight` becomes the arrays `x.weight`, `x.scales` and `x.biases`, as [`Gguf::load`] describes.
///
/// # Errors
/// As [`Gguf::open`] and [`Gguf::load`], and two tensors whose arrays have one name.
#[doc(alias = "mx.load")]
#[track_caller]
pub fn load_gguf(path: impl AsRef<Path>) -> Result<(BTreeMap<String, Array>, Metadata)> {
    let file = Gguf::open(path)?;
    let mut arrays = BTreeMap::new();
    let loaded = file.tensors().try_for_each(|info| {
        let stem = info.name.strip_suffix(".weight").unwrap_or(&info.name);
        let named = match file.convert(info)? {
            Tensor::Dense(array) => vec![(info.name.clone(), array)],
            Tensor::Affine { weight, scales, biases, .. } => vec![
                (info.name.clone(), weight),
                (format!("{stem}.scales"), scales),
                (format!("{stem}.biases"), biases),
            ],
        };
        for (name, array) in named {
            if arrays.insert(name.clone(), array).is_some() {
                return Err(format!("tensor `{}`: there is another array `{name}`", info.name).into());
            }
        }
        Outcome::Ok(())
    });
    report_file("load_gguf", file.path(), loaded)?;
    Ok((arrays, file.into_metadata()))
}
