//! Quantized checkpoints of other programs: their numbers in MLX's formats, or, where MLX has none that holds them exactly,
//! dense.
//!
//! | `quant_method` | becomes |
//! |---|---|
//! | `awq` (layouts GEMM and GEMV) | affine, 4 bits |
//! | `gptq` | affine, 2, 3, 4 or 8 bits; dense where the groups are not in order |
//! | `fp8`, blocks or whole matrices | mxfp8 where the scales are powers of two, else dense |
//! | `compressed-tensors` | affine for packed integers and `int8`; mxfp4; mxfp8; dense for `fp8` and nvfp4 with a scale of the whole |
//! | `modelopt` (fp8, mxfp8, nvfp4) | mxfp8, else dense |
//! | `bitnet` | affine, 2 bits |
//! | `mxfp4` (gpt-oss) | mxfp4 |

mod bitnet;
mod compressed;
mod fp8;
mod gptq;
mod grouped;
mod method;
mod modelopt;

pub use method::{AwqLayout, Foreign};

use crate::{Error, Result, quantization::QuantizationConfig};
use mlx::{
    Array, Dtype,
    nn::{Mode, Quantization},
};
use std::{collections::BTreeMap, path::Path};

type Tensors = BTreeMap<String, Array>;

impl Foreign {
    /// Gives the tensors MLX's form; what becomes of each layer, and what the user should know.
    ///
    /// # Errors
    /// [`Error::Weights`], at `folder`, for parts that are missing or do not fit each other.
    pub(crate) fn import(
        &self,
        folder: &Path,
        tensors: &mut Tensors,
    ) -> Result<(QuantizationConfig, Vec<String>)> {
        let mut import = Import { folder, tensors, layers: BTreeMap::new() };
        match *self {
            Foreign::Awq(layout) => gptq::import_awq(&mut import, layout)?,
            Foreign::Gptq { bits, exact_zeros } => gptq::import_gptq(&mut import, bits, exact_zeros)?,
            Foreign::Fp8 { block, powers_of_two } => fp8::import(&mut import, block, powers_of_two)?,
            Foreign::CompressedTensors { block } => compressed::import(&mut import, block)?,
            Foreign::ModelOpt => modelopt::import(&mut import)?,
            Foreign::BitNet { inverse_scale } => bitnet::import(&mut import, inverse_scale)?,
            Foreign::Mxfp4 => return Ok(Default::default()),
        }
        import.finish()
    }
}

/// An import on its way.
struct Import<'a> {
    folder: &'a Path,
    tensors: &'a mut Tensors,
    /// How each layer is stored now: `None` where it became dense.
    layers: BTreeMap<String, Option<Quantization>>,
}

impl Import<'_> {
    /// The layers that have a part of that name.
    fn layers_with(&self, part: &str) -> Vec<String> {
        let end = format!(".{part}");
        self.tensors.keys().filter_map(|name| name.strip_suffix(&end)).map(str::to_owned).collect()
    }

    fn take(&mut self, layer: &str, part: &str) -> Option<Array> {
        self.tensors.remove(&format!("{layer}.{part}"))
    }

    fn need(&mut self, layer: &str, part: &str) -> Result<Array> {
        self.take(layer, part).ok_or_else(|| self.error(layer, format!("`{part}` is missing")))
    }

    fn error(&self, layer: &str, message: String) -> Error {
        Error::weights(self.folder, format!("layer `{layer}`: {message}"))
    }

    fn put(&mut self, layer: &str, part: &str, array: Array) {
        self.tensors.insert(format!("{layer}.{part}"), array);
    }

    fn put_dense(&mut self, layer: &str, weight: Array) {
        self.put(layer, "weight", weight);
        self.layers.insert(layer.to_owned(), None);
    }

    fn drop_parts(&mut self, parts: &[&str]) {
        self.tensors.retain(|name, _| !parts.iter().any(|part| name.ends_with(&format!(".{part}"))));
    }

    fn finish(mut self) -> Result<(QuantizationConfig, Vec<String>)> {
        let mut counts: Vec<(Quantization, usize)> = vec![];
        for quantization in self.layers.values().flatten() {
            match counts.iter_mut().find(|(known, _)| known == quantization) {
                Some((_, count)) => *count += 1,
                None => counts.push((*quantization, 1)),
            }
        }
        let default =
            counts.into_iter().max_by_key(|(_, count)| *count).map(|(quantization, _)| quantization);
        let dense = self.layers.values().filter(|quantization| quantization.is_none()).count();
        let mut notes = vec![];
        if dense > 0 {
            notes.push(format!(
                "{dense} layers are kept as dense numbers: MLX has no format that holds them exactly; `mlx-lm convert \
                 --quantize` makes them small again"
            ));
        }
        self.unify_types()?;
        Ok((QuantizationConfig { default, overrides: self.layers, foreign: None }, notes))
    }

    /// Models compute in one type; among numbers of other types theirs would widen. Where there are scales in half precision,
    /// it is their type.
    fn unify_types(&mut self) -> Result<()> {
        let affine =
            self.layers.iter().filter(|(_, layer)| layer.is_some_and(|layer| layer.mode == Mode::Affine));
        let mut types = vec![];
        for (path, _) in affine {
            types.extend(self.tensors.get(&format!("{path}.scales")).map(Array::dtype).transpose()?);
        }
        if types.is_empty() {
            return Ok(());
        }
        let common = if types.contains(&Dtype::F16) { Dtype::F16 } else { Dtype::Bf16 };
        for (name, array) in self.tensors.iter_mut() {
            if array.dtype()?.is_float() && !keeps_its_type(name) {
                *array = array.astype(common)?;
            }
        }
        Ok(())
    }
}

/// Whether the parameter widens nothing, whatever type it has: models compute with it in single precision.
fn keeps_its_type(name: &str) -> bool {
    ["e_score_correction_bias", "expert_bias", "A_log"].iter().any(|kept| name.contains(kept))
}

/// The type to store scales and dense weights in.
fn half(array: &Array) -> Result<Dtype> {
    Ok(match array.dtype()? {
        Dtype::F16 => Dtype::F16,
        _ => Dtype::Bf16,
    })
}
