//! What cannot be read says why.

use crate::encoding::dims;
use crate::harness::{HIDDEN, Source};
use mlx::{Array, Dtype};
use mlx_lm::WeightChange;
use serde_json::{Value, json};

#[test]
fn what_is_not_read_is_named() {
    let (rows, columns) = (HIDDEN, HIDDEN);
    let config =
        json!({"model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": 1, "vocab_size": 32});
    let path = |part: &str| format!("model.layers.0.mlp.up_proj.{part}");
    let shape = Array::from_slice(&[rows as i64, columns as i64], &[2]);
    // Ten numbers of three bits in a word, with two bits left over.
    let words = mlx::zeros(&dims(&[rows, columns.div_ceil(10)]), Dtype::I32);
    let scales = mlx::ones(&dims(&[rows, 1]), Dtype::Bf16);
    let loose = [("weight_packed", words), ("weight_scale", scales.clone()), ("weight_shape", shape)];
    let smoothed =
        [("weight", mlx::zeros(&dims(&[rows, columns]), Dtype::U8)), ("pre_quant_scale", scales.clone())];
    type Parts<'a> = &'a [(&'a str, Array)];
    let cases: [(Value, Parts<'_>, &str); 2] = [
        (
            json!({"quant_method": "compressed-tensors", "format": "pack-quantized"}),
            &loose,
            "layer `model.layers.0.mlp.up_proj`: 128 x 128 numbers in words of 416 bits a row",
        ),
        (json!({"quant_method": "modelopt", "quant_algo": "NVFP4"}), &smoothed, "`pre_quant_scale`"),
    ];
    for (block, parts, message) in cases {
        let tensors = parts.iter().map(|(part, array)| (path(part), array.clone())).collect();
        let error =
            Source::new(config.clone(), &block, &tensors).convert(None, WeightChange::Keep).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}
