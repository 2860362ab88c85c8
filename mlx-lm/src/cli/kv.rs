//! How keys and values are kept, as arguments.

use clap::Args;
use mlx::nn::Quantization;
use mlx_lm::{
    Error, Generation, Lm, Request, Result,
    generate::{KvOptions, Snapshot},
};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Keys and values")]
pub(crate) struct KvArguments {
    /// Keep the first four tokens and the last ones, so many together, where the model keeps all
    #[arg(long, value_name = "TOKENS")]
    max_kv_size: Option<usize>,
    /// Quantize keys and values to 8 or 4 bits
    #[arg(long, value_name = "BITS")]
    kv_bits: Option<i32>,
    /// Numbers that share a scale
    #[arg(long, default_value_t = 64, requires = "kv_bits", value_name = "SIZE")]
    kv_group_size: i32,
    /// Go on behind what this file holds: a prompt cache of --save-prompt-cache or of Python mlx-lm
    #[arg(long, requires = "raw", value_name = "FILE", conflicts_with_all = ["max_kv_size", "kv_bits"])]
    prompt_cache: Option<PathBuf>,
    /// Write keys and values of prompt and answer to this file
    #[arg(long, value_name = "FILE")]
    save_prompt_cache: Option<PathBuf>,
}

impl KvArguments {
    pub(crate) fn apply<'m>(&self, request: Request<'m>) -> Request<'m> {
        let quantization = self.kv_bits.map(|bits| Quantization::affine(self.kv_group_size, bits));
        let request = request.kv(KvOptions { max_size: self.max_kv_size, quantization });
        if self.save_prompt_cache.is_some() { request.keep_cache() } else { request }
    }

    /// The request that goes on behind a prompt cache with `prompt`, if one is given.
    pub(crate) fn request<'m>(&self, lm: &'m Lm, prompt: &str) -> Result<Option<Request<'m>>> {
        let Some(path) = &self.prompt_cache else { return Ok(None) };
        let (snapshot, _) = Snapshot::load(path, lm.model())?;
        let mut tokens = snapshot.tokens.clone();
        tokens.extend(lm.tokenizer().encode(prompt, false)?);
        Ok(Some(lm.generate(tokens).start_from(snapshot)))
    }

    /// Writes what a generation has left behind, if that was asked for.
    pub(crate) fn save(&self, model: &str, generation: &mut Generation<'_>) -> Result<()> {
        let Some(path) = &self.save_prompt_cache else { return Ok(()) };
        let metadata = BTreeMap::from([("model".to_owned(), model.to_owned())]);
        match generation.take_snapshot() {
            Some(snapshot) => snapshot.save(path, &metadata),
            None => Err(Error::Invalid("nothing was generated, so there is no prompt cache to save".into())),
        }
    }
}
