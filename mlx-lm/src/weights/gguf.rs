//! The tensors of a GGUF file as arrays.

use crate::{
    Error, Result,
    gguf::{DenseType, Gguf, TensorData},
};
use mlx::{Array, Dtype};
use std::collections::BTreeMap;

/// All tensors under their Hugging Face names; quantized ones as `.weight`, `.scales` and `.biases`.
pub(crate) fn tensors(gguf: &Gguf) -> Result<BTreeMap<String, Array>> {
    let mut tensors = BTreeMap::new();
    for info in gguf.tensors() {
        let Some(name) = gguf.hugging_face_name(info)? else { continue };
        match gguf.load(info)? {
            TensorData::Dense { dtype, shape, bytes } => {
                tensors.insert(name, dense(dtype, &dims(gguf, &shape)?, &bytes)?);
            }
            TensorData::Affine { shape, bits, group_size, weight, scales, biases } => {
                let stem = name.strip_suffix(".weight").unwrap_or(&name);
                let shape = dims(gguf, &shape)?;
                let columns = |count: i32| match shape.split_last() {
                    Some((_, rows)) => [rows, &[count]].concat(),
                    None => vec![count],
                };
                let last = shape.last().copied().unwrap_or(0);
                let (words, groups) = (last / 32 * bits as i32, last / group_size as i32);
                tensors.insert(format!("{stem}.weight"), Array::from_slice(&weight, &columns(words)));
                tensors.insert(format!("{stem}.scales"), Array::from_slice(&scales, &columns(groups)));
                tensors.insert(format!("{stem}.biases"), Array::from_slice(&biases, &columns(groups)));
            }
        }
    }
    Ok(tensors)
}

fn dims(gguf: &Gguf, shape: &[usize]) -> Result<Vec<i32>> {
    let dims = shape.iter().map(|&extent| i32::try_from(extent)).collect::<Result<_, _>>();
    dims.map_err(|_| Error::weights(gguf.path(), format!("a tensor of shape {shape:?} is too large")))
}

fn dense(dtype: DenseType, shape: &[i32], bytes: &[u8]) -> Result<Array> {
    let dtype = match dtype {
        DenseType::F32 => Dtype::F32,
        DenseType::F16 => Dtype::F16,
        DenseType::BF16 => Dtype::Bf16,
    };
    // As rows of one element each, so that no extent grows by the element's size.
    let size = dtype.size() as i32;
    let count = i32::try_from(bytes.len() / dtype.size());
    let count = count.map_err(|_| Error::Invalid(format!("a tensor of shape {shape:?} is too large")))?;
    Ok(Array::from_slice(bytes, &[count, size]).view(dtype)?.reshape(shape)?)
}
