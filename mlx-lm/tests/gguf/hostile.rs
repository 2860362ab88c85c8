//! Files that are cut short, inconsistent or random: an error, never a panic, never an allocation they only declare.

use std::time::{Duration, Instant};

use mlx_lm::Error;
use mlx_lm::gguf::{Value, Values};
use proptest::prelude::*;

use crate::writer::{Writer, open};

/// A whole small model: every part of the reader has something to do.
fn model(tokenizer: &str) -> Writer {
    let strings =
        |values: &[&str]| Value::Array(Values::String(values.iter().map(|&v| v.to_owned()).collect()));
    Writer::new()
        .string("general.architecture", "llama")
        .uint("general.alignment", 32)
        .uint("llama.block_count", 1)
        .uint("llama.context_length", 64)
        .uint("llama.embedding_length", 32)
        .uint("llama.feed_forward_length", 32)
        .uint("llama.attention.head_count", 2)
        .float("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .string("tokenizer.ggml.model", tokenizer)
        .string("tokenizer.ggml.pre", "llama-bpe")
        .set("tokenizer.ggml.tokens", strings(&["<unk>", "<s>", "</s>", "a", "b", "ab", "▁", "<0x41>", "Ġ"]))
        .set("tokenizer.ggml.scores", Value::Array(Values::F64(vec![-1.0; 9])))
        .set("tokenizer.ggml.token_type", Value::Array(Values::I64(vec![2, 3, 3, 1, 1, 1, 1, 6, 4])))
        .set("tokenizer.ggml.merges", strings(&["a b"]))
        .uint("tokenizer.ggml.bos_token_id", 1)
        .uint("tokenizer.ggml.eos_token_id", 2)
        .set("nested", Value::Array(Values::Array(vec![Values::Bool(vec![true]), Values::U64(vec![])])))
        .floats("token_embd.weight", &[9, 32], &[0.5; 288])
        .floats("blk.0.attn_norm.weight", &[32], &[1.0; 32])
        .floats("rope_freqs.weight", &[8], &[2.0; 8])
        .tensor("blk.0.attn_q.weight", &[4, 32], 2, vec![0x11; 4 * 18])
        .tensor("blk.0.ffn_up.weight", &[2, 256], 14, vec![0x22; 2 * 210])
}

/// Uses everything a file offers; errors are fine.
fn exercise(bytes: &[u8]) {
    let Ok(gguf) = open(bytes) else { return };
    for info in gguf.tensors() {
        let _ = gguf.load(info);
        let _ = gguf.hugging_face_name(info);
    }
    let _ = gguf.config();
    if let Ok(tokenizer) = gguf.tokenizer()
        && let Ok(encoding) = tokenizer.tokenizer.encode("ab <s>aAé 12", true)
    {
        let _ = tokenizer.tokenizer.decode(encoding.get_ids(), false);
    }
}

#[test]
fn the_model_itself_is_sound() {
    for tokenizer in ["gpt2", "llama"] {
        let gguf = model(tokenizer).open().unwrap();
        gguf.config().unwrap();
        let tokenizer = gguf.tokenizer().unwrap().tokenizer;
        assert_eq!(tokenizer.encode("</s>ab", false).unwrap().get_ids().last(), Some(&5));
        for info in gguf.tensors() {
            gguf.load(info).unwrap();
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let writer = model("gpt2");
    let bytes = writer.to_bytes();
    let last = writer.tensors.last().unwrap().data.len();
    let end = bytes.len() - last.next_multiple_of(writer.alignment) + last;
    assert!(open(&bytes[..end]).is_ok(), "padding after the last tensor is not needed");
    for len in 0..end {
        let error = open(&bytes[..len]).expect_err("a truncated file opened");
        assert!(matches!(error, Error::Weights { .. }), "{len} of {end} bytes: {error}");
    }
}

#[test]
fn headers_that_lie_are_refused_at_once() {
    let header = |tensors: u64, metadata: u64, rest: &[u8]| {
        [b"GGUF\x03\0\0\0", &tensors.to_le_bytes()[..], &metadata.to_le_bytes()[..], rest].concat()
    };
    let array = |element: u32, count: u64| {
        [
            &1u64.to_le_bytes()[..],
            b"k",
            &9u32.to_le_bytes()[..],
            &element.to_le_bytes()[..],
            &count.to_le_bytes()[..],
        ]
        .concat()
    };
    let cases = [
        (header(1 << 60, 0, &[]), "1152921504606846976 tensors cannot fit into the 0 bytes left"),
        (header(u64::MAX, 0, &[0; 64]), "18446744073709551615 tensors cannot fit into the 64 bytes left"),
        (header(0, 1 << 60, &[]), "1152921504606846976 metadata entries cannot fit"),
        (
            header(0, 1, &[&(1u64 << 60).to_le_bytes()[..], &[b'k'; 16]].concat()),
            "bytes of text cannot fit into the 16",
        ),
        (header(0, 1, &array(8, 1 << 61)), "2305843009213693952 array elements cannot fit"),
        (header(0, 1, &array(0, 1 << 60)), "1152921504606846976 array elements cannot fit"),
        (header(0, 1, &array(13, 0)), "unknown metadata type 13"),
        (header(0, 1, &[&1u64.to_le_bytes()[..], b"\xff\0\0\0\0\0"].concat()), "is not UTF-8"),
        (header(0, 1, &[&1u64.to_le_bytes()[..], b"k\x07\0\0\0\x02"].concat()), "a bool is 2"),
    ];
    for (bytes, expected) in cases {
        let start = Instant::now();
        let message = open(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        assert!(start.elapsed() < Duration::from_secs(60), "{expected}");
    }
}

#[test]
fn other_formats_and_versions_are_named() {
    let with_version = |version: u32| Writer { version, ..Writer::new() }.to_bytes();
    let cases = [
        (b"PK\x03\x04 and so on".to_vec(), "not a GGUF file"),
        (with_version(1), "GGUF version 1 is not supported; convert the model again"),
        (with_version(3u32.swap_bytes()), "big-endian GGUF is not supported"),
        (with_version(4), "GGUF version 4 is not supported; known: 2, 3"),
    ];
    for (bytes, expected) in cases {
        let message = open(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
    let missing = mlx_lm::gguf::Gguf::open("no-such-file.gguf").unwrap_err();
    assert!(matches!(missing, Error::Io { .. }));
}

#[test]
fn inconsistent_tables_are_refused() {
    let one = Writer::new().floats("x", &[8], &[0.0; 8]);
    let shaped = |shape: &[u64], ggml_type| Writer::new().tensor("x", shape, ggml_type, vec![0; 64]);
    let moved = |offset| {
        let mut writer = one.clone().floats("y", &[8], &[0.0; 8]);
        writer.tensors[1].offset = Some(offset);
        writer
    };
    let deep = (0..8).fold(Values::U64(vec![]), |inner, _| Values::Array(vec![inner]));
    let mut twice = one.clone().uint("a", 1);
    twice.metadata.push(("a".to_owned(), Value::Bool(true)));
    let cases = [
        (one.clone().floats("x", &[8], &[0.0; 8]), "tensor `x` stands twice"),
        (twice, "metadata `a` stands twice"),
        (one.clone().uint("general.alignment", 48), "`general.alignment` is 48, not a power of two"),
        (one.clone().uint("general.alignment", 0), "`general.alignment` is 0, not a power of two"),
        (one.clone().uint("general.alignment", 1 << 63), "but the file ends before"),
        (
            one.clone().string("general.alignment", "32"),
            "`general.alignment` is String(\"32\"), not an integer",
        ),
        (one.clone().set("deep", Value::Array(deep)), "nested more than 4 deep"),
        (shaped(&[1; 9], 0), "tensor `x` has 9 dimensions"),
        (shaped(&[1 << 31], 0), "tensor `x`: dimension 2147483648 exceeds 2147483647"),
        (shaped(&[1 << 16; 4], 0), "tensor `x`: shape [65536, 65536, 65536, 65536] overflows"),
        (shaped(&[0, 1 << 30, 1 << 30], 28), "overflows"),
        (shaped(&[32, 31], 2), "shape [32, 31] is impossible for type Q4_0"),
        (shaped(&[1 << 30], 0), "needs 4294967296 bytes"),
        (shaped(&[1], 4), "tensor `x` has the type 4, which ggml does not define"),
        (moved(0), "tensors `x` and `y` overlap"),
        (moved(16), "offset 16 is no multiple of 32"),
        (moved(64), "tensor `y` needs 32 bytes at 64"),
        (moved(u64::MAX - 31), "tensor `y` needs 32 bytes"),
    ];
    for (writer, expected) in cases {
        let message = writer.open().unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

#[test]
fn inconsistent_tokenizers_are_refused() {
    let strings =
        |values: &[&str]| Value::Array(Values::String(values.iter().map(|&v| v.to_owned()).collect()));
    let ints = |values: &[i64]| Value::Array(Values::I64(values.to_vec()));
    let long = strings(&["x".repeat(300).as_str()]);
    let cases = [
        (model("gpt2").without("tokenizer.ggml.tokens"), "`tokenizer.ggml.tokens` is missing"),
        (model("gpt2").without("tokenizer.ggml.merges"), "`tokenizer.ggml.merges` is missing"),
        (model("bert"), "unsupported tokenizer Some(\"bert\")"),
        (model("gpt2").without("tokenizer.ggml.model"), "unsupported tokenizer None"),
        (
            model("gpt2").set("tokenizer.ggml.merges", strings(&["ab ab"])),
            "merge \"ab ab\" does not join two tokens",
        ),
        (model("gpt2").set("tokenizer.ggml.merges", strings(&["ab"])), "merge \"ab\" does not join"),
        (model("gpt2").set("tokenizer.ggml.merges", strings(&[""])), "merge \"\" does not join"),
        (
            model("gpt2").set("tokenizer.ggml.token_type", ints(&[1])),
            "`tokenizer.ggml.token_type` has 1 entries for 9",
        ),
        (model("gpt2").set("tokenizer.ggml.token_type", ints(&[9; 9])), "unknown token type 9"),
        (
            model("gpt2").uint("tokenizer.ggml.bos_token_id", 9),
            "`tokenizer.ggml.bos_token_id` is 9, but there are 9",
        ),
        (
            model("llama").uint("tokenizer.ggml.unknown_token_id", 99),
            "`tokenizer.ggml.unknown_token_id` is 99",
        ),
        (
            model("llama").without("tokenizer.ggml.merges").without("tokenizer.ggml.scores"),
            "`tokenizer.ggml.scores` is missing",
        ),
        (
            model("llama")
                .without("tokenizer.ggml.merges")
                .without("tokenizer.ggml.token_type")
                .set("tokenizer.ggml.scores", Value::Array(Values::F64(vec![0.0])))
                .set("tokenizer.ggml.tokens", long),
            "piece 0 has 300 bytes",
        ),
    ];
    for (writer, expected) in cases {
        let Err(error) = writer.open().unwrap().tokenizer() else { panic!("{expected}: accepted") };
        let message = error.to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

/// Numbers that provoke overflows, and plain bytes.
fn patch() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        any::<u32>().prop_map(|number| number.to_le_bytes().to_vec()),
        prop_oneof![
            (0..64u32).prop_map(|shift| 1u64 << shift),
            (0..64u32).prop_map(|shift| u64::MAX >> shift),
            0..300u64,
        ]
        .prop_map(|number| number.to_le_bytes().to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
        bytes.splice(..0, *b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        exercise(&bytes);
    }

    #[test]
    fn damaged_models_never_panic(
        sentence_piece in any::<bool>(),
        patches in prop::collection::vec((any::<prop::sample::Index>(), patch()), 1..4),
    ) {
        let mut bytes = model(if sentence_piece { "llama" } else { "gpt2" }).to_bytes();
        for (at, patch) in patches {
            let at = at.index(bytes.len());
            let len = patch.len().min(bytes.len() - at);
            bytes[at..at + len].copy_from_slice(&patch[..len]);
        }
        exercise(&bytes);
    }
}
