//! SentencePiece's `tokenizer.model`: a protocol buffer with pieces, scores and the normalization they were trained
//! with.

use serde_json::{Map, Value};
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::BPE;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::precompiled::Precompiled;
use tokenizers::normalizers::prepend::Prepend;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::utils::Sequence as Normalizers;
use tokenizers::{AddedToken, DecoderWrapper, ModelWrapper, NormalizerWrapper, Tokenizer};

use super::frame::frame;
use super::merges::merges_from_scores;
use super::protobuf::{Field, fields};
use crate::error::{Error, Result};

/// The character SentencePiece writes for a space.
const SPACE: &str = "▁";

/// The score of pieces that text is not made of, as long as all its characters are known.
const NEVER: f64 = -1e6;

/// More spaces than any text begins with.
const ALL: usize = 1 << 30;

/// A file, as far as it matters here.
#[derive(Debug)]
struct Model {
    pieces: Vec<String>,
    scores: Vec<f64>,
    kinds: Vec<Kind>,
    trainer: Trainer,
    normalizer: Normalization,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

#[derive(Debug)]
struct Trainer {
    model_type: u64,
    byte_fallback: bool,
    suffix: bool,
    unk: i32,
    bos: i32,
    eos: i32,
}

#[derive(Debug)]
struct Normalization {
    charsmap: Vec<u8>,
    dummy_prefix: bool,
    single_spaces: bool,
}

const UNIGRAM: u64 = 1;
const BPE_TYPE: u64 = 2;

/// The tokenizer in the SentencePiece model `bytes`. `config` is `tokenizer_config.json`, whose `add_bos_token` and
/// `add_eos_token` tell what stands around a text; by default T5's models end it, all others begin it.
///
/// Also gives the texts of the special tokens that the file knows, by role.
pub(super) fn tokenizer(
    bytes: &[u8],
    config: &Map<String, Value>,
) -> Result<(Tokenizer, Map<String, Value>)> {
    let model = Model::read(bytes).ok_or_else(|| failed("this is no SentencePiece model"))?;
    let mut tokenizer = Tokenizer::new(model.build()?);
    let normalizers = model.normalizers()?;
    let some = !normalizers.is_empty();
    tokenizer.with_normalizer(some.then(|| Normalizers::new(normalizers))).map_err(failed)?;
    tokenizer.with_decoder(Some(model.decoder()?));
    tokenizer.add_tokens(model.added()).map_err(failed)?;

    let flag = |key: &str, default: bool| config.get(key).and_then(Value::as_bool).unwrap_or(default);
    let class = config.get("tokenizer_class").and_then(Value::as_str).unwrap_or_default();
    let ends = class.starts_with("T5") || class.starts_with("MT5");
    let token = |id: i32| Some((model.piece(id)?.to_owned(), u32::try_from(id).ok()?));
    let (bos, eos) = (token(model.trainer.bos), token(model.trainer.eos));
    let before = bos.clone().filter(|_| flag("add_bos_token", !ends));
    let behind = eos.clone().filter(|_| flag("add_eos_token", ends));
    tokenizer.with_post_processor(frame(before, behind)?);

    let unk = token(model.trainer.unk);
    let roles = [("unk_token", unk), ("bos_token", bos), ("eos_token", eos)];
    let special = roles.into_iter().filter_map(|(role, token)| Some((role.to_owned(), token?.0.into())));
    Ok((tokenizer, special.collect()))
}

impl Model {
    /// None if `bytes` are no model.
    fn read(bytes: &[u8]) -> Option<Model> {
        let mut model = Model {
            pieces: Vec::new(),
            scores: Vec::new(),
            kinds: Vec::new(),
            trainer: Trainer {
                model_type: UNIGRAM,
                byte_fallback: false,
                suffix: false,
                unk: 0,
                bos: 1,
                eos: 2,
            },
            normalizer: Normalization { charsmap: Vec::new(), dummy_prefix: true, single_spaces: true },
        };
        for (number, value) in fields(bytes)? {
            match number {
                1 => model.read_piece(value.bytes()?)?,
                2 => model.trainer.read(value.bytes()?)?,
                3 => model.normalizer.read(value.bytes()?)?,
                _ => (),
            }
        }
        (!model.pieces.is_empty()).then_some(model)
    }

    fn read_piece(&mut self, bytes: &[u8]) -> Option<()> {
        let (mut text, mut score, mut kind) = (String::new(), 0.0, Kind::Normal);
        for (number, value) in fields(bytes)? {
            match number {
                1 => text = String::from_utf8(value.bytes()?.to_vec()).ok()?,
                2 => score = value.float()?,
                3 => kind = Kind::from_number(value.integer()?)?,
                _ => (),
            }
        }
        self.pieces.push(text);
        self.scores.push(f64::from(score));
        self.kinds.push(kind);
        Some(())
    }

    fn piece(&self, id: i32) -> Option<&str> {
        self.pieces.get(usize::try_from(id).ok()?).map(String::as_str)
    }

    fn build(&self) -> Result<ModelWrapper> {
        if self.trainer.suffix {
            return Err(failed("a SentencePiece model with spaces behind words is not supported"));
        }
        match self.trainer.model_type {
            UNIGRAM => self.unigram(),
            BPE_TYPE => self.bpe(),
            _ => Err(failed("only unigram and BPE models of SentencePiece are supported")),
        }
    }

    fn bpe(&self) -> Result<ModelWrapper> {
        let merges = merges_from_scores(&self.pieces, &self.scores, |id| self.kinds[id] == Kind::Normal)?;
        let ids = self.pieces.iter().zip(0..).map(|(piece, id)| (piece.clone(), id));
        let mut bpe = BPE::builder()
            .vocab_and_merges(ids.collect::<tokenizers::models::bpe::Vocab>(), merges)
            .byte_fallback(self.trainer.byte_fallback)
            .fuse_unk(true);
        if let Some(unknown) = self.piece(self.trainer.unk) {
            bpe = bpe.unk_token(unknown.to_owned());
        }
        Ok(bpe.build().map_err(failed)?.into())
    }

    fn unigram(&self) -> Result<ModelWrapper> {
        let scores = self.scores.iter().zip(&self.kinds).map(|(&score, kind)| match kind {
            Kind::Normal | Kind::UserDefined => score,
            Kind::Unknown | Kind::Control | Kind::Unused | Kind::Byte => NEVER,
        });
        let vocabulary: Vec<(String, f64)> = self.pieces.iter().cloned().zip(scores).collect();
        let unknown = usize::try_from(self.trainer.unk).ok().filter(|&id| id < vocabulary.len());
        Ok(Unigram::from(vocabulary, unknown, self.trainer.byte_fallback).map_err(failed)?.into())
    }

    fn normalizers(&self) -> Result<Vec<NormalizerWrapper>> {
        let mut steps: Vec<NormalizerWrapper> = Vec::new();
        let Normalization { charsmap, dummy_prefix, single_spaces } = &self.normalizer;
        if !charsmap.is_empty() {
            let map = charsmap_of(charsmap).ok_or_else(|| failed("its normalization is damaged"))?;
            steps.push(map.into());
        }
        let replace = |pattern: &str, content: &str| {
            Replace::new(ReplacePattern::Regex(pattern.to_owned()), content).map_err(failed)
        };
        if *single_spaces {
            steps.push(replace("^ +", "")?.into());
            steps.push(replace(" {2,}", " ")?.into());
        }
        if *dummy_prefix {
            steps.push(Prepend::new(SPACE.to_owned()).into());
        }
        steps.push(Replace::new(" ", SPACE).map_err(failed)?.into());
        if *single_spaces {
            steps.push(replace("▁+$", "")?.into());
        }
        Ok(steps)
    }

    fn decoder(&self) -> Result<Decoders> {
        let mut steps: Vec<DecoderWrapper> = vec![Replace::new(SPACE, " ").map_err(failed)?.into()];
        steps.push(ByteFallback::new().into());
        steps.push(Fuse::new().into());
        let Normalization { dummy_prefix, single_spaces, .. } = self.normalizer;
        if dummy_prefix || single_spaces {
            steps.push(Strip::new(' ', if single_spaces { ALL } else { 1 }, 0).into());
        }
        Ok(Decoders::new(steps))
    }

    /// The tokens that are found in text before anything else is done to it. Where nothing is put before a text, those
    /// of the user are found behind normalization, as they were trained.
    fn added(&self) -> Vec<AddedToken> {
        let tokens = self.pieces.iter().zip(&self.kinds).filter_map(|(piece, kind)| match kind {
            Kind::Control => Some(AddedToken::from(piece.clone(), true)),
            Kind::UserDefined => {
                Some(AddedToken::from(piece.clone(), false).normalized(!self.normalizer.dummy_prefix))
            }
            _ => None,
        });
        tokens.collect()
    }
}

/// The library panics on maps that are cut short.
fn charsmap_of(bytes: &[u8]) -> Option<Precompiled> {
    let read = || Precompiled::from(bytes).ok();
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let whole = length.is_multiple_of(4) && length.checked_add(4)? <= bytes.len();
    if whole { std::panic::catch_unwind(read).ok().flatten() } else { None }
}

impl Kind {
    fn from_number(number: u64) -> Option<Kind> {
        Some(match number {
            1 => Kind::Normal,
            2 => Kind::Unknown,
            3 => Kind::Control,
            4 => Kind::UserDefined,
            5 => Kind::Unused,
            6 => Kind::Byte,
            _ => return None,
        })
    }
}

impl Trainer {
    fn read(&mut self, bytes: &[u8]) -> Option<()> {
        // Negative ids, which stand for none, come as 64 bits.
        let id = |value: Field<'_>| Some(value.integer()? as i32);
        for (number, value) in fields(bytes)? {
            match number {
                3 => self.model_type = value.integer()?,
                24 => self.suffix = value.integer()? != 0,
                35 => self.byte_fallback = value.integer()? != 0,
                40 => self.unk = id(value)?,
                41 => self.bos = id(value)?,
                42 => self.eos = id(value)?,
                _ => (),
            }
        }
        Some(())
    }
}

impl Normalization {
    fn read(&mut self, bytes: &[u8]) -> Option<()> {
        for (number, value) in fields(bytes)? {
            match number {
                2 => self.charsmap = value.bytes()?.to_vec(),
                3 => self.dummy_prefix = value.integer()? != 0,
                4 => self.single_spaces = value.integer()? != 0,
                _ => (),
            }
        }
        Some(())
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer(error.to_string())
}
