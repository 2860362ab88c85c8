//! The one error type of the crate: each variant is something a caller can decide on.

use std::path::{Path, PathBuf};

/// Result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. The text names the thing, the place and, where there is one, the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing answers to that name: no folder, no file, no catalogue entry, no repository.
    #[error("no model `{name}`: {hint}")]
    ModelNotFound {
        /// What was asked for.
        name: String,
        /// What was tried, and what would work.
        hint: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A download failed: the network, the server, or what it sent.
    #[error("cannot download {what}: {message}")]
    Download {
        /// Repository, package or address.
        what: String,
        /// The reason, and what to do.
        message: String,
    },
    /// The model is not in the cache and the network may not be used.
    #[error("{what} is not in the cache, and offline mode is on; unset HF_HUB_OFFLINE or download it first")]
    Offline {
        /// Repository or package.
        what: String,
    },
    /// A configuration file does not say what it must.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No code for this architecture.
    #[error("unsupported model type `{model_type}`; known: {known}")]
    UnsupportedModel {
        /// `model_type` of `config.json`, or the GGUF architecture.
        model_type: String,
        /// The known ones, separated by commas.
        known: String,
    },
    /// No code for this way of storing numbers.
    #[error("unsupported quantization {0}")]
    UnsupportedQuantization(String),
    /// A weight file is corrupt or does not match the model.
    #[error("{}: {message}", path.display())]
    Weights {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The tokenizer cannot be built or refuses the text.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The chat template does not parse, or fails for these messages.
    #[error("chat template: {0}")]
    Template(String),
    /// A grammar cannot be read, or cannot be followed any further.
    #[error("grammar: {0}")]
    Grammar(String),
    /// The prompt and the answer do not fit the model's context.
    #[error(
        "the prompt has {prompt} tokens, the model's context only {limit}; shorten it or use another model"
    )]
    ContextLength {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens the model was made for.
        limit: usize,
    },
    /// An operation on arrays failed.
    #[error(transparent)]
    Mlx(#[from] mlx::Error),
    /// An option has a value that makes no sense.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    /// An [`Error::Io`] at `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Error {
        Error::Io { path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Config`] at `path`.
    pub fn config(path: impl AsRef<Path>, message: impl ToString) -> Error {
        Error::Config { path: path.as_ref().to_path_buf(), message: message.to_string() }
    }

    /// An [`Error::Weights`] at `path`.
    pub fn weights(path: impl AsRef<Path>, message: impl ToString) -> Error {
        Error::Weights { path: path.as_ref().to_path_buf(), message: message.to_string() }
    }
}
