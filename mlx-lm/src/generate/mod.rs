//! From a prompt to text, token by token.

mod sampling;
mod text;
mod tokens;

pub use sampling::Sampling;
pub use text::{Finish, Generation, Piece, Pieces, Prompt, Request, Stats};
pub use tokens::{TokenOptions, Tokens};
