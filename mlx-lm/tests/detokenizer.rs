//! The streaming detokenizer gives what decoding all ids at once gives, for each kind of decoder.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mlx_lm::{Detokenizer, Tokenizer};
use proptest::prelude::*;

/// The fixtures of `fixtures/tokenizer/make.py`: one folder for each kind.
const KINDS: [&str; 4] = ["byte_level", "sentence_piece", "metaspace", "word_piece"];

static TOKENIZERS: LazyLock<[Tokenizer; 4]> = LazyLock::new(|| {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer");
    KINDS.map(|kind| Tokenizer::from_folder(fixtures.join(kind)).unwrap())
});

fn tokenizer(kind: &str) -> &'static Tokenizer {
    &TOKENIZERS[KINDS.iter().position(|&known| known == kind).unwrap()]
}

fn pieces(tokenizer: &Tokenizer, ids: &[u32], skip_special: bool) -> Vec<String> {
    let mut detokenizer = Detokenizer::new(tokenizer).skip_special(skip_special);
    let mut pieces: Vec<String> = ids.iter().map(|&id| detokenizer.push(id).unwrap()).collect();
    pieces.push(detokenizer.finish().unwrap());
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_ids_stream_as_they_decode(
        kind in prop::sample::select(KINDS.to_vec()),
        ids in prop::collection::vec(0..440_u32, 0..40),
        skip_special: bool,
    ) {
        let tokenizer = tokenizer(kind);
        let whole = tokenizer.decode(&ids, skip_special).unwrap();
        prop_assert_eq!(pieces(tokenizer, &ids, skip_special).concat(), whole, "{}", kind);
    }

    /// Bytes in runs: characters, parts of characters, and what can never become one.
    #[test]
    fn bytes_stream_as_they_decode(
        kind in prop::sample::select(vec!["byte_level", "sentence_piece"]),
        runs in prop::collection::vec(prop_oneof![
            "\\PC{0,3}".prop_map(String::into_bytes),
            prop::collection::vec(prop::sample::select(b" \x80\xbf\xc3\xe2\xf0\x9f\xff\0".to_vec()), 0..4),
        ], 0..8),
    ) {
        let tokenizer = tokenizer(kind);
        let id = |byte: u8| match kind {
            "sentence_piece" => tokenizer.token_to_id(&format!("<0x{byte:02X}>")),
            _ => tokenizer.token_to_id(&byte_level_char(byte).to_string()),
        };
        let ids: Vec<u32> = runs.concat().into_iter().map(|byte| id(byte).unwrap()).collect();
        let whole = tokenizer.decode(&ids, false).unwrap();
        prop_assert_eq!(pieces(tokenizer, &ids, false).concat(), whole);
    }

    #[test]
    fn text_streams_without_broken_characters(
        kind in prop::sample::select(vec!["byte_level", "sentence_piece"]),
        text in "( |[a-z]|[äß]|[Ж-я]|[あ-ん]|[😀-😏]|\u{200d}|\n){0,30}",
    ) {
        let tokenizer = tokenizer(kind);
        let ids = tokenizer.encode(&text, false).unwrap();
        let pieces = pieces(tokenizer, &ids, false);
        prop_assert!(!pieces.concat().contains('\u{fffd}'), "{pieces:?}");
        prop_assert_eq!(pieces.concat(), text);
    }
}

/// GPT-2's printable character for a byte, from its definition.
fn byte_level_char(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match printable(byte) {
        true => char::from(byte),
        false => {
            let before = (0..byte).filter(|&other| !printable(other)).count();
            char::from_u32(0x100 + before as u32).unwrap()
        }
    }
}

#[test]
fn characters_come_as_soon_as_they_are_complete() {
    let tokenizer = tokenizer("byte_level");
    let ids: Vec<u32> = "aé😀"
        .bytes()
        .map(|byte| tokenizer.token_to_id(&byte_level_char(byte).to_string()).unwrap())
        .collect();
    assert_eq!(pieces(tokenizer, &ids, false), ["a", "", "é", "", "", "", "😀", ""]);
    assert_eq!(pieces(tokenizer, &ids[..5], false), ["a", "", "é", "", "", "\u{fffd}"]);
}

#[test]
fn special_tokens_are_text_unless_skipped() {
    let tokenizer = tokenizer("byte_level");
    let ids = tokenizer.encode("<s>a<think>b</s>", false).unwrap();
    assert_eq!(pieces(tokenizer, &ids, false).concat(), "<s>a<think>b</s>");
    assert_eq!(pieces(tokenizer, &ids, true).concat(), "a<think>b");
}

#[test]
fn a_finished_detokenizer_starts_anew() {
    let tokenizer = tokenizer("sentence_piece");
    let ids = tokenizer.encode("one two", false).unwrap();
    let mut detokenizer = Detokenizer::new(tokenizer);
    for _ in 0..2 {
        let mut text: String = ids.iter().map(|&id| detokenizer.push(id).unwrap()).collect();
        text += &detokenizer.finish().unwrap();
        assert_eq!(text, "one two");
    }
}

#[test]
fn long_texts_take_linear_time() {
    for kind in KINDS {
        let tokenizer = tokenizer(kind);
        let byte = tokenizer.token_to_id("<0xFF>").or_else(|| tokenizer.token_to_id("ÿ"));
        for id in [byte.unwrap_or(5), 0, u32::MAX] {
            let start = Instant::now();
            let whole = pieces(tokenizer, &vec![id; 50_000], false).concat();
            assert!(start.elapsed() < Duration::from_secs(120), "{kind} {id}: {:?}", start.elapsed());
            assert_eq!(whole, tokenizer.decode(&vec![id; 50_000], false).unwrap(), "{kind} {id}");
        }
    }
}
