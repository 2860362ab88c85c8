//! Files written by `tests/fixtures/gguf/make.py` with the reference implementations.

use half::f16;
use mlx_lm::gguf::{Gguf, GgufTokenizer, Tensor, Value};

use crate::writer::Writer;

fn fixture(name: &str) -> Gguf {
    let path = format!("{}/tests/fixtures/gguf/{name}", env!("CARGO_MANIFEST_DIR"));
    Gguf::open(path).expect("the fixture opens")
}

fn load(gguf: &Gguf, name: &str) -> Tensor {
    gguf.load(gguf.tensor(name).expect("the tensor is there")).expect("the tensor loads")
}

fn expected(gguf: &Gguf, name: &str) -> Vec<f32> {
    match load(gguf, &format!("{name}.expected")) {
        Tensor::Dense(array) => array.to_vec().unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}

#[track_caller]
fn assert_same_bits(name: &str, actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len(), "{name}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        // Affine arithmetic turns a negative zero into a positive one.
        assert!(a.to_bits() == e.to_bits() || (*a == 0.0 && *e == 0.0), "{name}[{i}]: {a:e} is not {e:e}");
    }
}

#[test]
fn k_quants_dequantize_bit_for_bit() {
    let gguf = fixture("quantized.gguf");
    for name in ["Q4_K", "Q5_K", "Q6_K"] {
        let Tensor::Dense(array) = load(&gguf, name) else { panic!("{name} is not dense") };
        assert_eq!((array.dtype().unwrap(), array.shape().unwrap()), (mlx::Dtype::F32, &[2, 512][..]));
        assert_same_bits(name, &array.to_vec::<f32>().unwrap(), &expected(&gguf, name));
    }
}

#[test]
fn affine_tensors_stand_for_the_same_numbers() {
    let gguf = fixture("quantized.gguf");
    for (name, expected_bits) in [("Q4_0", 4), ("Q4_1", 4), ("Q8_0", 8)] {
        let Tensor::Affine { weight, scales, biases, bits } = load(&gguf, name) else {
            panic!("{name} is not affine")
        };
        assert_eq!((bits, weight.shape().unwrap()), (expected_bits, &[2, 16 * bits][..]));
        assert_eq!((scales.shape().unwrap(), biases.shape().unwrap()), (&[2, 16][..], &[2, 16][..]));
        let weight = weight.to_vec::<u32>().unwrap();
        let (scales, biases) = (scales.to_vec::<f16>().unwrap(), biases.to_vec::<f16>().unwrap());
        let per_word = 32 / bits as usize;
        let values: Vec<f32> = (0..1024)
            .map(|i| {
                let q = weight[i / per_word] >> (i % per_word * bits as usize) & ((1 << bits) - 1);
                // One rounding, as in the reference: scale · q is exact in f64, and so is the sum.
                (scales[i / 32].to_f64() * f64::from(q) + biases[i / 32].to_f64()) as f32
            })
            .collect();
        assert_same_bits(name, &values, &expected(&gguf, name));
    }
}

/// Texts and the ids they must have.
fn cases(gguf: &Gguf, key: &str) -> Vec<(String, Vec<u32>)> {
    let metadata = gguf.metadata();
    let texts = metadata.strings("test.texts").unwrap().expect("texts");
    let lengths = metadata.uints(&format!("{key}.lengths")).unwrap().expect("lengths");
    let ids = metadata.uints(key).unwrap().expect("ids");
    let mut rest = ids.iter().map(|&id| id as u32);
    texts
        .iter()
        .zip(lengths)
        .map(|(text, n)| (text.clone(), rest.by_ref().take(n as usize).collect()))
        .collect()
}

fn assert_encodes(name: &str, tokenizer: &GgufTokenizer, cases: &[(String, Vec<u32>)]) {
    assert!(cases.len() > 70, "{name}: only {} texts", cases.len());
    for (text, ids) in cases {
        let encoding = tokenizer.tokenizer.encode(text.as_str(), false).unwrap();
        assert_eq!(encoding.get_ids(), ids, "{name}: {text:?} became {:?}", encoding.get_tokens());
    }
}

/// The vocabulary of `byte_level.gguf` under another pre-tokenizer.
fn byte_level(gguf: &Gguf, pre: &str) -> Writer {
    let copied = ["model", "tokens", "token_type", "merges", "eos_token_id"];
    let writer = copied.iter().fold(Writer::new(), |writer, key| {
        let key = format!("tokenizer.ggml.{key}");
        let value = gguf.metadata().get(&key).expect("the fixture has it").clone();
        writer.set(&key, value)
    });
    writer.string("tokenizer.ggml.pre", pre)
}

#[test]
fn byte_level_pre_tokenizers_match_the_original_ones() {
    let gguf = fixture("byte_level.gguf");
    let names = [
        "gpt-2",
        "olmo",
        "smollm",
        "command-r",
        "llama-bpe",
        "qwen2",
        "tekken",
        "gpt-4o",
        "falcon",
        "deepseek-coder",
        "deepseek-v3",
    ];
    for name in names {
        let tokenizer = byte_level(&gguf, name).open().unwrap().tokenizer().unwrap();
        let cases = cases(&gguf, &format!("test.ids.{name}"));
        assert_encodes(name, &tokenizer, &cases);
        if !["olmo", "command-r", "qwen2"].contains(&name) {
            for (text, ids) in cases {
                assert_eq!(tokenizer.tokenizer.decode(&ids, false).unwrap(), text, "{name}");
            }
        }
    }
}

#[test]
fn every_pre_tokenizer_of_the_table_builds() {
    let gguf = fixture("byte_level.gguf");
    let Err(error) = byte_level(&gguf, "no-such-thing").open().unwrap().tokenizer() else {
        panic!("it was known")
    };
    let message = error.to_string();
    assert!(message.starts_with("tokenizer: unknown pre-tokenizer `no-such-thing`"), "{message}");
    let known = message.split_once("known: ").expect("a list").1;
    for name in known.split(", ") {
        let tokenizer = byte_level(&gguf, name).open().unwrap().tokenizer().expect(name);
        let text = "Hello, world!\n  naïve 12345 漢字 かな x_1\r\n";
        let ids = tokenizer.tokenizer.encode(text, false).expect(name);
        assert_eq!(tokenizer.tokenizer.decode(ids.get_ids(), false).unwrap(), text, "{name}");
    }
    assert!(known.split(", ").count() > 40);
}

#[test]
fn sentence_piece_merges_come_from_the_scores() {
    let gguf = fixture("sentence_piece.gguf");
    let tokenizer = gguf.tokenizer().unwrap();
    assert_eq!((tokenizer.bos, tokenizer.eos.as_slice(), tokenizer.add_bos), (Some(1), [2].as_slice(), true));
    let cases = cases(&gguf, "test.ids");
    assert_encodes("sentence piece", &tokenizer, &cases);
    for (text, ids) in cases {
        assert_eq!(tokenizer.tokenizer.decode(&ids, false).unwrap(), text);
        let with_bos = tokenizer.tokenizer.encode(text, true).unwrap();
        assert_eq!(with_bos.get_ids(), [&[1], ids.as_slice()].concat());
    }
}

#[test]
fn control_tokens_are_special_and_user_defined_ones_are_not() {
    let gguf = fixture("byte_level.gguf");
    let writer = byte_level(&gguf, "smollm")
        .string("tokenizer.chat_template", "{{ messages }}")
        .uint("tokenizer.ggml.bos_token_id", 7)
        .uint("tokenizer.ggml.eot_token_id", 5)
        .uint("tokenizer.ggml.eom_token_id", 5)
        .set("tokenizer.ggml.add_bos_token", Value::Bool(true));
    let tokenizer = writer.open().unwrap().tokenizer().unwrap();
    let id = |token| tokenizer.tokenizer.token_to_id(token).unwrap();
    let (end, think) = (id("<|end|>"), id("<think>"));
    assert_eq!((tokenizer.bos, tokenizer.eos.as_slice()), (Some(7), [end, 5].as_slice()));
    assert_eq!(tokenizer.chat_template.as_deref(), Some("{{ messages }}"));

    let ids = tokenizer.tokenizer.encode("<think>a<|end|>", true).unwrap();
    assert_eq!(ids.get_ids(), [7, think, id("a"), end]);
    assert_eq!(tokenizer.tokenizer.decode(&ids.get_ids()[1..], true).unwrap(), "<think>a");
}
