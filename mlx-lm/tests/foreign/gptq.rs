//! GPTQ, with its columns in order and out of order.

use crate::encoding::{Random, floats, ints, numbers, packed, transposed};
use crate::harness::{Encoded, ROUNDED, check};
use mlx::{Dtype, nn::Mode};
use serde_json::json;

/// How zeros are stored.
#[derive(Clone, Copy, PartialEq)]
enum Zeros {
    LessOne,
    Exact,
    /// Not at all: they are in the middle.
    Left,
}

/// A GPTQ layer, with groups of this many columns in order, or not.
fn gptq_layer(
    bits: usize,
    size: usize,
    zeros: Zeros,
    shuffled: bool,
) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let size = size.min(columns);
        let groups = columns / size;
        let range = 1 << bits;
        let q = random.many(rows * columns, range);
        let z = match zeros {
            Zeros::Left => vec![range / 2; groups * rows],
            _ => random.many(groups * rows, range),
        };
        let s = random.scales(groups * rows);
        let order = random.order(columns, size, shuffled);
        let numbers = numbers(rows, columns, |r, c| {
            let group = order[c] as usize * rows + r;
            (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
        });
        let words = packed(&q, columns, bits);
        let per_row = columns * bits / 32;
        let less = u32::from(zeros == Zeros::LessOne);
        let stored: Vec<u32> = z.iter().map(|z| z.wrapping_sub(less) & (range - 1)).collect();
        let mut parts = vec![
            ("qweight", ints(&transposed(&words, rows, per_row), &[per_row, rows])),
            ("scales", floats(&s, &[groups, rows], Dtype::F16)),
            ("g_idx", ints(&order, &[columns])),
        ];
        if zeros != Zeros::Left {
            parts.push(("qzeros", ints(&packed(&stored, rows, bits), &[groups, rows * bits / 32])));
        }
        (parts, numbers)
    }
}

#[test]
fn gptq() {
    for bits in [2, 3, 4, 8] {
        for (size, stored) in [(32, 32), (64, 64), (1 << 20, 128)] {
            let block = json!({"quant_method": "gptq", "bits": bits, "group_size": size, "desc_act": false});
            let expected = Some((bits as i32, stored, Mode::Affine));
            check(
                &format!("gptq, {bits} bits, {size}"),
                &block,
                expected,
                ROUNDED,
                gptq_layer(bits, size, Zeros::LessOne, false),
            );
        }
    }
    let block = json!({"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_v2"});
    check("gptq_v2", &block, Some((4, 128, Mode::Affine)), ROUNDED, gptq_layer(4, 128, Zeros::Exact, false));
    let block = json!({"quant_method": "gptq", "bits": 4, "sym": true});
    check("no zeros", &block, Some((4, 64, Mode::Affine)), ROUNDED, gptq_layer(4, 64, Zeros::Left, false));
    for bits in [3, 4] {
        let block = json!({"quant_method": "gptq", "bits": bits, "desc_act": true});
        check("gptq out of order", &block, None, ROUNDED, gptq_layer(bits, 32, Zeros::LessOne, true));
    }
}
