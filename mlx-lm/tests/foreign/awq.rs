//! AWQ: transposed, and by rows.

use crate::encoding::{bit_stream, floats, ints, numbers, packed};
use crate::harness::{ROUNDED, check};
use mlx::{Dtype, nn::Mode};
use serde_json::json;

#[test]
fn awq() {
    const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
    let words = |values: &[u32]| -> Vec<u32> {
        let word = |eight: &[u32]| (0..8).fold(0, |word, i| word | eight[ORDER[i]] << (4 * i));
        values.chunks(8).map(word).collect()
    };
    for zeros in [true, false] {
        let block = json!({"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": zeros});
        let stored = Some((4, 64, Mode::Affine));
        check(&format!("awq, zeros: {zeros}"), &block, stored, ROUNDED, |rows, columns, random| {
            let groups = columns / 64;
            let q = random.many(columns * rows, 16);
            let z = if zeros { random.many(groups * rows, 16) } else { vec![8; groups * rows] };
            let s = random.scales(groups * rows);
            let numbers = numbers(rows, columns, |r, c| {
                let group = c / 64 * rows + r;
                (f64::from(q[c * rows + r]) - f64::from(z[group])) * s[group]
            });
            let mut parts = vec![
                ("qweight", ints(&words(&q), &[columns, rows / 8])),
                ("scales", floats(&s, &[groups, rows], Dtype::F16)),
            ];
            if zeros {
                parts.push(("qzeros", ints(&words(&z), &[groups, rows / 8])));
            }
            (parts, numbers)
        });
    }
}

/// AutoAWQ's layout for products with vectors: scales and zeros have room for more groups than there are.
#[test]
fn awq_by_rows() {
    for (size, width, zeros) in [(128, 1, true), (64, 2, true), (32, 4, true), (64, 2, false)] {
        let block = json!({"quant_method": "awq", "bits": 4, "group_size": size, "version": "gemv"});
        let stored = Some((4, size as i32, Mode::Affine));
        check(&format!("gemv, {size}, zeros: {zeros}"), &block, stored, ROUNDED, |rows, columns, random| {
            let groups = columns / size;
            let width = groups.div_ceil(8).div_ceil(width) * width;
            let q = random.many(rows * columns, 16);
            let z = if zeros { random.many(rows * groups, 16) } else { vec![8; rows * groups] };
            let s = random.scales(rows * groups);
            let numbers = numbers(rows, columns, |r, c| {
                let group = r * groups + c / size;
                (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
            });
            let packed_zeros: Vec<u32> =
                z.chunks(groups).flat_map(|row| padded(bit_stream(row.to_vec(), 4), width)).collect();
            let scales: Vec<f64> = s.chunks(groups).flat_map(|row| padded(row.to_vec(), 8 * width)).collect();
            let mut parts = vec![
                ("qweight", ints(&packed(&q, columns, 4), &[rows, columns / 8])),
                ("scales", floats(&scales, &[rows, 8 * width], Dtype::F16)),
            ];
            if zeros {
                parts.push(("qzeros", ints(&packed_zeros, &[rows, width])));
            }
            (parts, numbers)
        });
    }
}

fn padded<T: Clone + Default>(mut row: Vec<T>, width: usize) -> Vec<T> {
    row.resize(width, T::default());
    row
}
