//! ModelOpt's 8 bits.

use crate::encoding::{bytes, floats};
use crate::fp8::{any_scales, fp8_layer, powers_of_two};
use crate::harness::{BFLOAT16, EXACT, check};
use mlx::{Dtype, nn::Mode};
use serde_json::json;

#[test]
fn modelopt_of_8_bits() {
    let single = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, shape, Dtype::F32);
    let scalar = |s: &[f64], _: &[u32], _: &[usize]| floats(s, &[], Dtype::F32);
    let column = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, &shape[..1], Dtype::F32);
    let spaced = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, &[shape[0], 1, shape[1], 1], Dtype::F32);
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let whole = 1 << 20;
    let block = |algorithm: &str| json!({"quant_method": "modelopt", "quant_algo": algorithm});
    let part = "weight_scale";
    check("FP8", &block("FP8"), None, BFLOAT16, fp8_layer([whole, whole], part, any_scales, scalar));
    let layer = fp8_layer([1, whole], part, any_scales, column);
    check("rows", &block("FP8_PER_CHANNEL_PER_TOKEN"), None, BFLOAT16, layer);
    check("blocks", &block("fp8_pb_wo"), None, BFLOAT16, fp8_layer([128, 128], part, any_scales, spaced));
    check("blocks", &block("FP8_PB_WO"), None, BFLOAT16, fp8_layer([64, 32], part, any_scales, single));
    let mxfp8 = Some((8, 32, Mode::Mxfp8));
    check("MXFP8", &block("MXFP8"), mxfp8, EXACT, fp8_layer([1, 32], part, powers_of_two, exponents));
    let file = json!({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "MIXED_PRECISION",
        "quantized_layers": {"model.layers.0.mlp.up_proj": {"quant_algo": "FP8"}}}});
    check("mixed", &file, None, BFLOAT16, fp8_layer([whole, whole], part, any_scales, scalar));
}
