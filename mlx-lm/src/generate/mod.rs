//! From prompts to text, token by token.
//!
//! [`TokenBatch`] is the engine: sequences of tokens that are generated together. [`Batch`] makes text of them,
//! [`Generation`] is a batch of one request as an iterator, and [`Tokens`] the engine with one sequence.

mod batch;
mod draft;
mod dry;
mod filters;
mod generation;
mod grammar;
mod logprobs;
mod options;
mod penalties;
mod request;
mod sampling;
mod sequence;
mod snapshot;
mod speculative;
mod stats;
mod steps;
mod text;
mod token_batch;
mod tokens;

pub use batch::{Batch, Event};
pub use draft::Draft;
pub use dry::Dry;
pub use generation::Generation;
pub(crate) use grammar::Grammars;
pub use grammar::{Grammar, Structure};
pub use logprobs::Logprobs;
pub use options::{KvOptions, TokenOptions};
pub use penalties::Penalties;
pub use request::{Pieces, Prompt, Request};
pub use sampling::Sampling;
pub use sequence::{Id, Token};
pub use snapshot::Snapshot;
pub use speculative::Speculative;
pub use stats::{HostTime, Stats};
pub(crate) use steps::Steps;
pub use text::{Finish, Piece};
pub use token_batch::{Advanced, Decoded, Prefilled, TokenBatch};
pub use tokens::Tokens;
