//! Prompt caches, as arguments.

use clap::Args;
use mlx_lm::{Error, Generation, Lm, Request, Result, generate::Snapshot};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Prompt caches")]
pub(crate) struct PromptCacheArguments {
    /// Go on behind what this file holds: a prompt cache of --save-prompt-cache, of cache-prompt or of Python mlx-lm
    #[arg(
        long,
        requires = "raw",
        value_name = "FILE",
        visible_alias = "prompt-cache-file",
        conflicts_with_all = ["max_kv_size", "kv_bits"]
    )]
    prompt_cache: Option<PathBuf>,
    /// Write keys and values of prompt and answer to this .safetensors file
    #[arg(long, value_name = "FILE")]
    save_prompt_cache: Option<PathBuf>,
}

impl PromptCacheArguments {
    /// The request that goes on behind a prompt cache with `prompt`, if one is given.
    pub(crate) fn request<'m>(&self, lm: &'m Lm, prompt: &str) -> Result<Option<Request<'m>>> {
        let Some(path) = &self.prompt_cache else { return Ok(None) };
        let (snapshot, _) = Snapshot::load(path, lm.model())?;
        let mut tokens = snapshot.tokens.clone();
        tokens.extend(lm.tokenizer().encode(prompt, false)?);
        Ok(Some(lm.generate(tokens).start_from(snapshot)))
    }

    pub(crate) fn apply<'m>(&self, request: Request<'m>) -> Request<'m> {
        if self.save_prompt_cache.is_some() { request.keep_cache() } else { request }
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
