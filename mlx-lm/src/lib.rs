//! Language models on Apple's MLX: load a checkpoint of mlx-community, or a GGUF file, and let it talk.
//!
//! ```no_run
//! use mlx_lm::{Lm, Sampling};
//!
//! # fn main() -> mlx_lm::Result<()> {
//! let lm = Lm::load("mlx-community/Llama-3.2-3B-Instruct-4bit")?; // folder, .gguf file, short name or repository
//! let sampling = Sampling { temperature: 0.7, top_p: 0.9, seed: 1, ..Sampling::default() };
//! for piece in lm.chat("Why is the sky blue?")?.max_tokens(200).sampling(sampling) {
//!     print!("{}", piece?.text);
//! }
//! # Ok(()) }
//! ```
//!
//! [`source`] finds and downloads models, [`models`] has the architectures, [`generate`] the token loop, [`chat`]
//! takes answers apart.

#![forbid(unsafe_code)]

mod cache;
mod chat_template;
mod config;
mod convert;
mod detokenizer;
mod embed;
mod error;
mod fit;
mod generation_config;
mod lm;
mod machine;
mod quantization;
mod stop;
mod summary;
mod tokenizer;

pub mod chat;
pub mod generate;
pub mod gguf;
pub mod measure;
pub mod models;
#[cfg(feature = "serve")]
pub mod serve;
pub mod source;
pub mod weights;

pub use cache::{AttentionCache, Cache, LayerCache, Offset, State};
pub use chat_template::{ChatTemplate, Message, TemplateOptions};
pub use config::ModelConfig;
pub use convert::{ConvertOptions, Converted, LayerInfo, MixedBits, Recipe, WeightChange, convert};
pub use detokenizer::Detokenizer;
pub use embed::{Embedding, Pooling};
pub use error::{Error, Result};
pub use fit::{Fit, fit};
pub use generate::{
    Batch, Dry, Event, Finish, Generation, Grammar, Penalties, Piece, Request, Sampling, Stats, Structure,
};
pub use generation_config::GenerationConfig;
pub use lm::Lm;
pub use machine::Machine;
pub use stop::{Held, StopStrings};
pub use summary::{CacheSize, Summary};
pub use tokenizer::Tokenizer;
