//! What a token loop needs beside model and prompt.

use super::{Grammar, Penalties, Sampling, Snapshot};
use crate::{Cache, Error, Result, models::LanguageModel};
use mlx::nn::Quantization;
use std::time::Duration;

/// How tokens are generated after a prompt.
#[derive(Clone)]
pub struct TokenOptions {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What changes the scores before.
    pub penalties: Penalties,
    /// What the tokens must spell. Default anything.
    pub grammar: Option<Grammar>,
    /// The most tokens to generate. Default 256.
    pub max_tokens: usize,
    /// None of `stop_ids` is generated before so many tokens. Default 0.
    pub min_tokens: usize,
    /// Tokens that end the generation.
    pub stop_ids: Vec<u32>,
    /// Tokens that XTC never excludes.
    pub protected: Vec<u32>,
    /// The generation ends with the first token after this time. Default none.
    pub time_limit: Option<Duration>,
    /// Reports the log-probability of each token, and so many of the most probable alternatives. Default none.
    pub logprobs: Option<usize>,
    /// Prompt tokens per evaluation. Default 2048.
    pub prefill_step: usize,
    /// Positions in the prompt, in tokens, at which a snapshot of the cache is taken.
    pub checkpoints: Vec<usize>,
    /// Whether the cache is handed out when the generation ends.
    pub keep_cache: bool,
    /// How keys and values are kept.
    pub kv: KvOptions,
}

impl Default for TokenOptions {
    fn default() -> TokenOptions {
        TokenOptions {
            sampling: Sampling::default(),
            penalties: Penalties::default(),
            grammar: None,
            max_tokens: 256,
            min_tokens: 0,
            stop_ids: vec![],
            protected: vec![],
            time_limit: None,
            logprobs: None,
            prefill_step: 2048,
            checkpoints: vec![],
            keep_cache: false,
            kv: KvOptions::default(),
        }
    }
}

impl TokenOptions {
    pub(super) fn check(&self) -> Result<()> {
        self.sampling.check()?;
        self.penalties.check()?;
        if self.prefill_step == 0 {
            return Err(Error::Invalid("the prefill step is zero; it must be 1 or more".into()));
        }
        Ok(())
    }

    /// Whether the next token cannot be chosen before the last one is known here.
    pub(super) fn looks_back(&self) -> bool {
        self.grammar.is_some() || self.penalties.look_back()
    }
}

/// How keys and values are kept. The default keeps all of them as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KvOptions {
    /// Layers without a window of their own keep so many tokens: the first four and the last others.
    pub max_size: Option<usize>,
    /// Keys and values are quantized to this.
    pub quantization: Option<Quantization>,
    /// They are quantized once so many tokens have passed. Default 0.
    pub quantization_start: usize,
}

impl KvOptions {
    /// Tokens at the start that a bounded cache keeps: attention sinks
    /// ([Xiao et al., 2023](https://arxiv.org/abs/2309.17453)).
    pub const KEEP: i32 = 4;

    /// An empty cache for `model`.
    ///
    /// # Errors
    /// A size of no more than [`KvOptions::KEEP`], a quantization that does not exist.
    pub fn new_cache(&self, model: &dyn LanguageModel) -> Result<Cache> {
        let mut cache = model.new_cache();
        if let Some(size) = self.max_size {
            cache.limit(i32::try_from(size).unwrap_or(i32::MAX), KvOptions::KEEP)?;
        }
        self.quantize(cache)
    }

    /// The cache for `prompt`, behind what `start` has of it.
    pub(super) fn cache_for(
        &self,
        model: &dyn LanguageModel,
        prompt: &[u32],
        start: Option<Snapshot>,
    ) -> Result<Cache> {
        match start {
            // Its size is what it was made with.
            Some(start) => self.quantize(start.for_prompt(prompt)?),
            None => self.new_cache(model),
        }
    }

    fn quantize(&self, mut cache: Cache) -> Result<Cache> {
        if let Some(quantization) = self.quantization {
            cache.quantize(quantization, i32::try_from(self.quantization_start).unwrap_or(i32::MAX))?;
        }
        Ok(cache)
    }
}
