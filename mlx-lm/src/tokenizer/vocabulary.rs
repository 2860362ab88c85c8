//! Where a checkpoint without `tokenizer.json` keeps its vocabulary.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use tokenizers::Tokenizer;

use super::{sentence_piece, tekken, tiktoken};
use crate::error::{Error, Result};

/// The files, and how each is read. Meta's `tokenizer.model` of Llama 3 is a tiktoken file.
const FILES: [(&str, Kind); 6] = [
    ("tekken.json", Kind::Tekken),
    ("tokenizer.model", Kind::SentencePiece),
    ("tiktoken.model", Kind::Tiktoken(&tiktoken::KIMI)),
    ("qwen.tiktoken", Kind::Tiktoken(&tiktoken::QWEN)),
    ("spiece.model", Kind::SentencePiece),
    ("sentencepiece.bpe.model", Kind::SentencePiece),
];

#[derive(Clone, Copy)]
enum Kind {
    Tekken,
    SentencePiece,
    Tiktoken(&'static tiktoken::Format),
}

/// Whether a file of this name has a vocabulary.
pub(crate) fn is_vocabulary(name: &str) -> bool {
    FILES.iter().any(|(file, _)| *file == name)
}

/// The tokenizer of the first file that is there, and the special tokens it knows; none if there is no file.
pub(super) fn tokenizer(
    folder: &Path,
    config: &Map<String, Value>,
) -> Result<Option<(Tokenizer, Map<String, Value>)>> {
    let Some((name, kind)) = FILES.iter().find(|(name, _)| folder.join(name).is_file()) else {
        return Ok(None);
    };
    let path = folder.join(name);
    let bytes = fs::read(&path).map_err(|error| Error::io(&path, error))?;
    let built = match kind {
        Kind::Tekken => tekken::tokenizer(&bytes),
        Kind::SentencePiece if tiktoken::is_tiktoken(&bytes) => {
            tiktoken::tokenizer(&bytes, &tiktoken::LLAMA3, config)
        }
        Kind::SentencePiece => sentence_piece::tokenizer(&bytes, config),
        Kind::Tiktoken(format) => tiktoken::tokenizer(&bytes, format, config),
    };
    built.map(Some).map_err(|error| match error {
        Error::Tokenizer(reason) => Error::Tokenizer(format!("{}: {reason}", path.display())),
        error => error,
    })
}
