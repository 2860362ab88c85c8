//! A model ready to talk: weights, tokenizer and defaults together.

use crate::{
    CacheSize, Error, GenerationConfig, Message, ModelConfig, Result, TemplateOptions, Tokenizer,
    generate::{Grammar, Grammars, Penalties, Prompt, Request, Sampling, Structure},
    models::LanguageModel,
    source::{Location, SourceOptions, resolve},
    weights,
};
use std::cell::OnceCell;

/// A language model with its tokenizer.
///
/// ```no_run
/// # fn main() -> mlx_lm::Result<()> {
/// let lm = mlx_lm::Lm::load("smollm2:135m")?;
/// for piece in lm.chat("What is the capital of France?")?.max_tokens(50) {
///     print!("{}", piece?.text);
/// }
/// # Ok(()) }
/// ```
///
/// It stays on the thread that loaded it; [`mlx::Engine`] gives it a thread of its own.
pub struct Lm {
    pub(crate) model: Box<dyn LanguageModel>,
    pub(crate) tokenizer: Tokenizer,
    config: ModelConfig,
    generation: GenerationConfig,
    warnings: Vec<String>,
    grammars: OnceCell<Grammars>,
}

impl Lm {
    /// Loads the model called `name` (see [`resolve`]), downloading it if need be. The environment decides about
    /// caches, hub and token.
    ///
    /// # Errors
    /// As [`resolve`] and [`Lm::open`].
    pub fn load(name: &str) -> Result<Lm> {
        Lm::open(&resolve(name, &SourceOptions::from_env()?)?)
    }

    /// Loads the model at `location`.
    ///
    /// # Errors
    /// Files that are missing or corrupt, an architecture or quantization without code, and tensors that do not
    /// match the model.
    pub fn open(location: &Location) -> Result<Lm> {
        let parts = match location {
            Location::Folder(folder) => weights::Parts::from_folder(folder)?,
            Location::Gguf(file) => weights::Parts::from_gguf(file)?,
        };
        let weights::Parts { config, loader, tokenizer, generation, warnings } = parts;
        let model = crate::models::build(&config, &loader).map_err(|error| error.at(location.path()))?;
        weights::evaluate(model.as_ref())?;
        Ok(Lm { model, tokenizer, config, generation, warnings, grammars: OnceCell::new() })
    }

    /// Asks for the continuation of `prompt`: text, or token ids.
    pub fn generate(&self, prompt: impl Into<Prompt>) -> Request<'_> {
        Request::new(self, prompt.into())
    }

    /// Asks for the answer to one message, in the model's chat format.
    ///
    /// # Errors
    /// [`Error::Template`] if the model has no chat template, or it fails.
    pub fn chat(&self, message: &str) -> Result<Request<'_>> {
        self.chat_with(&[Message::user(message)], &TemplateOptions::default())
    }

    /// Asks for the next message of a conversation.
    ///
    /// # Errors
    /// As [`Lm::chat`].
    pub fn chat_with(&self, messages: &[Message], options: &TemplateOptions) -> Result<Request<'_>> {
        let text = self.tokenizer.apply_chat_template(messages, options)?;
        // The template has written the special tokens itself.
        Ok(self.generate(Prompt::Tokens(self.tokenizer.encode(&text, false)?)))
    }

    /// The model alone.
    pub fn model(&self) -> &dyn LanguageModel {
        self.model.as_ref()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What `config.json` says.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The defaults its makers recommend.
    pub fn generation_config(&self) -> &GenerationConfig {
        &self.generation
    }

    /// How the model's makers recommend to choose tokens, in `generation_config.json`; greedy where they do not say.
    pub fn sampling(&self) -> Sampling {
        let config = &self.generation;
        if config.do_sample != Some(true) {
            return Sampling::default();
        }
        let default = Sampling::default();
        Sampling {
            temperature: config.temperature.unwrap_or(1.0),
            top_p: config.top_p.unwrap_or(default.top_p),
            top_k: config.top_k.unwrap_or(default.top_k),
            min_p: config.min_p.unwrap_or(default.min_p),
            ..default
        }
    }

    /// The penalties that the model's makers recommend, in `generation_config.json`; none where they do not say.
    pub fn penalties(&self) -> Penalties {
        match self.generation.repetition_penalty {
            // transformers penalizes all tokens so far.
            Some(repetition) => Penalties { repetition, repetition_context: 0, ..Penalties::default() },
            None => Penalties::default(),
        }
    }

    /// Makes ready what an answer must be, for [`Request::grammar`].
    ///
    /// # Errors
    /// [`Error::Grammar`] for a schema, expression or grammar that is malformed or not supported.
    pub fn grammar(&self, structure: &Structure) -> Result<Grammar> {
        if let Some(grammars) = self.grammars.get() {
            return grammars.compile(structure);
        }
        let grammars = Grammars::new(&self.tokenizer)?;
        self.grammars.get_or_init(|| grammars).compile(structure)
    }

    /// What the user should know about the files.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The most tokens of prompt and answer together, if the model says.
    pub fn context_length(&self) -> Option<usize> {
        self.config.integer("max_position_embeddings", 1..=1 << 30).ok().flatten()
    }

    /// What tokens cost in the cache.
    pub fn cache_size(&self) -> CacheSize {
        CacheSize::of(&self.config)
    }

    /// Bytes of all weights.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn weight_bytes(&self) -> Result<usize> {
        Ok(self.model.parameters().values().map(mlx::Array::nbytes).sum::<mlx::Result<usize>>()?)
    }
}

impl Error {
    /// Names the files where a model error does not.
    pub(crate) fn at(self, path: &std::path::Path) -> Error {
        match self {
            Error::Mlx(error) if error.kind() == mlx::ErrorKind::Weights => {
                Error::weights(path, error.message())
            }
            other => other,
        }
    }
}
