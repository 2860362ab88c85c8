//! The tensors of a GGUF file under the names that models know.

use crate::{
    Result,
    gguf::{Gguf, Tensor},
};
use mlx::{Array, Dtype};
use std::collections::BTreeMap;

/// All tensors under their Hugging Face names; quantized ones as `.weight`, `.scales` and `.biases`.
pub(crate) fn tensors(gguf: &Gguf) -> Result<BTreeMap<String, Array>> {
    let mut tensors = BTreeMap::new();
    for info in gguf.tensors() {
        let Some(name) = gguf.hugging_face_name(info)? else { continue };
        match gguf.load(info)? {
            Tensor::Dense(array) => {
                tensors.insert(name, array);
            }
            Tensor::Affine { weight, scales, biases, .. } => {
                let stem = name.strip_suffix(".weight").unwrap_or(&name);
                // Norms are in single precision, so activations are; what they begin with is not to be rounded to half.
                let of_table = stem.ends_with("embed_tokens");
                let exact = |x: Array| if of_table { x.astype(Dtype::F32) } else { Ok(x) };
                let (scales, biases) = (exact(scales)?, exact(biases)?);
                tensors.insert(format!("{stem}.scales"), scales);
                tensors.insert(format!("{stem}.biases"), biases);
                tensors.insert(name, weight);
            }
        }
    }
    Ok(tensors)
}
