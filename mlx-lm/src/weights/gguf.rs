//! The tensors of a GGUF file under the names that models know.

use crate::{
    Result,
    gguf::{Gguf, Tensor, TensorInfo},
};
use mlx::{Array, Dtype};
use std::collections::BTreeMap;

/// All tensors under their Hugging Face names; quantized ones as `.weight`, `.scales` and `.biases`.
pub(crate) fn tensors(gguf: &Gguf) -> Result<BTreeMap<String, Array>> {
    let mut tensors = BTreeMap::new();
    for info in gguf.tensors() {
        let Some(name) = gguf.hugging_face_name(info)? else { continue };
        match tensor(gguf, info, &name)? {
            Tensor::Dense(array) => {
                tensors.insert(name, array);
            }
            Tensor::Affine { weight, scales, biases, .. } => {
                let stem = name.strip_suffix(".weight").unwrap_or(&name);
                tensors.insert(format!("{stem}.scales"), scales);
                tensors.insert(format!("{stem}.biases"), biases);
                tensors.insert(name, weight);
            }
        }
    }
    Ok(tensors)
}

/// One tensor, whose Hugging Face name is `name`.
pub(crate) fn tensor(gguf: &Gguf, info: &TensorInfo, name: &str) -> Result<Tensor> {
    Ok(match gguf.load(info)? {
        // Norms are in single precision, so activations are; what they begin with is not to be rounded to half.
        Tensor::Affine { weight, scales, biases, bits } if name.ends_with("embed_tokens.weight") => {
            let (scales, biases) = (scales.astype(Dtype::F32)?, biases.astype(Dtype::F32)?);
            Tensor::Affine { weight, scales, biases, bits }
        }
        tensor => tensor,
    })
}
