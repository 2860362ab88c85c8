//! The formats of compressed-tensors.

use crate::encoding::{Random, bytes, e2m1, floats, ints, numbers, packed, transposed};
use crate::fp8::{any_scales, fp8_layer, powers_of_two};
use crate::harness::{BFLOAT16, EXACT, Encoded, check};
use mlx::{Array, Dtype, nn::Mode};
use serde_json::json;

/// How zeros are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Zeros {
    /// Not at all: they are in the middle.
    Left,
    /// As the numbers are, but along the rows.
    Packed,
    /// In signed bytes, from the middle.
    Bytes,
}

/// Integers of `bits` bits; `shuffled` if the groups of columns are in no order.
fn packed_layer(
    bits: usize,
    size: usize,
    zeros: Zeros,
    shuffled: bool,
) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let size = size.min(columns);
        let groups = columns / size;
        let q = random.many(rows * columns, 1 << bits);
        let half = 1 << (bits - 1);
        let z = match zeros {
            Zeros::Left => vec![half; rows * groups],
            _ => random.many(rows * groups, 1 << bits),
        };
        let s = random.scales(rows * groups);
        let order = random.order(columns, size, shuffled);
        let numbers = numbers(rows, columns, |r, c| {
            let group = r * groups + order[c] as usize;
            (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
        });
        let mut parts = vec![
            ("weight_packed", ints(&packed(&q, columns, bits), &[rows, columns * bits / 32])),
            ("weight_scale", floats(&s, &[rows, groups], Dtype::Bf16)),
            ("weight_shape", Array::from_slice(&[rows as i64, columns as i64], &[2])),
            ("weight_g_idx", ints(&order, &[columns])),
        ];
        let stored = match zeros {
            Zeros::Left => None,
            Zeros::Packed => {
                let words = packed(&transposed(&z, rows, groups), rows, bits);
                let words = transposed(&words, groups, rows * bits / 32);
                Some(ints(&words, &[rows * bits / 32, groups]))
            }
            Zeros::Bytes => {
                let centred = z.iter().map(|z| z.wrapping_sub(half) & 255);
                Some(bytes(centred, &[rows, groups]).view(Dtype::I8).unwrap())
            }
        };
        parts.extend(stored.map(|zeros| ("weight_zero_point", zeros)));
        (parts, numbers)
    }
}

#[test]
fn compressed_tensors() {
    let block = json!({"quant_method": "compressed-tensors", "format": "pack-quantized"});
    for (bits, size, zeros, stored) in [
        (4, 32, Zeros::Left, 32),
        (4, 128, Zeros::Left, 128),
        (4, 64, Zeros::Packed, 64),
        (4, 64, Zeros::Bytes, 64),
        (3, 32, Zeros::Left, 32),
        (3, 64, Zeros::Packed, 64),
        (5, 128, Zeros::Left, 128),
        (6, 64, Zeros::Packed, 64),
        (8, 1 << 20, Zeros::Left, 128),
        (8, 64, Zeros::Packed, 64),
    ] {
        let tolerance = if zeros == Zeros::Left { EXACT } else { BFLOAT16 };
        let expected = Some((bits as i32, stored, Mode::Affine));
        check(
            &format!("{bits} bits, {size}, {zeros:?}"),
            &block,
            expected,
            tolerance,
            packed_layer(bits, size, zeros, false),
        );
    }
    check("out of order", &block, None, BFLOAT16, packed_layer(4, 32, Zeros::Packed, true));
    let block = json!({"quant_method": "compressed-tensors", "format": "mxfp8-quantized"});
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let layer = fp8_layer([1, 32], "weight_scale", powers_of_two, exponents);
    check("mxfp8", &block, Some((8, 32, Mode::Mxfp8)), EXACT, layer);
    let block = json!({"quant_method": "compressed-tensors", "format": "int-quantized"});
    let signed = |byte: u32| f64::from(byte as u8 as i8);
    for (zeros, tolerance) in [(false, EXACT), (true, BFLOAT16)] {
        let stored = Some((8, 128, Mode::Affine));
        check(&format!("int8, zeros: {zeros}"), &block, stored, tolerance, |rows, columns, random| {
            let (q, s) = (random.many(rows * columns, 256), random.scales(rows));
            let z = if zeros { random.many(rows, 256) } else { vec![0; rows] };
            let numbers = numbers(rows, columns, |r, c| (signed(q[r * columns + c]) - signed(z[r])) * s[r]);
            let mut parts = vec![
                ("weight", bytes(q, &[rows, columns]).view(Dtype::I8).unwrap()),
                ("weight_scale", floats(&s, &[rows, 1], Dtype::Bf16)),
            ];
            if zeros {
                parts.push(("weight_zero_point", bytes(z, &[rows, 1]).view(Dtype::I8).unwrap()));
            }
            (parts, numbers)
        });
    }
    let weights = json!({"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [96, 128]});
    let block = json!({
        "quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"group_0": {"weights": weights}},
    });
    let single = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, shape, Dtype::Bf16);
    check("blocks", &block, None, BFLOAT16, fp8_layer([96, 128], "weight_scale", any_scales, single));
    let block = json!({"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"});
    check("mxfp4", &block, Some((4, 32, Mode::Mxfp4)), EXACT, |rows, columns, random| {
        let q = random.many(rows * columns, 16);
        let (s, codes) = powers_of_two(random, rows * columns / 32);
        let numbers = numbers(rows, columns, |r, c| e2m1(q[r * columns + c]) * s[(r * columns + c) / 32]);
        let pairs = q.chunks(2).map(|pair| pair[0] | pair[1] << 4);
        let parts = vec![
            ("weight_packed", bytes(pairs, &[rows, columns / 2])),
            ("weight_scale", bytes(codes, &[rows, columns / 32])),
        ];
        (parts, numbers)
    });
}
