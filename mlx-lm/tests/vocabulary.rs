//! Vocabularies without `tokenizer.json` are read as sentencepiece, tiktoken and mistral-common read them:
//! `fixtures/vocabulary/make.py` wrote what is expected.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use mlx_lm::{Detokenizer, Error, Tokenizer};
use proptest::prelude::*;
use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vocabulary")
}

#[test]
fn encodes_and_decodes_as_the_original_libraries() {
    let text = fs::read_to_string(fixtures().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let mut differences = Vec::new();
    for (kind, cases) in expected.as_object().unwrap() {
        let tokenizer = Tokenizer::from_folder(fixtures().join(kind)).unwrap();
        for case in cases.as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            let got = tokenizer.encode(text, false).unwrap();
            if got != ids {
                differences.push(format!("{kind}: {text:?}: expected {ids:?}, got {got:?}"));
            }
            let decoded = tokenizer.decode(&ids, false).unwrap();
            // SentencePiece shows the unknown as ⁇, transformers as the token.
            if decoded != case["decoded"].as_str().unwrap().replace(" ⁇ ", "<unk>") {
                differences.push(format!("{kind}: {ids:?}: expected {}, got {decoded:?}", case["decoded"]));
            }
            let mut detokenizer = Detokenizer::new(&tokenizer);
            let mut streamed: String = ids.iter().map(|&id| detokenizer.push(id).unwrap()).collect();
            streamed += &detokenizer.finish().unwrap();
            assert_eq!(streamed, decoded, "{kind}");
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn special_tokens_stand_where_the_originals_put_them() {
    let load = |kind: &str| Tokenizer::from_folder(fixtures().join(kind)).unwrap();
    let llama = load("llama3");
    let ranks = fs::read_to_string(fixtures().join("llama3/tokenizer.model")).unwrap().lines().count() as u32;
    for (name, offset) in [
        ("<|begin_of_text|>", 0),
        ("<|reserved_special_token_2|>", 5),
        ("<|eot_id|>", 9),
        ("<|python_tag|>", 10),
        ("<|reserved_special_token_3|>", 11),
        ("<|reserved_special_token_247|>", 255),
    ] {
        assert_eq!(llama.token_to_id(name), Some(ranks + offset), "{name}");
    }
    assert_eq!(llama.encode("a", true).unwrap()[0], ranks);
    assert_eq!(llama.eos_ids(), [ranks + 9]);
    assert_eq!(llama.encode("<|eot_id|>", false).unwrap(), [ranks + 9]);

    let qwen = load("qwen");
    assert_eq!(qwen.token_to_id("<|im_end|>"), Some(ranks + 2));
    assert_eq!(qwen.token_to_id("<|extra_204|>"), Some(ranks + 207));
    assert_eq!(qwen.encode("", true).unwrap(), [0_u32; 0]);

    let kimi = load("kimi");
    assert_eq!(kimi.token_to_id("[BOS]"), Some(ranks));
    assert_eq!(kimi.token_to_id(&format!("<|reserved_token_{}|>", ranks + 255)), Some(ranks + 255));

    let tekken = load("tekken");
    assert_eq!((tekken.bos_token(), tekken.eos_token()), (Some("<s>"), Some("</s>")));
    assert_eq!(tekken.encode("</s>[INST]<SPECIAL_29>", true).unwrap(), [1, 2, 3, 29]);
    assert_eq!(tekken.eos_ids(), [2]);
    assert_eq!(load("tekken_named").encode("[A]<SPECIAL_4>[INST]", false).unwrap()[..3], [3, 4, 30 + 91]);

    let bpe = load("bpe");
    assert_eq!((bpe.bos_token(), bpe.eos_token(), bpe.eos_ids()), (Some("<s>"), Some("</s>"), &[2][..]));
    assert_eq!(bpe.encode("a", true).unwrap()[0], 1);
    assert_eq!(bpe.encode("<s>", false).unwrap(), [1]);
}

/// The fixture `kind` with further files.
fn folder(kind: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixtures().join(kind)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn configurations_add_and_frame() {
    let config = r#"{"add_bos_token": false, "add_eos_token": true, "eos_token": "</s>"}"#;
    let added = r#"{"<|im_end|>": 421, "<|im_start|>": 420}"#;
    let folder = folder("bpe", &[("tokenizer_config.json", config), ("added_tokens.json", added)]);
    let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(tokenizer.encode("<|im_start|><|im_end|>", true).unwrap(), [420, 421, 2]);

    let config = r#"{"added_tokens_decoder": {"522": {"content": "<|im_end|>"}}}"#;
    let kimi =
        Tokenizer::from_folder(self::folder("kimi", &[("tokenizer_config.json", config)]).path()).unwrap();
    assert_eq!(kimi.encode("<|im_end|>", false).unwrap(), [522]);
}

#[test]
fn a_saved_vocabulary_reads_the_same() {
    for kind in ["bpe", "bpe_plain", "unigram", "llama3", "tekken"] {
        let tokenizer = Tokenizer::from_folder(fixtures().join(kind)).unwrap();
        let saved = tempfile::tempdir().unwrap();
        tokenizer.save(saved.path()).unwrap();
        let again = Tokenizer::from_folder(saved.path()).unwrap();
        for text in ["Hello  world 😀", " the quick\n\nbrown  fox", "1234 <mask> ▁x"] {
            assert_eq!(again.encode(text, true).unwrap(), tokenizer.encode(text, true).unwrap(), "{kind}");
        }
        assert_eq!(again.eos_ids(), tokenizer.eos_ids());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Damaged files are errors, or tokenizers, but never panics.
    #[test]
    fn damaged_files_are_refused(
        kind in prop::sample::select(vec![
            ("bpe", "tokenizer.model"),
            ("unigram", "tokenizer.model"),
            ("qwen", "qwen.tiktoken"),
            ("tekken", "tekken.json"),
        ]),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = fs::read(fixtures().join(kind.0).join(kind.1)).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(2 * bytes.len()));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(kind.1), bytes).unwrap();
        match Tokenizer::from_folder(folder.path()) {
            Ok(tokenizer) => {
                if let Ok(ids) = tokenizer.encode("a text 😀", true) {
                    tokenizer.decode(&ids, false).unwrap();
                }
            }
            Err(error) => prop_assert!(matches!(error, Error::Tokenizer(_)), "{}", error),
        }
    }
}
