//! NVFP4 with a scale of the whole matrix beside those of groups, in two conventions.

use crate::encoding::{Random, bytes, e2m1, e4m3, floats, numbers};
use crate::harness::{BFLOAT16, Encoded, check};
use mlx::Dtype;
use serde_json::json;

#[test]
fn nvfp4_with_a_scale_of_the_whole() {
    let layer = |inverse: bool| {
        move |rows: usize, columns: usize, random: &mut Random| -> Encoded {
            let q = random.many(rows * columns, 16);
            let codes: Vec<u32> = (0..rows * columns / 16).map(|_| 32 + random.below(64)).collect();
            let global = if inverse { 640.0 } else { 1.0 / 640.0 };
            let numbers = numbers(rows, columns, |r, c| {
                let i = r * columns + c;
                e2m1(q[i]) * e4m3(codes[i / 16]) / 640.0
            });
            let pairs = bytes(q.chunks(2).map(|pair| pair[0] | pair[1] << 4), &[rows, columns / 2]);
            let scales = bytes(codes, &[rows, columns / 16]);
            let parts = match inverse {
                true => vec![
                    ("weight_packed", pairs),
                    ("weight_scale", scales),
                    ("weight_global_scale", floats(&[global], &[1], Dtype::F32)),
                ],
                false => vec![
                    ("weight", pairs),
                    ("weight_scale", scales),
                    ("weight_scale_2", floats(&[global], &[], Dtype::F32)),
                ],
            };
            (parts, numbers)
        }
    };
    let block = json!({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"});
    check("compressed", &block, None, BFLOAT16, layer(true));
    let block = json!({"quant_method": "modelopt", "quant_algo": "NVFP4"});
    check("modelopt", &block, None, BFLOAT16, layer(false));
    let block =
        json!({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}});
    check("modelopt, a file", &block, None, BFLOAT16, layer(false));
}
