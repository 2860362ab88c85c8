//! Model architectures: one file each, and the table that finds them.

pub mod apertus;
pub mod bailing_moe;
pub mod blocks;
pub mod cohere;
pub mod cohere2;
pub mod deepseek;
pub mod deepseek_v1;
pub mod dots1;
pub mod ernie4_5;
pub mod ernie4_5_moe;
pub mod exaone;
pub mod exaone4;
pub mod exaone_moe;
pub mod falcon_h1;
pub mod gemma;
pub mod gemma2;
pub mod gemma3;
pub mod gemma3n;
pub mod gemma4;
pub mod glm;
pub mod glm4;
pub mod glm4_moe;
pub mod gpt2;
pub mod gpt_neox;
pub mod gpt_oss;
pub mod granite;
pub mod granitemoe;
pub mod granitemoehybrid;
pub mod helium;
pub mod hunyuan_v1_dense;
pub mod hunyuan_v1_moe;
pub mod internlm2;
pub mod lfm2;
pub mod llama;
pub mod mamba2;
pub mod minicpm;
pub mod minimax;
pub mod ministral3;
pub mod mixtral;
pub mod nemotron;
pub mod nemotron_h;
pub mod olmo;
pub mod olmo2;
pub mod olmoe;
pub mod phi;
pub mod phi3;
pub mod phimoe;
pub mod qwen2;
pub mod qwen2_moe;
pub mod qwen3;
pub mod qwen3_moe;
pub mod qwen3_next;
pub mod seed_oss;
pub mod smollm3;
pub mod stablelm;
pub mod starcoder2;

use crate::{Cache, Error, ModelConfig, Result};
use mlx::{Array, Loader, Module};
use serde::de::DeserializeOwned;

/// A causal language model.
pub trait LanguageModel: Module {
    /// What the model makes of each of `tokens` `[batch, length]`, which follow those in `cache`: features
    /// `[batch, length, features]`, behind the last norm and before the head.
    fn features(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array>;

    /// The scores `[…, vocabulary]` of the next token, from `features` `[…, features]`.
    fn head(&self, features: &Array) -> mlx::Result<Array>;

    /// The scores `[batch, length, vocabulary]` of the token after each of `tokens` `[batch, length]`, which follow
    /// those in `cache`.
    fn forward(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        self.head(&self.features(tokens, cache)?)
    }

    /// An empty cache for one batch.
    fn new_cache(&self) -> Cache;

    /// Whether each step of decoding computes the same, whatever the position: but for rotary embeddings, and where the
    /// cache is written and read. A step that has been captured once is only launched again then.
    fn is_uniform(&self) -> bool {
        false
    }

    /// [`LanguageModel::forward`] of what stands in place of tokens: `[batch, length, features]`.
    ///
    /// # Errors
    /// A model that takes tokens only.
    fn forward_embeddings(&self, embeddings: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        let _ = (embeddings, cache);
        let message = "this model takes tokens, no embeddings";
        Err(mlx::Error::new(mlx::ErrorKind::InvalidArgument, "forward_embeddings", message))
    }
}

/// An architecture: the `model_type`s of `config.json` that mean it, and what builds it.
type Row = (&'static [&'static str], fn(&Source<'_>) -> Result<Box<dyn LanguageModel>>);

#[rustfmt::skip]
const REGISTRY: &[Row] = &[
    (&["apertus"], |s| s.sanitized(apertus::sanitize, apertus::new)),
    (&["bailing_moe"], |s| s.sanitized(bailing_moe::sanitize, bailing_moe::new)),
    (&["cohere"], |s| s.build(cohere::new)),
    (&["cohere2"], |s| s.build(cohere2::new)),
    (&["deepseek"], |s| s.sanitized(deepseek_v1::sanitize, deepseek_v1::new)),
    (&["deepseek_v2", "youtu"], |s| s.sanitized(deepseek::sanitize_v2, deepseek::new_v2)),
    (&["deepseek_v3", "glm4_moe_lite", "joyai_llm_flash", "kimi_k2"], |s| s.sanitized(deepseek::sanitize_v3, deepseek::new_v3)),
    (&["dots1"], |s| s.sanitized(dots1::sanitize, dots1::new)),
    (&["ernie4_5"], |s| s.build(ernie4_5::new)),
    (&["ernie4_5_moe"], |s| s.sanitized(ernie4_5_moe::sanitize, ernie4_5_moe::new)),
    (&["exaone"], |s| s.sanitized(exaone::sanitize, exaone::new)),
    (&["exaone4"], |s| s.build(exaone4::new)),
    (&["exaone_moe"], |s| s.sanitized(exaone_moe::sanitize, exaone_moe::new)),
    (&["falcon_h1"], |s| s.sanitized(falcon_h1::sanitize, falcon_h1::new)),
    (&["gemma"], |s| s.sanitized(gemma::sanitize, gemma::new)),
    (&["gemma2"], |s| s.sanitized(gemma2::sanitize, gemma2::new)),
    (&["gemma3_text"], |s| s.sanitized(gemma3::sanitize, gemma3::new)),
    (&["gemma3n_text"], |s| s.sanitized(gemma3n::sanitize, gemma3n::new)),
    (&["gemma4_text"], |s| s.sanitized(gemma4::sanitize, gemma4::new)),
    (&["glm"], |s| s.sanitized(glm::sanitize, glm::new)),
    (&["glm4"], |s| s.sanitized(glm4::sanitize, glm4::new)),
    (&["glm4_moe", "solar_open"], |s| s.sanitized(glm4_moe::sanitize, glm4_moe::new)),
    (&["gpt2"], |s| s.sanitized(gpt2::sanitize, gpt2::new)),
    (&["gpt_neox"], |s| s.sanitized(gpt_neox::sanitize, gpt_neox::new)),
    (&["gpt_oss"], |s| s.sanitized(gpt_oss::sanitize, gpt_oss::new)),
    (&["granite"], |s| s.build(granite::new)),
    (&["granitemoe"], |s| s.sanitized(granitemoe::sanitize, granitemoe::new)),
    (&["granitemoehybrid"], |s| s.sanitized(granitemoehybrid::sanitize, granitemoehybrid::new)),
    (&["helium"], |s| s.build(helium::new)),
    (&["hunyuan_v1_dense"], |s| s.sanitized(hunyuan_v1_dense::sanitize, hunyuan_v1_dense::new)),
    (&["hunyuan", "hunyuan_v1_moe"], |s| s.sanitized(hunyuan_v1_moe::sanitize, hunyuan_v1_moe::new)),
    (&["internlm2"], |s| s.sanitized(internlm2::sanitize, internlm2::new)),
    (&["lfm2"], |s| s.sanitized(lfm2::sanitize, lfm2::new)),
    (&["lfm2_moe"], |s| s.sanitized(lfm2::sanitize_moe, lfm2::new_moe)),
    (&["llama", "mistral", "iquestcoder", "telechat3", "xverse"], |s| s.build(llama::new)),
    (&["mamba2"], |s| s.sanitized(mamba2::sanitize, mamba2::new)),
    (&["minicpm"], |s| s.build(minicpm::new)),
    (&["minimax_m2"], |s| s.sanitized(minimax::sanitize, minimax::new)),
    (&["ministral3"], |s| s.build(ministral3::new)),
    (&["mixtral"], |s| s.sanitized(mixtral::sanitize, mixtral::new)),
    (&["nemotron"], |s| s.sanitized(nemotron::sanitize, nemotron::new)),
    (&["nemotron_h"], |s| s.sanitized(nemotron_h::sanitize, nemotron_h::new)),
    (&["olmo"], |s| s.build(olmo::new)),
    (&["olmo2", "olmo3"], |s| s.build(olmo2::new)),
    (&["olmoe"], |s| s.sanitized(olmoe::sanitize, olmoe::new)),
    (&["phi"], |s| s.sanitized(phi::sanitize, phi::new)),
    (&["phi3"], |s| s.sanitized(phi3::sanitize, phi3::new)),
    (&["phimoe"], |s| s.sanitized(phimoe::sanitize, phimoe::new)),
    (&["qwen2", "mimo", "qwen2_vl_text", "qwen2_5_vl_text"], |s| s.build(qwen2::new)),
    (&["qwen2_moe"], |s| s.sanitized(qwen2_moe::sanitize, qwen2_moe::new)),
    (&["qwen3", "qwen3_vl_text"], |s| s.build(qwen3::new)),
    (&["qwen3_moe", "qwen3_vl_moe_text"], |s| s.sanitized(qwen3_moe::sanitize, qwen3_moe::new)),
    (&["qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"], |s| s.sanitized(qwen3_next::sanitize, qwen3_next::new)),
    (&["seed_oss"], |s| s.build(seed_oss::new)),
    (&["smollm3"], |s| s.build(smollm3::new)),
    (&["stablelm"], |s| s.sanitized(stablelm::sanitize, stablelm::new)),
    (&["starcoder2"], |s| s.sanitized(starcoder2::sanitize, starcoder2::new)),
];

/// Builds the model that `config` names and loads `weights` into it, strictly.
///
/// # Errors
/// [`Error::UnsupportedModel`] for an unknown `model_type`; missing, misshapen and unused tensors.
pub fn build(config: &ModelConfig, weights: &Loader) -> Result<Box<dyn LanguageModel>> {
    let find = |(names, _): &&Row| names.contains(&config.model_type.as_str());
    match REGISTRY.iter().find(find) {
        Some((_, build)) => {
            drop_unused(weights)?;
            if !is_headless(weights) {
                return build(&Source { config, weights });
            }
            weights.rename(|path| format!("model.{path}"))?;
            // What the model was made from may have had a head of its own.
            build(&Source { config: &config.with("tie_word_embeddings", true.into()), weights })
        }
        None => Err(Error::UnsupportedModel { model_type: config.model_type.clone(), known: known() }),
    }
}

/// Whether there is code for this `model_type`.
pub(crate) fn is_known(model_type: &str) -> bool {
    REGISTRY.iter().any(|(names, _)| names.contains(&model_type))
}

fn known() -> String {
    let mut names: Vec<&str> = REGISTRY.iter().flat_map(|(names, _)| *names).copied().collect();
    names.sort();
    names.join(", ")
}

/// Takes away what other parts of a model left in its checkpoint, and what language models carry without use: other
/// modalities, the prediction of further tokens, and tables that follow from the configuration.
fn drop_unused(weights: &Loader) -> mlx::Result<()> {
    weights.ignore(is_unused);
    blocks::rename(weights, &[("model.language_model", "model"), ("language_model", "")])
}

/// Whether the checkpoint has the layers alone, at its top: so models that make vectors of texts are published.
fn is_headless(weights: &Loader) -> bool {
    weights.at("embed_tokens.weight").peek().is_some()
}

/// Whether the tensor at `path` belongs to another modality, predicts further tokens, or follows from the configuration.
pub(crate) fn is_unused(path: &str) -> bool {
    const OTHERS: &[&str] = &[
        "vision_embedder",
        "vision_tower",
        "vision_model",
        "visual",
        "audio_tower",
        // What predicts further tokens.
        "mtp_layers",
        "multi_modal_projector",
        "embed_vision",
        "embed_audio",
    ];
    path.ends_with("rotary_emb.inv_freq") || path.split('.').take(2).any(|part| OTHERS.contains(&part))
}

/// What checkpoints call the head.
pub(crate) const HEADS: [&str; 4] = ["lm_head", "output", "embed_out", "model.embed_out"];

/// What a model is built from.
struct Source<'a> {
    config: &'a ModelConfig,
    weights: &'a Loader,
}

impl Source<'_> {
    /// The model that `new` makes of its configuration, loaded from the tensors as they are.
    fn build<C, M>(&self, new: fn(&C) -> Result<M>) -> Result<Box<dyn LanguageModel>>
    where
        C: DeserializeOwned,
        M: LanguageModel + 'static,
    {
        self.sanitized(|_, _| Ok(()), new)
    }

    /// The model that `new` makes of its configuration, loaded from the tensors as `sanitize` leaves them.
    fn sanitized<C, M>(
        &self,
        sanitize: fn(&C, &Loader) -> mlx::Result<()>,
        new: fn(&C) -> Result<M>,
    ) -> Result<Box<dyn LanguageModel>>
    where
        C: DeserializeOwned,
        M: LanguageModel + 'static,
    {
        let weights = self.weights;
        // Files may leave out whether the head is tied; then the checkpoint says it by having a head or not.
        let has_head = HEADS.iter().any(|head| weights.at(head).at("weight").peek().is_some());
        let config = self.config.args_with([("tie_word_embeddings", (!has_head).into())])?;
        sanitize(&config, weights)?;
        let mut model = new(&config)?;
        let tied = !model.parameters().contains_key("lm_head.weight");
        weights.ignore(|path| tied && path.starts_with("lm_head."));
        model.load(weights)?;
        weights.finish()?;
        Ok(Box::new(model))
    }
}
