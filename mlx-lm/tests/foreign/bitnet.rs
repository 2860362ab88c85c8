//! BitNet's numbers, of which there are three.

use crate::encoding::{bytes, floats, numbers};
use crate::harness::{EXACT, check};
use mlx::{Dtype, nn::Mode};
use serde_json::json;

#[test]
fn bitnet() {
    for (class, inverse) in [("bitlinear", true), ("autobitlinear", false)] {
        let block = json!({"quant_method": "bitnet", "linear_class": class});
        check(class, &block, Some((2, 128, Mode::Affine)), EXACT, |rows, columns, random| {
            let q = random.many(rows * columns, 3);
            let scale = 1.0 / 32.0;
            let numbers = numbers(rows, columns, |r, c| (f64::from(q[r * columns + c]) - 1.0) * scale);
            let quarter = rows / 4 * columns;
            let packed = (0..quarter).map(|i| (0..4).fold(0, |byte, k| byte | q[k * quarter + i] << (2 * k)));
            let stored = if inverse { 1.0 / scale } else { scale };
            let parts = vec![
                ("weight", bytes(packed, &[rows / 4, columns])),
                ("weight_scale", floats(&[stored], &[1], Dtype::Bf16)),
            ];
            (parts, numbers)
        });
    }
}
