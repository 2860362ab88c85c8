//! OpenAI's tiktoken files: a token in base64 and its rank on each line.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};

use super::frame::frame;
use crate::detokenizer::char_of;
use crate::error::{Error, Result};
use crate::gguf::pre_tokenizer::Family;

/// A family of models that ship such a file.
pub(super) struct Format {
    /// How its words are cut, as the GGUF reader names it.
    words: &'static str,
    /// The special tokens, which follow the ranks; `{}` is the number of one that is reserved.
    special: &'static [&'static str],
    reserved: Option<&'static str>,
    /// How many special tokens there are, reserved ones included.
    count: usize,
    /// What begins a text, and ends one.
    bos: Option<&'static str>,
    eos: &'static str,
    /// Whether texts are given their beginning.
    add_bos: bool,
}

/// `tokenizer.model` of Llama 3 as Meta ships it.
pub(super) static LLAMA3: Format = Format {
    words: "llama-bpe",
    special: &[
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|reserved_special_token_0|>",
        "<|reserved_special_token_1|>",
        "<|finetune_right_pad_id|>",
        "<|reserved_special_token_2|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eom_id|>",
        "<|eot_id|>",
        "<|python_tag|>",
    ],
    reserved: Some("<|reserved_special_token_{}|>"),
    count: 256,
    bos: Some("<|begin_of_text|>"),
    eos: "<|eot_id|>",
    add_bos: true,
};

/// `qwen.tiktoken` of the first Qwen.
pub(super) static QWEN: Format = Format {
    words: "qwen2",
    special: &["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    reserved: Some("<|extra_{}|>"),
    count: 208,
    bos: None,
    eos: "<|im_end|>",
    add_bos: false,
};

/// `tiktoken.model` of Kimi; its configuration names most special tokens.
pub(super) static KIMI: Format = Format {
    words: "kimi-k2",
    special: &["[BOS]", "[EOS]"],
    reserved: Some("<|reserved_token_{}|>"),
    count: 256,
    bos: Some("[BOS]"),
    eos: "[EOS]",
    add_bos: false,
};

/// Whether `bytes` look like such a file: ASCII lines of base64, a blank and digits.
pub(super) fn is_tiktoken(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(line).is_ok_and(|line| entry(line).is_some())
}

/// The tokenizer in the file `bytes`, and its special tokens by role. `config` is `tokenizer_config.json`, whose
/// `added_tokens_decoder` names special tokens by id.
pub(super) fn tokenizer(
    bytes: &[u8],
    format: &Format,
    config: &Map<String, Value>,
) -> Result<(Tokenizer, Map<String, Value>)> {
    let ranks = ranks(bytes)?;
    let special = special_tokens(format, ranks.len() as u32, config);
    let mut tokenizer = assemble(&ranks, 0, &special)?;
    let family = Family::named(format.words)?;
    tokenizer.with_normalizer(family.nfc.then_some(NFC)).map_err(failed)?;
    tokenizer.with_pre_tokenizer(Some(family.pre_tokenizer()?));

    let find = |text: &str| special.iter().find(|(other, _)| other == text).cloned();
    let bos = format.bos.and_then(find);
    tokenizer.with_post_processor(frame(bos.clone().filter(|_| format.add_bos), None)?);
    let roles = [("bos_token", bos), ("eos_token", find(format.eos))];
    let roles = roles.into_iter().filter_map(|(role, token)| Some((role.to_owned(), token?.0.into())));
    Ok((tokenizer, roles.collect()))
}

/// A tokenizer of these tokens, whose ids are their ranks from `first` on, and of special tokens with their ids. It does
/// not cut words yet.
pub(super) fn assemble(
    ranks: &HashMap<Vec<u8>, u32>,
    first: u32,
    special: &[(String, u32)],
) -> Result<Tokenizer> {
    let mut ids: Vocab = ranks.iter().map(|(token, &rank)| (spelled(token), first + rank)).collect();
    ids.extend(special.iter().cloned());
    // A word that is a token is never cut.
    let bpe = BPE::builder().vocab_and_merges(ids, merges(ranks)).ignore_merges(true);
    let mut tokenizer = Tokenizer::new(bpe.build().map_err(failed)?);
    tokenizer.with_decoder(Some(ByteLevel::new(false, true, true)));
    let tokens: Vec<AddedToken> =
        special.iter().map(|(text, _)| AddedToken::from(text.clone(), true)).collect();
    tokenizer.add_tokens(tokens).map_err(failed)?;
    Ok(tokenizer)
}

/// One line's token and rank.
fn entry(line: &str) -> Option<(Vec<u8>, u32)> {
    let (token, rank) = line.trim_end_matches('\r').split_once(' ')?;
    Some((STANDARD.decode(token).ok()?, rank.parse().ok()?))
}

/// The rank of each token. They must be 0, 1, 2, … so that the special tokens can follow.
fn ranks(bytes: &[u8]) -> Result<HashMap<Vec<u8>, u32>> {
    let text = std::str::from_utf8(bytes).map_err(failed)?;
    let mut ranks = HashMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let (token, rank) = entry(line).ok_or_else(|| failed(format!("line {} is malformed", index + 1)))?;
        if token.is_empty() || ranks.insert(token, rank).is_some() {
            return Err(failed(format!("line {} has an empty token, or one for the second time", index + 1)));
        }
    }
    let highest = ranks.values().max().map_or(0, |&rank| rank as usize + 1);
    if highest != ranks.len() {
        return Err(failed(format!("{} tokens have ranks up to {highest}", ranks.len())));
    }
    Ok(ranks)
}

/// The special tokens and their ids, from `first` on.
fn special_tokens(format: &Format, first: u32, config: &Map<String, Value>) -> Vec<(String, u32)> {
    let declared = config.get("added_tokens_decoder").and_then(Value::as_object);
    let mut names: HashMap<u32, String> = declared
        .into_iter()
        .flatten()
        .filter_map(|(id, token)| Some((id.parse().ok()?, token.get("content")?.as_str()?.to_owned())))
        .collect();
    let mut reserved = format.special.iter().filter(|name| name.contains("reserved_special_token")).count();
    (0..format.count)
        .map(|index| {
            let id = first + index as u32;
            let name = names.remove(&id).or_else(|| format.special.get(index).map(|name| (*name).to_owned()));
            let name = name.unwrap_or_else(|| {
                let pattern = format.reserved.unwrap_or("<|reserved_{}|>");
                // Kimi counts ids, the others count what is reserved.
                let number = if format.words == KIMI.words { id as usize } else { reserved };
                reserved += 1;
                pattern.replace("{}", &number.to_string())
            });
            (name, id)
        })
        .collect()
}

/// Every way to make a token of two others, in the order of the ranks.
fn merges(ranks: &HashMap<Vec<u8>, u32>) -> Vec<(String, String)> {
    let mut merges = Vec::new();
    for (token, &rank) in ranks {
        for at in 1..token.len() {
            let (left, right) = token.split_at(at);
            if let (Some(&a), Some(&b)) = (ranks.get(left), ranks.get(right)) {
                merges.push(([rank, a, b], left, right));
            }
        }
    }
    merges.sort_unstable();
    merges.into_iter().map(|(_, left, right)| (spelled(left), spelled(right))).collect()
}

/// Bytes as GPT-2's printable characters.
fn spelled(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char_of(byte)).collect()
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer(error.to_string())
}
