//! Prompt caches, as arguments.

use clap::Args;
use mlx_lm::{
    Error, Generation, Lm, Message, Request, Result, TemplateOptions, Tokenizer, generate::Snapshot,
};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Prompt caches")]
pub(crate) struct PromptCacheArguments {
    /// Go on behind what this file holds, the beginning of the message: a prompt cache of cache-prompt, of
    /// --save-prompt-cache or of Python mlx-lm
    #[arg(
        long,
        value_name = "FILE",
        visible_alias = "prompt-cache-file",
        conflicts_with_all = ["max_kv_size", "system"]
    )]
    prompt_cache: Option<PathBuf>,
    /// Write keys and values of prompt and answer to this .safetensors file
    #[arg(long, value_name = "FILE")]
    save_prompt_cache: Option<PathBuf>,
}

impl PromptCacheArguments {
    /// The request that goes on behind a prompt cache, if one is given: with `prompt` alone if it is `raw`, else with
    /// all that a message which ends in it has from there on.
    pub(crate) fn request<'m>(
        &self,
        lm: &'m Lm,
        model: &str,
        prompt: &str,
        raw: bool,
    ) -> Result<Option<Request<'m>>> {
        let Some(path) = &self.prompt_cache else { return Ok(None) };
        let (snapshot, metadata) = Snapshot::load(path, lm.model())?;
        if let Some(other) = metadata.get("model").filter(|other| *other != model) {
            eprintln!("note: the prompt cache was made with the model {other}");
        }
        let rest = if raw { prompt.to_owned() } else { end_of_message(lm.tokenizer(), prompt)? };
        let mut tokens = snapshot.tokens.clone();
        tokens.extend(lm.tokenizer().encode(&rest, false)?);
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

/// What the chat template makes of a message that ends in `text`, from `text` on.
fn end_of_message(tokenizer: &Tokenizer, text: &str) -> Result<String> {
    const MARK: &str = "<query>";
    let render =
        |text: &str| tokenizer.apply_chat_template(&[Message::user(text)], &TemplateOptions::default());
    let (marked, rendered) = (render(MARK)?, render(text)?);
    // What stands before is the same in both.
    let end = marked.find(MARK).and_then(|start| rendered.get(start..));
    end.map(str::to_owned).ok_or_else(|| {
        Error::Template("it changes the message, so a prompt cache cannot begin it; use --raw".into())
    })
}
