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
use toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie};

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
        Ok(Constraint { matcher: self.matcher.deep_clone(), last: None })
    }
}

#[cfg(test)]
impl Grammar {
    /// The tokens of a text of the grammar: `choose` picks each among those that may come next.
    pub(crate) fn write(&self, mut choose: impl FnMut(&[u32]) -> u32) -> Result<Vec<u32>> {
        let (mut constraint, mut ids) = (self.start()?, vec![]);
        loop {
            let allowed: Vec<u32> =
                constraint.matcher.compute_mask_or_eos().map_err(invalid)?.iter().collect();
            let id = choose(&allowed);
            ids.push(id);
            if constraint.accept(id)? {
                return Ok(ids);
            }
        }
    }
}

/// A [`Grammar`] in the middle of a text.
pub(super) struct Constraint {
    matcher: Matcher,
    /// The mask of the step before: inside a string it is often the next one too.
    last: Option<Mask>,
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
        let mask = match self.last.take() {
            Some(mask) if mask.fits(logits)? => mask.with(allowed)?,
            _ => Mask::new(allowed, logits)?,
        };
        let masked = mask.apply(logits);
        self.last = Some(mask);
        masked
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

/// Which tokens may come next, for scores of one shape.
struct Mask {
    bits: SimpleVob,
    /// `[1, vocabulary]`.
    allowed: Array,
    /// As many scores of minus infinity: operations on equal shapes are the fast ones.
    never: Array,
}

impl Mask {
    fn new(bits: SimpleVob, logits: &Array) -> Result<Mask> {
        let allowed = expand(&bits, logits.dim(-1)?);
        let never = logits.full_like(f32::NEG_INFINITY)?;
        Ok(Mask { bits, allowed, never })
    }

    fn fits(&self, logits: &Array) -> Result<bool> {
        Ok(self.never.shape()? == logits.shape()? && self.never.dtype()? == logits.dtype()?)
    }

    fn with(self, bits: SimpleVob) -> Result<Mask> {
        if bits == self.bits {
            return Ok(self);
        }
        let allowed = expand(&bits, self.never.dim(-1)?);
        Ok(Mask { bits, allowed, ..self })
    }

    fn apply(&self, logits: &Array) -> Result<Array> {
        Ok(self.allowed.where_(logits, &self.never)?)
    }
}

/// The bits of each byte, the lowest first.
const BITS: [[bool; 8]; 256] = {
    let mut bits = [[false; 8]; 256];
    let mut at = 0;
    while at < 256 * 8 {
        bits[at / 8][at % 8] = ((at / 8) >> (at % 8)) & 1 == 1;
        at += 1;
    }
    bits
};

/// `[1, vocabulary]`: true for the tokens in `bits`. Models have more scores than tokens, or fewer, as rows are padded.
fn expand(bits: &SimpleVob, vocabulary: i32) -> Array {
    let bytes = bits.as_slice().iter().flat_map(|word| word.to_le_bytes());
    let mut allowed = Vec::with_capacity(bits.as_slice().len() * 32);
    bytes.for_each(|byte| allowed.extend_from_slice(&BITS[usize::from(byte)]));
    allowed.resize(vocabulary as usize, false);
    Array::from_slice(&allowed, &[1, vocabulary])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masks_let_through_what_their_bits_say(
            tokens in 1..200usize,
            vocabulary in 1..260i32,
            sets in prop::collection::vec(prop::collection::vec(0..200u32, 0..40), 1..4),
        ) {
            let logits = Array::from_slice(&vec![1.0f32; vocabulary as usize], &[1, vocabulary]);
            let mut mask: Option<Mask> = None;
            for set in sets {
                let mut bits = SimpleVob::alloc(tokens);
                set.iter().filter(|&&id| (id as usize) < tokens).for_each(|&id| bits.allow_token(id));
                let next = match mask.take() {
                    Some(mask) => mask.with(bits.clone())?,
                    None => Mask::new(bits.clone(), &logits)?,
                };
                let found = next.apply(&logits)?.to_vec::<f32>()?;
                let is_allowed = |id: usize| id < tokens && bits.is_allowed(id as u32);
                let expected = (0..vocabulary as usize).map(|id| if is_allowed(id) { 1.0 } else { f32::NEG_INFINITY });
                prop_assert_eq!(found, expected.collect::<Vec<_>>());
                mask = Some(next);
            }
        }
    }
}
