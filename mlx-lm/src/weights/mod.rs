//! A model's files as arrays, ready for the architecture to take.

mod compute;
mod folder;
mod foreign;
mod gguf;

pub(crate) use gguf::tensor as gguf_tensor;

pub use folder::{WeightFile, WeightFiles, is_weight_name, open, select};
pub use foreign::{AwqLayout, Foreign};

use crate::{
    GenerationConfig, ModelConfig, Result, Tokenizer, models::LanguageModel, quantization::QuantizationConfig,
};
use mlx::{Array, Loader};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that a model is made from.
pub(crate) struct Parts {
    pub(crate) config: ModelConfig,
    pub(crate) loader: Loader,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) generation: GenerationConfig,
    pub(crate) warnings: Vec<String>,
}

impl Parts {
    /// From a folder as mlx-community lays it out.
    pub(crate) fn from_folder(folder: &Path) -> Result<Parts> {
        let config = ModelConfig::load(folder)?;
        let Checkpoint { tensors, quantization, warnings } = read_folder(folder, &config)?;
        let loader = loader(tensors, &quantization)?;
        let tokenizer = Tokenizer::from_folder(folder)?;
        let generation = GenerationConfig::from_folder(folder)?;
        Ok(Parts { config, loader, tokenizer, generation, warnings })
    }

    /// From a GGUF file.
    pub(crate) fn from_gguf(file: &Path) -> Result<Parts> {
        let gguf = crate::gguf::Gguf::open(file)?;
        let config = ModelConfig::parse(file, &gguf.config()?.to_string())?;
        let tensors = gguf::tensors(&gguf)?;
        let tokenizer = Tokenizer::from_gguf(gguf.tokenizer()?)?;
        let generation = GenerationConfig::default();
        let loader = loader(tensors, &config.quantization)?;
        Ok(Parts { loader, config, tokenizer, generation, warnings: vec![] })
    }
}

/// The tensors of a model folder, not read yet.
pub(crate) struct Checkpoint {
    pub(crate) tensors: BTreeMap<String, Array>,
    pub(crate) quantization: QuantizationConfig,
    pub(crate) warnings: Vec<String>,
}

/// The weights of the model in `folder`, whose `config.json` is `config`.
pub(crate) fn read_folder(folder: &Path, config: &ModelConfig) -> Result<Checkpoint> {
    let files = open(folder)?;
    let (mut tensors, mut warnings) = (files.tensors()?, files.warnings);
    let quantization = match &config.quantization.foreign {
        None => config.quantization.clone(),
        Some(foreign) => {
            let (quantization, notes) = foreign.import(folder, &mut tensors)?;
            warnings.extend(notes);
            quantization
        }
    };
    Ok(Checkpoint { tensors, quantization, warnings })
}

fn loader(tensors: BTreeMap<String, Array>, quantization: &QuantizationConfig) -> Result<Loader> {
    let dtype = compute::dtype()?;
    let tensors = tensors.into_iter().map(|(name, array)| Ok((name, compute::cast(array, dtype)?)));
    Ok(Loader::with_quantization(tensors.collect::<Result<Vec<_>>>()?, quantization.overrides.clone()))
}

/// Reads and converts all weights now, some at a time: what a conversion starts from is freed before the next.
pub(crate) fn evaluate(model: &dyn LanguageModel) -> Result<()> {
    const AT_ONCE: usize = 16;
    let parameters: Vec<Array> = model.parameters().into_values().collect();
    for some in parameters.chunks(AT_ONCE) {
        mlx::eval(some)?;
    }
    Ok(mlx::memory::clear_cache()?)
}
