//! The tokenizer in the metadata, rebuilt as the `tokenizer.json` it was made from.

use std::collections::HashSet;

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::prepend::Prepend;
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::normalizers::utils::Sequence as Normalizers;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

use super::Gguf;
use super::pre_tokenizer::Family;
use crate::error::{Error, Result};
use crate::tokenizer::{frame, merges_from_scores};

/// The character SentencePiece writes for a space.
const SPACE: &str = "▁";

/// A tokenizer with what stands beside it in the metadata.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GgufTokenizer {
    /// Text to token ids and back. With `add_special_tokens` it prepends the beginning-of-sequence token exactly if
    /// [`GgufTokenizer::add_bos`] holds.
    pub tokenizer: Tokenizer,
    /// Beginning of sequence.
    pub bos: Option<u32>,
    /// Every token that ends an answer: end of sequence, of turn and of message.
    pub eos: Vec<u32>,
    /// Whether a prompt starts with [`GgufTokenizer::bos`].
    pub add_bos: bool,
    /// The Jinja template that renders a conversation.
    pub chat_template: Option<String>,
}

/// What a token is: `tokenizer.ggml.token_type`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// Tokens by id, with their kinds (all normal where the file does not tell).
struct Vocabulary<'a> {
    tokens: &'a [String],
    kinds: Vec<Kind>,
}

impl Gguf {
    /// Rebuilds the tokenizer: byte-level BPE (`tokenizer.ggml.model` = `gpt2`) or SentencePiece BPE (`llama`).
    ///
    /// # Errors
    /// [`Error::Tokenizer`] for other tokenizers, an unknown `tokenizer.ggml.pre`, and inconsistent metadata.
    pub fn tokenizer(&self) -> Result<GgufTokenizer> {
        let vocabulary = Vocabulary::read(self)?;
        let (mut tokenizer, defaults) = match self.metadata().string("tokenizer.ggml.model")? {
            Some("gpt2") => self.byte_level(&vocabulary)?,
            Some("llama") => self.sentence_piece(&vocabulary)?,
            other => {
                let message =
                    format!("unsupported tokenizer {other:?} (tokenizer.ggml.model); known: gpt2, llama");
                return Err(Error::Tokenizer(message));
            }
        };
        tokenizer.add_tokens(vocabulary.added()).map_err(failed)?;

        let bos = self.token_id("bos", &vocabulary)?.or(defaults.bos);
        let mut eos = Vec::new();
        for name in ["eos", "eot", "eom"] {
            eos.extend(self.token_id(name, &vocabulary)?.filter(|id| !eos.contains(id)));
        }
        if eos.is_empty() {
            eos.extend(defaults.eos);
        }
        let add_bos = self.metadata().bool("tokenizer.ggml.add_bos_token")?.unwrap_or(defaults.add_bos);
        if let (true, Some(id)) = (add_bos, bos) {
            tokenizer.with_post_processor(frame(Some((vocabulary.tokens[id as usize].clone(), id)), None)?);
        }
        let chat_template = self.metadata().string("tokenizer.chat_template")?.map(str::to_owned);
        Ok(GgufTokenizer { tokenizer, bos, eos, add_bos: add_bos && bos.is_some(), chat_template })
    }

    fn byte_level(&self, vocabulary: &Vocabulary<'_>) -> Result<(Tokenizer, Defaults)> {
        // Early files do not name a family; llama.cpp takes `default` for them, too.
        let family = Family::named(self.metadata().string("tokenizer.ggml.pre")?.unwrap_or("default"))?;
        let merges = self.merges(vocabulary)?.ok_or_else(|| missing("merges"))?;
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary.ids(), merges)
            .ignore_merges(family.ignore_merges)
            .build()
            .map_err(failed)?;
        let mut tokenizer = Tokenizer::new(bpe);
        tokenizer.with_normalizer(family.nfc.then_some(NFC)).map_err(failed)?;
        tokenizer.with_pre_tokenizer(Some(family.pre_tokenizer()?));
        tokenizer.with_decoder(Some(ByteLevel::new(false, true, true)));
        Ok((tokenizer, Defaults { bos: None, eos: None, add_bos: family.add_bos }))
    }

    fn sentence_piece(&self, vocabulary: &Vocabulary<'_>) -> Result<(Tokenizer, Defaults)> {
        let merges = match self.merges(vocabulary)? {
            Some(merges) => merges,
            None => {
                let scores =
                    self.metadata().floats("tokenizer.ggml.scores")?.ok_or_else(|| missing("scores"))?;
                vocabulary.check_len("scores", scores.len())?;
                merges_from_scores(vocabulary.tokens, &scores, |id| vocabulary.kinds[id] == Kind::Normal)?
            }
        };
        let mut bpe =
            BPE::builder().vocab_and_merges(vocabulary.ids(), merges).byte_fallback(true).fuse_unk(true);
        let unknown = self.token_id("unknown", vocabulary)?.unwrap_or(0);
        if let Some(token) = vocabulary.tokens.get(unknown as usize) {
            bpe = bpe.unk_token(token.clone());
        }
        let mut tokenizer = Tokenizer::new(bpe.build().map_err(failed)?);

        let space_prefix = self.metadata().bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
        let mut normalizers = Vec::new();
        let mut decoders = vec![
            Replace::new(SPACE, " ").map_err(failed)?.into(),
            ByteFallback::new().into(),
            Fuse::new().into(),
        ];
        if space_prefix {
            normalizers.push(Prepend::new(SPACE.to_owned()).into());
            decoders.push(Strip::new(' ', 1, 0).into());
        }
        normalizers.push(Replace::new(" ", SPACE).map_err(failed)?.into());
        tokenizer.with_normalizer(Some(Normalizers::new(normalizers))).map_err(failed)?;
        tokenizer.with_decoder(Some(Decoders::new(decoders)));
        let id = |id: u32| vocabulary.tokens.get(id as usize).map(|_| id);
        Ok((tokenizer, Defaults { bos: id(1), eos: id(2), add_bos: true }))
    }

    /// `tokenizer.ggml.merges`, each checked to join two tokens into a token.
    fn merges(&self, vocabulary: &Vocabulary<'_>) -> Result<Option<Vec<(String, String)>>> {
        let Some(merges) = self.metadata().strings("tokenizer.ggml.merges")? else { return Ok(None) };
        let tokens: HashSet<&str> = vocabulary.tokens.iter().map(String::as_str).collect();
        let split = |merge: &String| {
            // The first character may itself be a space.
            let first = merge.chars().next()?.len_utf8();
            let at = first + merge[first..].find(' ')?;
            let (left, right) = (&merge[..at], &merge[at + 1..]);
            let known =
                [left, right, &format!("{left}{right}")].into_iter().all(|token| tokens.contains(token));
            known.then(|| (left.to_owned(), right.to_owned()))
        };
        let pairs = merges.iter().map(|merge| {
            split(merge)
                .ok_or_else(|| Error::Tokenizer(format!("merge {merge:?} does not join two tokens into one")))
        });
        pairs.collect::<Result<_>>().map(Some)
    }

    /// `tokenizer.ggml.<name>_token_id`.
    fn token_id(&self, name: &str, vocabulary: &Vocabulary<'_>) -> Result<Option<u32>> {
        let key = format!("tokenizer.ggml.{name}_token_id");
        match self.metadata().u32(&key)? {
            Some(id) if id as usize >= vocabulary.tokens.len() => Err(Error::Tokenizer(format!(
                "`{key}` is {id}, but there are {} tokens",
                vocabulary.tokens.len()
            ))),
            id => Ok(id),
        }
    }
}

/// What holds where the metadata is silent.
struct Defaults {
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
}

impl<'a> Vocabulary<'a> {
    fn read(gguf: &'a Gguf) -> Result<Self> {
        let tokens = gguf.metadata().strings("tokenizer.ggml.tokens")?.ok_or_else(|| missing("tokens"))?;
        let kinds = match gguf.metadata().uints("tokenizer.ggml.token_type")? {
            Some(kinds) => kinds.into_iter().map(Kind::from_id).collect::<Result<_>>()?,
            None => vec![Kind::Normal; tokens.len()],
        };
        let vocabulary = Vocabulary { tokens, kinds };
        vocabulary.check_len("token_type", vocabulary.kinds.len())?;
        Ok(vocabulary)
    }

    fn check_len(&self, name: &str, len: usize) -> Result<()> {
        if len == self.tokens.len() {
            return Ok(());
        }
        let message = format!("`tokenizer.ggml.{name}` has {len} entries for {} tokens", self.tokens.len());
        Err(Error::Tokenizer(message))
    }

    /// Text to id. Where a text stands twice, the last id counts.
    fn ids(&self) -> Vocab {
        self.tokens.iter().zip(0..).map(|(token, id)| (token.clone(), id)).collect()
    }

    /// The tokens that are found in text before anything else is done to it.
    fn added(&self) -> Vec<AddedToken> {
        let tokens = self.tokens.iter().zip(&self.kinds).filter_map(|(token, kind)| match kind {
            Kind::Control => Some(AddedToken::from(token.clone(), true)),
            Kind::UserDefined => Some(AddedToken::from(token.clone(), false).normalized(false)),
            Kind::Normal | Kind::Unknown | Kind::Unused | Kind::Byte => None,
        });
        tokens.collect()
    }
}

impl Kind {
    fn from_id(id: u64) -> Result<Kind> {
        Ok(match id {
            // 0 means undefined, which converters of early files wrote for ordinary tokens.
            0 | 1 => Kind::Normal,
            2 => Kind::Unknown,
            3 => Kind::Control,
            4 => Kind::UserDefined,
            5 => Kind::Unused,
            6 => Kind::Byte,
            _ => {
                return Err(Error::Tokenizer(format!("unknown token type {id} (tokenizer.ggml.token_type)")));
            }
        })
    }
}

fn missing(name: &str) -> Error {
    Error::Tokenizer(format!("metadata `tokenizer.ggml.{name}` is missing"))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer(error.to_string())
}
