//! Model architectures: one file each, and the table that finds them.

pub mod blocks;
pub mod llama;
pub mod qwen2;

use crate::{Cache, Error, ModelConfig, Result};
use mlx::{Array, Loader, Module};

/// A causal language model.
pub trait LanguageModel: Module {
    /// The scores `[batch, length, vocabulary]` of the token after each of `tokens` `[batch, length]`, which follow
    /// those in `cache`.
    fn forward(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array>;

    /// An empty cache for one batch.
    fn new_cache(&self) -> Cache;
}

type Build = fn(&ModelConfig, &Loader) -> Result<Box<dyn LanguageModel>>;

/// `model_type` of `config.json` and what builds it.
const REGISTRY: &[(&str, Build)] = &[
    ("llama", |config, weights| load(llama::Llama::new(&config.args()?, weights)?, weights)),
    ("mistral", |config, weights| load(llama::Llama::new(&config.args()?, weights)?, weights)),
    ("qwen2", |config, weights| load(qwen2::new(&config.args()?, weights)?, weights)),
];

/// Builds the model that `config` names and loads `weights` into it, strictly.
///
/// # Errors
/// [`Error::UnsupportedModel`] for an unknown `model_type`; missing, misshapen and unused tensors.
pub fn build(config: &ModelConfig, weights: &Loader) -> Result<Box<dyn LanguageModel>> {
    match REGISTRY.iter().find(|(name, _)| *name == config.model_type) {
        Some((_, build)) => build(config, weights),
        None => Err(Error::UnsupportedModel {
            model_type: config.model_type.clone(),
            known: REGISTRY.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        }),
    }
}

fn load(mut model: impl LanguageModel + 'static, weights: &Loader) -> Result<Box<dyn LanguageModel>> {
    model.load(weights)?;
    weights.finish()?;
    Ok(Box::new(model))
}
