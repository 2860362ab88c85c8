//! Tokens as text: pieces that never split a character or let out part of a stop string.

use super::{Logprobs, Token};
use crate::{Detokenizer, Result, StopStrings, Tokenizer};

/// One token and the text it completes.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The token.
    pub id: u32,
    /// What can be shown now; empty while a character is incomplete or could still become a stop string.
    pub text: String,
    /// How probable the token was, if that was asked for.
    pub logprobs: Option<Logprobs>,
    /// Why this is the last piece, if it is.
    pub finish: Option<Finish>,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// The model ended its text, the grammar allows no more, or a stop string came.
    Stop,
    /// The limit of tokens, or the model's context, was reached.
    Length,
    /// The limit of time was reached.
    Time,
}

/// Makes [`Piece`]s of tokens.
pub(super) struct Text<'m> {
    detokenizer: Detokenizer<'m>,
    eos: &'m [u32],
    stop: StopStrings,
}

impl<'m> Text<'m> {
    pub(super) fn new(tokenizer: &'m Tokenizer, stop: Vec<String>) -> Text<'m> {
        Text {
            detokenizer: Detokenizer::new(tokenizer),
            eos: tokenizer.eos_ids(),
            stop: StopStrings::new(stop),
        }
    }

    /// The piece of the next token; the last one has all text that was held back.
    pub(super) fn push(&mut self, token: Token) -> Result<Piece> {
        let Token { id, logprobs, finish } = token;
        // A token that ends the text is no part of it.
        let ends = finish == Some(Finish::Stop) && self.eos.contains(&id);
        let mut text = if ends { String::new() } else { self.detokenizer.push(id)? };
        if finish.is_some() {
            text += &self.detokenizer.finish()?;
        }
        let held = self.stop.push(&text);
        if held.stopped {
            return Ok(Piece { id, text: held.text, logprobs, finish: Some(Finish::Stop) });
        }
        let rest = if finish.is_some() { self.stop.finish() } else { String::new() };
        Ok(Piece { id, text: held.text + &rest, logprobs, finish })
    }

    /// The stop string that ended the text.
    pub(super) fn matched(&self) -> Option<&str> {
        self.stop.matched()
    }
}
