//! What to generate.

use super::{Draft, Dry, Generation, Grammar, KvOptions, Penalties, Piece, Sampling, Snapshot, TokenOptions};
use crate::{Error, Lm, Result};
use mlx::Array;
use std::time::Duration;

/// What to continue.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// Text; the tokenizer adds its special tokens.
    Text(String),
    /// Token ids, used as they are.
    Tokens(Vec<u32>),
    /// What stands in place of tokens: `[1, length, features]`. Not every model takes it.
    Embeddings(Array),
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Prompt {
        Prompt::Text(text.to_owned())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Prompt {
        Prompt::Text(text)
    }
}

impl From<Vec<u32>> for Prompt {
    fn from(ids: Vec<u32>) -> Prompt {
        Prompt::Tokens(ids)
    }
}

impl From<&[u32]> for Prompt {
    fn from(ids: &[u32]) -> Prompt {
        Prompt::Tokens(ids.to_vec())
    }
}

impl From<Array> for Prompt {
    fn from(embeddings: Array) -> Prompt {
        Prompt::Embeddings(embeddings)
    }
}

/// A generation to run: iterate it, or [add](super::Batch::add) it to a batch.
///
/// Where sampling and penalties are not given, they are what the model's makers recommend
/// ([`Lm::sampling`], [`Lm::penalties`]).
#[derive(Clone)]
pub struct Request<'m> {
    pub(super) lm: &'m Lm,
    pub(super) prompt: Prompt,
    pub(super) options: TokenOptions,
    pub(super) stop: Vec<String>,
    pub(super) start: Option<Snapshot>,
    pub(super) draft: Option<Draft<'m>>,
}

impl<'m> Request<'m> {
    pub(crate) fn new(lm: &'m Lm, prompt: Prompt) -> Request<'m> {
        let options = TokenOptions {
            sampling: lm.sampling(),
            penalties: lm.penalties(),
            stop_ids: lm.tokenizer().eos_ids().to_vec(),
            ..TokenOptions::default()
        };
        Request { lm, prompt, options, stop: vec![], start: None, draft: None }
    }

    /// The most tokens to generate. Default 256. The model's context may end it earlier.
    pub fn max_tokens(mut self, count: usize) -> Self {
        self.options.max_tokens = count;
        self
    }

    /// The text does not end before so many tokens. Default 0.
    pub fn min_tokens(mut self, count: usize) -> Self {
        self.options.min_tokens = count;
        self
    }

    /// Goes on behind tokens that end texts.
    pub(crate) fn endless(mut self) -> Self {
        self.options.stop_ids.clear();
        self
    }

    /// Ends with the first token after this time. Default no limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.options.time_limit = Some(limit);
        self
    }

    /// How tokens are chosen.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.options.sampling = sampling;
        self
    }

    /// What changes the scores before tokens are chosen.
    pub fn penalties(mut self, penalties: Penalties) -> Self {
        self.options.penalties = penalties;
        self
    }

    /// What the answer must spell; see [`Lm::grammar`].
    pub fn grammar(mut self, grammar: Grammar) -> Self {
        self.options.grammar = Some(grammar);
        self
    }

    /// Reports the log-probability of each token, and of the `top` most probable ones.
    pub fn logprobs(mut self, top: usize) -> Self {
        self.options.logprobs = Some(top);
        self
    }

    /// Ends the generation where one of `strings` begins; it is not part of the text.
    pub fn stop(mut self, strings: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.stop.extend(strings.into_iter().map(Into::into));
        self
    }

    /// Prompt tokens per evaluation. Default 2048.
    pub fn prefill_step(mut self, tokens: usize) -> Self {
        self.options.prefill_step = tokens;
        self
    }

    /// How keys and values are kept. Default all, as they are.
    pub fn kv(mut self, options: KvOptions) -> Self {
        self.options.kv = options;
        self
    }

    /// Starts from what an earlier generation left behind. The prompt begins with the tokens of `snapshot`.
    pub fn start_from(mut self, snapshot: Snapshot) -> Self {
        self.start = Some(snapshot);
        self
    }

    /// Takes snapshots at these positions in the prompt, in tokens.
    pub fn checkpoints(mut self, positions: impl IntoIterator<Item = usize>) -> Self {
        self.options.checkpoints.extend(positions);
        self
    }

    /// Hands out the cache when the generation ends.
    pub fn keep_cache(mut self) -> Self {
        self.options.keep_cache = true;
        self
    }

    /// Lets a smaller model of the same tokens guess up to `count` tokens, 1 to 32, for this one to check. The text is the
    /// same as without. Where the model cannot take guesses back, [`Generation::note`] says so.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a draft model with other tokens.
    pub fn draft_model(mut self, draft: &'m Lm, count: usize) -> Result<Self> {
        if self.lm.tokenizer().inner().get_vocab(true) != draft.tokenizer().inner().get_vocab(true) {
            return Err(Error::Invalid("the draft model has other tokens than the model".into()));
        }
        self.draft = Some(Draft::Model { model: draft.model(), count });
        Ok(self)
    }

    /// [`Request::draft_model`], where the guess is what followed the last tokens when they occurred before.
    pub fn prompt_lookup(mut self, count: usize) -> Self {
        self.draft = Some(Draft::Lookup { count });
        self
    }

    /// Begins: encodes the prompt and checks everything, but computes nothing yet.
    ///
    /// # Errors
    /// [`Error::ContextLength`] for a prompt that leaves no room for an answer, [`Error::Invalid`] for senseless
    /// options, [`Error::Tokenizer`].
    pub fn start(self) -> Result<Generation<'m>> {
        Generation::new(self)
    }

    /// Runs to the end and gives the whole text.
    ///
    /// # Errors
    /// As [`Request::start`], and [`Error::Mlx`].
    pub fn text(self) -> Result<String> {
        self.start()?.map(|piece| piece.map(|piece| piece.text)).collect()
    }

    /// Encodes the prompt, and fits the options to model and tokenizer.
    pub(super) fn prepare(&mut self) -> Result<usize> {
        let (lm, options) = (self.lm, &mut self.options);
        if let Prompt::Text(text) = &self.prompt {
            self.prompt = Prompt::Tokens(lm.tokenizer().encode(text, true)?);
        }
        let length = match &self.prompt {
            Prompt::Tokens(ids) => ids.len(),
            Prompt::Embeddings(embeddings) => embeddings.dim(1)? as usize,
            Prompt::Text(_) => 0,
        };
        if let Some(limit) = lm.context_length() {
            if length >= limit {
                return Err(Error::ContextLength { prompt: length, limit });
            }
            options.max_tokens = options.max_tokens.min(limit - length);
        }
        if options.sampling.xtc_probability > 0.0 && options.protected.is_empty() {
            options.protected = lm.tokenizer().encode("\n", false)?;
            options.protected.extend(lm.tokenizer().eos_ids());
        }
        if let Some(dry) = options.penalties.dry.as_mut().filter(|dry| dry.breakers.is_empty()) {
            for text in Dry::BREAKERS {
                let ids = lm.tokenizer().encode(&format!("a{text}"), false)?;
                dry.breakers.extend(ids.last());
            }
        }
        Ok(length)
    }
}

impl<'m> IntoIterator for Request<'m> {
    type Item = Result<Piece>;
    type IntoIter = Pieces<'m>;

    fn into_iter(self) -> Pieces<'m> {
        Pieces(self.start().map_err(Some))
    }
}

/// The pieces of a [`Request`]; if it cannot start, the reason is the only item.
pub struct Pieces<'m>(Result<Generation<'m>, Option<Error>>);

impl Iterator for Pieces<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        match &mut self.0 {
            Ok(generation) => generation.next(),
            Err(error) => error.take().map(Err),
        }
    }
}

impl std::iter::FusedIterator for Pieces<'_> {}
