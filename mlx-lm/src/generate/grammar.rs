//! Structured output: text that follows a grammar, token by token
//! ([llguidance](https://github.com/guidance-ai/llguidance)).

use crate::{Detokenizer, Error, Result, Tokenizer};
use llguidance::{
    Matcher, ParserFactory,
    api::{GrammarWithLexer, TopLevelGrammar},
};
use mlx::Array;
use serde_json::{Value, json};
use std::sync::Arc;
use toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};

/// What an answer must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Structure {
    /// JSON that this [schema](https://json-schema.org) describes.
    JsonSchema(Value),
    /// Any JSON object.
    JsonObject,
    /// Text that matches the whole of a regular expression.
    Regex(String),
    /// Text of a grammar in [Lark's notation](https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md).
    Lark(String),
}

impl Structure {
    fn grammar(&self) -> TopLevelGrammar {
        match self {
            Structure::JsonSchema(schema) => TopLevelGrammar::from_json_schema(with_spaces(schema.clone())),
            Structure::JsonObject => {
                TopLevelGrammar::from_json_schema(with_spaces(json!({"type": "object"})))
            }
            Structure::Regex(regex) => TopLevelGrammar::from_grammar(GrammarWithLexer::from_regex(regex)),
            Structure::Lark(lark) => TopLevelGrammar::from_lark(lark.clone()),
        }
    }
}

/// Allows between the parts of JSON a space, or a new line and its indentation: with any white space allowed, a model may
/// write nothing else without end.
fn with_spaces(mut schema: Value) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.entry("x-guidance").or_insert_with(|| json!({"whitespace_pattern": " |\\n {0,16}"}));
    }
    schema
}

/// A [`Structure`] made ready for a model's tokens; [`Lm::grammar`](crate::Lm::grammar) makes it. Clones are cheap.
#[derive(Clone)]
pub struct Grammar {
    matcher: Arc<Matcher>,
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grammar")
    }
}

/// Makes grammars for the tokens of one tokenizer.
pub(crate) struct Grammars(ParserFactory);

impl Grammars {
    pub(crate) fn new(tokenizer: &Tokenizer) -> Result<Grammars> {
        let words = Detokenizer::new(tokenizer).vocabulary();
        let [eos, ..] = *tokenizer.eos_ids() else {
            return Err(invalid("the model has no token that ends a text"));
        };
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, eos), &words);
        let trie = trie.with_eos_tokens(tokenizer.eos_ids());
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&env).map_err(invalid)?;
        factory.quiet();
        Ok(Grammars(factory))
    }

    pub(crate) fn compile(&self, structure: &Structure) -> Result<Grammar> {
        let parser = self.0.create_parser(structure.grammar()).map_err(invalid)?;
        let matcher = Matcher::new(Ok(parser));
        match matcher.get_error() {
            Some(error) => Err(invalid(error)),
            None => Ok(Grammar { matcher: Arc::new(matcher) }),
        }
    }
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::Grammar(error.to_string())
}

impl Grammar {
    pub(super) fn start(&self) -> Result<Constraint> {
        Ok(Constraint { matcher: self.matcher.deep_clone() })
    }
}

/// A [`Grammar`] in the middle of a text.
pub(super) struct Constraint {
    matcher: Matcher,
}

impl Constraint {
    /// `logits` `[1, vocabulary]` with minus infinity for every token that must not come next: those that the grammar rules
    /// out, and those `unwanted` unless nothing else is left.
    pub(super) fn mask(&mut self, logits: &Array, unwanted: &[u32]) -> Result<Array> {
        let mut allowed = self.matcher.compute_mask_or_eos().map_err(invalid)?;
        let all = allowed.clone();
        unwanted.iter().filter(|&&id| (id as usize) < all.len()).for_each(|&id| allowed.disallow_token(id));
        if allowed.is_zero() {
            allowed = all;
        }
        if allowed.is_zero() {
            return Err(invalid("no token can continue the text"));
        }
        let vocabulary = logits.dim(-1)?;
        // Here, while the scores are still being computed. Models have more scores than tokens, or fewer: rows are
        // padded.
        let words = allowed.as_slice().iter().copied().chain(std::iter::repeat(0));
        let bits = words.flat_map(|word| (0..32).map(move |bit| word >> bit & 1 == 1));
        let allowed: Vec<bool> = bits.take(vocabulary as usize).collect();
        let allowed = Array::from_slice(&allowed, &[1, vocabulary]);
        Ok(allowed.where_(logits, &mlx::full(&[1, 1], f32::NEG_INFINITY, logits.dtype()?))?)
    }

    /// Takes note of the next token; true if nothing can follow it.
    pub(super) fn accept(&mut self, id: u32) -> Result<bool> {
        self.matcher.consume_token(id).map_err(invalid)?;
        if !self.matcher.is_stopped() {
            return Ok(false);
        }
        match self.matcher.stop_reason() {
            reason if reason.is_ok() => Ok(true),
            reason => Err(invalid(format!("it ended: {reason}"))),
        }
    }

    /// Takes note of a token that may be taken back; false, and nothing has changed, if it cannot come next.
    pub(super) fn suppose(&mut self, id: u32) -> Result<bool> {
        if self.matcher.is_stopped() || self.matcher.validate_tokens(&[id]).map_err(invalid)? == 0 {
            return Ok(false);
        }
        self.matcher.consume_token(id).map_err(invalid)?;
        Ok(true)
    }

    pub(super) fn take_back(&mut self, count: usize) -> Result<()> {
        if count == 0 { Ok(()) } else { self.matcher.rollback(count).map_err(invalid) }
    }
}
