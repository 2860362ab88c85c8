//! Mistral's `tekken.json`: special tokens, then tokens in base64 in the order of their ranks, and how words are cut.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokenizers::Tokenizer;

use super::{frame::frame, tiktoken};
use crate::error::{Error, Result};
use crate::gguf::pre_tokenizer::cut_by;

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Token>,
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    pattern: String,
    /// Special tokens included.
    default_vocab_size: usize,
    default_num_special_tokens: usize,
}

#[derive(Deserialize)]
struct Token {
    rank: u32,
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: usize,
    token_str: String,
}

/// The first special tokens of files that do not name theirs.
const UNNAMED: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// What begins a text, and ends one.
const ROLES: [(&str, &str); 2] = [("bos_token", "<s>"), ("eos_token", "</s>")];

/// The tokenizer in the file `bytes`, and its special tokens by role.
pub(super) fn tokenizer(bytes: &[u8]) -> Result<(Tokenizer, Map<String, Value>)> {
    let file: File = serde_json::from_slice(bytes).map_err(failed)?;
    let count = file.config.default_num_special_tokens;
    let size = file.config.default_vocab_size.checked_sub(count).filter(|size| *size <= file.vocab.len());
    let size = size.ok_or_else(|| failed("it has fewer tokens than its configuration says"))?;
    let special = special_tokens(file.special_tokens, count)?;
    // Models know the first ones only.
    let ranks = ranks(&file.vocab[..size])?;
    let mut tokenizer = tiktoken::assemble(&ranks, count as u32, &special)?;
    tokenizer.with_pre_tokenizer(Some(cut_by(&file.config.pattern)?));
    let find = |text: &str| special.iter().find(|(other, _)| other == text).cloned();
    tokenizer.with_post_processor(frame(find(ROLES[0].1), None)?);
    let roles = ROLES.iter().filter_map(|&(role, text)| Some((role.to_owned(), find(text)?.0.into())));
    Ok((tokenizer, roles.collect()))
}

/// The special tokens and their ids, from 0 on.
fn special_tokens(named: Option<Vec<Special>>, count: usize) -> Result<Vec<(String, u32)>> {
    let named: Vec<String> = match named {
        None => UNNAMED.map(str::to_owned).to_vec(),
        Some(named) if named.iter().enumerate().all(|(index, special)| special.rank == index) => {
            named.into_iter().map(|special| special.token_str).collect()
        }
        Some(_) => return Err(failed("its special tokens are not in the order of their ranks")),
    };
    // So many ids a model may have.
    if named.len() > count || count > 1 << 20 {
        return Err(failed(format!("{} special tokens are named, of {count}", named.len())));
    }
    let others = (named.len()..count).map(|id| format!("<SPECIAL_{id}>"));
    Ok(named.iter().cloned().chain(others).zip(0..).collect())
}

fn ranks(tokens: &[Token]) -> Result<HashMap<Vec<u8>, u32>> {
    let mut ranks = HashMap::new();
    for (index, token) in tokens.iter().enumerate() {
        let bytes = STANDARD.decode(&token.token_bytes).unwrap_or_default();
        if token.rank as usize != index || bytes.is_empty() || ranks.insert(bytes, token.rank).is_some() {
            return Err(failed(format!(
                "token {index} is malformed, misplaced or there for the second time"
            )));
        }
    }
    Ok(ranks)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer(error.to_string())
}
