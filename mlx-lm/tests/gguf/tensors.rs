//! Layout of tensors: packing, order of rows, names.

use half::f16;
use mlx::{Array, Dtype};
use mlx_lm::Error;
use mlx_lm::gguf::{Tensor, Value};

use crate::writer::Writer;

/// A Llama file with 4 query heads, 2 key heads and no tensor.
fn llama() -> Writer {
    Writer::new()
        .string("general.architecture", "llama")
        .uint("llama.attention.head_count", 4)
        .uint("llama.attention.head_count_kv", 2)
}

fn load(writer: &Writer, name: &str) -> Tensor {
    let gguf = writer.open().unwrap();
    gguf.load(gguf.tensor(name).unwrap()).unwrap()
}

fn dense(writer: &Writer, name: &str) -> Array {
    match load(writer, name) {
        Tensor::Dense(array) => array,
        other => panic!("{name} is not dense: {other:?}"),
    }
}

/// Packed words, scales and biases.
fn affine(writer: &Writer, name: &str) -> (Vec<u32>, Vec<f16>, Vec<f16>) {
    match load(writer, name) {
        Tensor::Affine { weight, scales, biases, .. } => {
            (weight.to_vec().unwrap(), scales.to_vec().unwrap(), biases.to_vec().unwrap())
        }
        other => panic!("{name} is not affine: {other:?}"),
    }
}

#[test]
fn shapes_are_row_major_and_data_is_read_where_it_stands() {
    let writer = Writer::new().floats("a", &[2, 3, 1], &[1.0; 6]).floats("b", &[5], &[2.0; 5]).floats(
        "c",
        &[],
        &[3.0],
    );
    for version in [2, 3] {
        let gguf = Writer { version, ..writer.clone() }.open().unwrap();
        assert_eq!(gguf.version(), version);
        let shapes: Vec<_> = gguf.tensors().map(|info| (info.name.as_str(), info.shape.clone())).collect();
        assert_eq!(shapes, [("a", vec![2, 3, 1]), ("b", vec![5]), ("c", vec![])]);
        for (name, value, count) in [("a", 1.0f32, 6), ("b", 2.0, 5), ("c", 3.0, 1)] {
            let bytes = gguf.read_tensor(gguf.tensor(name).unwrap()).unwrap();
            assert_eq!(bytes, value.to_le_bytes().repeat(count), "{name}");
        }
    }
}

#[test]
fn alignment_comes_from_the_metadata() {
    let writer = Writer { alignment: 128, ..Writer::new().uint("general.alignment", 128) };
    let gguf = writer.floats("a", &[1], &[1.0]).floats("b", &[1], &[2.0]).open().unwrap();
    let offsets: Vec<u64> = gguf.tensors().map(|info| info.offset).collect();
    assert_eq!(offsets[1] - offsets[0], 128);
    assert_eq!(offsets[0] % 128, 0);
}

#[test]
fn dense_types_pass_unchanged() {
    for (id, dtype, bytes) in [(0, Dtype::F32, 4), (1, Dtype::F16, 2), (30, Dtype::Bf16, 2)] {
        let raw: Vec<u8> = (0..3 * bytes).collect();
        let array = dense(&llama().tensor("output_norm.weight", &[3], id, raw.clone()), "output_norm.weight");
        assert_eq!((array.dtype().unwrap(), array.shape().unwrap()), (dtype, &[3][..]));
        assert_eq!(array.view(Dtype::U8).unwrap().to_vec::<u8>().unwrap(), raw);
    }
}

#[test]
fn packing_starts_at_the_lowest_bits() {
    // Element j of a Q4_0 block is j % 16.
    let block: Vec<u8> = f16::ONE.to_le_bytes().into_iter().chain((0..16).map(|j| (j << 4) | j)).collect();
    let (weight, scales, biases) = affine(&llama().tensor("m", &[1, 32], 2, block), "m");
    assert_eq!(weight, [0x7654_3210, 0xfedc_ba98, 0x7654_3210, 0xfedc_ba98]);
    assert_eq!((scales, biases), (vec![f16::ONE], vec![f16::from_f32(-8.0)]));

    // Element j of a Q8_0 block is j - 16.
    let block = f16::ONE.to_le_bytes().into_iter().chain((0..32).map(|j| (j - 16) as i8 as u8)).collect();
    let (weight, _, biases) = affine(&llama().tensor("m", &[1, 32], 8, block), "m");
    assert_eq!((weight[0], weight[7]), (0x7372_7170, 0x8f8e_8d8c));
    assert_eq!(biases, [f16::from_f32(-128.0)]);
}

#[test]
fn what_affine_cannot_hold_becomes_dense() {
    // -8 and -128 times this are beyond f16.
    let scale = f16::from_f32(32768.0);
    let q4_0 = [&scale.to_le_bytes()[..], &[0x0f; 16]].concat();
    let q8_0 = [&scale.to_le_bytes()[..], &[0x80; 32]].concat();
    for (id, block, first) in [(2, q4_0, 7.0 * 32768.0f32), (8, q8_0.clone(), -128.0 * 32768.0)] {
        let array = dense(&llama().tensor("m", &[1, 32], id, block), "m");
        assert_eq!((array.dtype().unwrap(), array.shape().unwrap()), (Dtype::F32, &[1, 32][..]));
        assert_eq!(array.to_vec::<f32>().unwrap()[0], first);
    }
    // A vector has no rows to quantize.
    let block = [&f16::ONE.to_le_bytes()[..], &[1; 32]].concat();
    let array = dense(&llama().tensor("v", &[32], 8, block), "v");
    assert_eq!(array.to_vec::<f32>().unwrap(), [1.0; 32]);
}

#[test]
fn query_and_key_rows_return_to_hugging_face_order() {
    // Row r of Hugging Face's matrix holds the number r; llama.cpp interleaves the halves of each head.
    let stored = |rows: usize, heads: usize| -> Vec<usize> {
        let half = rows / heads / 2;
        (0..rows).map(|r| r / (2 * half) * 2 * half + r % 2 * half + r % (2 * half) / 2).collect()
    };
    let data = |rows, heads| stored(rows, heads).iter().map(|&r| r as f32).collect::<Vec<_>>();
    let writer = llama()
        .floats("blk.0.attn_q.weight", &[32, 1], &data(32, 4))
        .floats("blk.0.attn_k.weight", &[16, 1], &data(16, 2))
        .floats("blk.0.attn_q.bias", &[32], &data(32, 4))
        .floats("blk.0.attn_v.weight", &[16, 1], &data(16, 2));
    let in_order: Vec<f32> = (0..32).map(|r| r as f32).collect();
    let values = |name: &str| dense(&writer, name).to_vec::<f32>().unwrap();
    for (name, rows) in [("blk.0.attn_q.weight", 32), ("blk.0.attn_k.weight", 16), ("blk.0.attn_q.bias", 32)]
    {
        assert_eq!(values(name), in_order[..rows], "{name}");
    }
    assert_ne!(values("blk.0.attn_v.weight"), in_order[..16], "value rows are not interleaved");

    // Quantized: scale r in every one of the two groups of row r, and r in every element.
    let blocks = stored(32, 4).into_iter().flat_map(|r| {
        let block = [&f16::from_f32(r as f32).to_le_bytes()[..], &[r as u8; 32]].concat();
        block.repeat(2)
    });
    let writer = llama().tensor("blk.0.attn_q.weight", &[32, 64], 8, blocks.collect());
    let (weight, scales, biases) = affine(&writer, "blk.0.attn_q.weight");
    for r in 0..32u32 {
        let at = r as usize;
        assert_eq!(weight[16 * at..][..16], [(r + 128) * 0x0101_0101; 16]);
        assert_eq!(scales[2 * at..][..2], [f16::from_f32(r as f32); 2]);
        assert_eq!(biases[2 * at..][..2], [f16::from_f32(-128.0 * r as f32); 2]);
    }
}

#[test]
fn heads_that_do_not_divide_the_rows_are_an_error() {
    for heads in [0, 3, 16, u64::MAX] {
        let writer = llama().uint("llama.attention.head_count", heads);
        let gguf = writer.floats("blk.0.attn_q.weight", &[16, 1], &[0.0; 16]).open().unwrap();
        let message = gguf.load(gguf.tensor("blk.0.attn_q.weight").unwrap()).unwrap_err().to_string();
        assert!(message.contains("`blk.0.attn_q.weight` has 16 rows"), "{heads}: {message}");
    }
}

#[test]
fn other_types_are_named() {
    let gguf = llama().tensor("x", &[256], 16, vec![0; 66]).open().unwrap();
    let error = gguf.load(gguf.tensor("x").unwrap()).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, Error::UnsupportedQuantization(_)));
    assert!(message.starts_with("unsupported quantization IQ2_XXS: "), "{message}");
    assert!(message.contains("tensor `x`: type IQ2_XXS is not supported; supported: F32"), "{message}");
}

#[test]
fn names_follow_hugging_face() {
    let cases = [
        ("token_embd.weight", Some("model.embed_tokens.weight")),
        ("output_norm.weight", Some("model.norm.weight")),
        ("output.weight", Some("lm_head.weight")),
        ("rope_freqs.weight", None),
        ("blk.0.attn_norm.weight", Some("model.layers.0.input_layernorm.weight")),
        ("blk.7.attn_q.weight", Some("model.layers.7.self_attn.q_proj.weight")),
        ("blk.7.attn_k.bias", Some("model.layers.7.self_attn.k_proj.bias")),
        ("blk.10.attn_v.weight", Some("model.layers.10.self_attn.v_proj.weight")),
        ("blk.10.attn_output.weight", Some("model.layers.10.self_attn.o_proj.weight")),
        ("blk.10.ffn_norm.weight", Some("model.layers.10.post_attention_layernorm.weight")),
        ("blk.31.ffn_gate.weight", Some("model.layers.31.mlp.gate_proj.weight")),
        ("blk.31.ffn_up.weight", Some("model.layers.31.mlp.up_proj.weight")),
        ("blk.31.ffn_down.weight", Some("model.layers.31.mlp.down_proj.weight")),
    ];
    let name = |gguf_name: &str| {
        let gguf = llama().floats(gguf_name, &[1], &[0.0]).open().unwrap();
        gguf.hugging_face_name(gguf.tensor(gguf_name).unwrap())
    };
    for (gguf_name, expected) in cases {
        assert_eq!(name(gguf_name).unwrap().as_deref(), expected, "{gguf_name}");
    }
    for unknown in [
        "x",
        "blk.0.attn_q",
        "blk.00.attn_q.weight",
        "blk.+1.attn_q.weight",
        "blk..attn_q.weight",
        "blk.0.x.weight",
    ] {
        let message = name(unknown).unwrap_err().to_string();
        assert!(message.contains(&format!("tensor `{unknown}` is no part of a Llama model")), "{message}");
    }
}

#[test]
fn metadata_getters_check_the_type() {
    let gguf = Writer::new().set("a", Value::I64(-1)).uint("b", 1 << 40).open().unwrap();
    let metadata = gguf.metadata();
    assert_eq!(metadata.u64("absent").unwrap(), None);
    assert_eq!(metadata.u64("b").unwrap(), Some(1 << 40));
    let message = metadata.u64("a").unwrap_err().to_string();
    assert!(message.contains("metadata `a` is an integer, not a non-negative integer"), "{message}");
    assert!(metadata.u32("b").unwrap_err().to_string().contains("not an integer of 32 bits"));
    assert!(metadata.string("b").unwrap_err().to_string().contains("is an unsigned integer, not a string"));
}
