//! Matrices of 8-bit floats with scales of blocks, rows, or the whole.

use crate::encoding::{Random, bytes, dims, e4m3, floats, numbers};
use crate::harness::{BFLOAT16, EXACT, Encoded, Source, check};
use mlx::{Array, Dtype, nn::Mode};
use serde_json::json;
use std::collections::BTreeMap;

impl Random {
    /// Bytes that are 8-bit floats other than NaN.
    fn fp8(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.below(2) << 7 | self.below(127)).collect()
    }
}

/// Which scale of how many across and along a number has.
pub(crate) fn fp8_layer(
    block: [usize; 2],
    part: &'static str,
    scale: impl Fn(&mut Random, usize) -> (Vec<f64>, Vec<u32>),
    stored: impl Fn(&[f64], &[u32], &[usize]) -> Array,
) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let [height, width] = [block[0].min(rows), block[1].min(columns)];
        let shape = [rows.div_ceil(height), columns.div_ceil(width)];
        let w = random.fp8(rows * columns);
        let (s, codes) = scale(random, shape[0] * shape[1]);
        let numbers =
            numbers(rows, columns, |r, c| e4m3(w[r * columns + c]) * s[r / height * shape[1] + c / width]);
        let parts = vec![
            ("weight", bytes(w, &[rows, columns])),
            (part, stored(&s, &codes, &shape)),
            ("input_scale", floats(&[1.0], &[1], Dtype::F32)),
        ];
        (parts, numbers)
    }
}

pub(crate) fn any_scales(random: &mut Random, count: usize) -> (Vec<f64>, Vec<u32>) {
    (random.scales(count), vec![])
}

pub(crate) fn powers_of_two(random: &mut Random, count: usize) -> (Vec<f64>, Vec<u32>) {
    let codes: Vec<u32> = (0..count).map(|_| 115 + random.below(20)).collect();
    (codes.iter().map(|code| 2f64.powi(*code as i32 - 127)).collect(), codes)
}

#[test]
fn fp8() {
    let single = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, shape, Dtype::F32);
    let scalar = |s: &[f64], _: &[u32], _: &[usize]| floats(s, &[], Dtype::F32);
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let mxfp8 = Some((8, 32, Mode::Mxfp8));
    let whole = 1 << 20;
    let block = json!({"quant_method": "fp8", "weight_block_size": [128, 128]});
    check("blocks", &block, None, BFLOAT16, fp8_layer([128, 128], "weight_scale_inv", any_scales, single));
    let block = json!({"quant_method": "fp8", "weight_block_size": null, "activation_scheme": "static"});
    check("whole", &block, None, BFLOAT16, fp8_layer([whole, whole], "weight_scale_inv", any_scales, scalar));
    check("rows", &block, None, BFLOAT16, fp8_layer([1, whole], "weight_scale", any_scales, single));
    let block = json!({"quant_method": "fp8", "weight_block_size": [128, 128], "scale_fmt": "ue8m0"});
    let layer = fp8_layer([128, 128], "weight_scale_inv", powers_of_two, single);
    check("powers of two in single precision", &block, mxfp8, EXACT, layer);
    let block = json!({"quant_method": "fp8", "weight_block_size": [32, 32], "scale_fmt": "ue8m0"});
    let layer = fp8_layer([32, 32], "weight_scale_inv", powers_of_two, exponents);
    check("powers of two", &block, mxfp8, EXACT, layer);
    let block = json!({"quant_method": "fp8", "weight_block_size": [16, 16], "scale_fmt": "ue8m0"});
    let layer = fp8_layer([16, 16], "weight_scale_inv", powers_of_two, exponents);
    check("powers of two, small blocks", &block, None, EXACT, layer);
    let block = json!({"quant_method": "compressed-tensors", "format": "float-quantized"});
    check("compressed", &block, None, BFLOAT16, fp8_layer([1, whole], "weight_scale", any_scales, single));
}

/// transformers holds all experts of a layer as one array, and so do some checkpoints.
#[test]
fn fp8_of_all_experts_at_once() {
    const EXPERTS: usize = 3;
    let (hidden, inner) = (64, 96);
    let config = json!({
        "model_type": "qwen3_moe", "hidden_size": hidden, "num_hidden_layers": 1, "intermediate_size": 64,
        "moe_intermediate_size": inner, "num_experts": EXPERTS, "num_experts_per_tok": 2, "norm_topk_prob": true,
        "decoder_sparse_step": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32,
        "rms_norm_eps": 1e-5, "vocab_size": 32, "max_position_embeddings": 64, "rope_theta": 10000.0,
        "tie_word_embeddings": true,
    });
    let layer = "model.layers.0";
    let ones = |shape: &[usize]| mlx::ones(&dims(shape), Dtype::Bf16);
    let mut tensors: BTreeMap<String, Array> = [
        ("model.embed_tokens", vec![32, hidden]),
        ("model.norm", vec![hidden]),
        ("model.layers.0.input_layernorm", vec![hidden]),
        ("model.layers.0.post_attention_layernorm", vec![hidden]),
        ("model.layers.0.self_attn.q_proj", vec![64, hidden]),
        ("model.layers.0.self_attn.k_proj", vec![32, hidden]),
        ("model.layers.0.self_attn.v_proj", vec![32, hidden]),
        ("model.layers.0.self_attn.o_proj", vec![hidden, 64]),
        ("model.layers.0.self_attn.q_norm", vec![32]),
        ("model.layers.0.self_attn.k_norm", vec![32]),
        ("model.layers.0.mlp.gate", vec![EXPERTS, hidden]),
    ]
    .into_iter()
    .map(|(path, shape)| (format!("{path}.weight"), ones(&shape)))
    .collect();
    // Scales of blocks, and one of each expert.
    for size in [32, 1 << 20] {
        let mut random = Random(size as u64);
        let mut fused = |rows: usize, columns: usize| {
            let (height, width) = (size.min(rows), size.min(columns));
            let shape = [EXPERTS, rows.div_ceil(height), columns.div_ceil(width)];
            let (w, s) = (random.fp8(EXPERTS * rows * columns), random.scales(shape.iter().product()));
            let numbers = numbers(EXPERTS * rows, columns, |row, c| {
                let (e, r) = (row / rows, row % rows);
                e4m3(w[row * columns + c]) * s[(e * shape[1] + r / height) * shape[2] + c / width]
            });
            (bytes(w, &[EXPERTS, rows, columns]), floats(&s, &shape, Dtype::F32), numbers)
        };
        let (up, up_scales, up_numbers) = fused(2 * inner, hidden);
        let (down, down_scales, down_numbers) = fused(hidden, inner);
        for (name, array) in [
            ("gate_up_proj", up),
            ("gate_up_proj_scale_inv", up_scales),
            ("down_proj", down),
            ("down_proj_scale_inv", down_scales),
        ] {
            tensors.insert(format!("{layer}.mlp.experts.{name}"), array);
        }
        let half = |second: usize| -> Vec<f64> {
            let halves = up_numbers.chunks(inner * hidden).skip(second).step_by(2);
            halves.flatten().copied().collect()
        };
        let reference = [("gate_proj", half(0)), ("up_proj", half(1)), ("down_proj", down_numbers)];
        let reference = reference.map(|(name, numbers)| (format!("{layer}.mlp.switch_mlp.{name}"), numbers));
        let block = match size {
            32 => json!({"quant_method": "fp8", "weight_block_size": [32, 32]}),
            _ => json!({"quant_method": "fp8"}),
        };
        let source = Source::new(config.clone(), &block, &tensors);
        source.expect(&format!("blocks of {size}"), &reference.into(), BFLOAT16);
    }
}
