//! Numbers as other programs store them.

use mlx::{Array, Dtype};

pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    pub(crate) fn many(&mut self, count: usize, bound: u32) -> Vec<u32> {
        (0..count).map(|_| self.below(bound)).collect()
    }

    /// The group of each column, of groups of this many, in order or not.
    pub(crate) fn order(&mut self, columns: usize, size: usize, shuffled: bool) -> Vec<u32> {
        let mut order: Vec<u32> = (0..columns).map(|c| (c / size) as u32).collect();
        if shuffled {
            (1..columns).rev().for_each(|i| order.swap(i, self.below(i as u32 + 1) as usize));
        }
        order
    }

    /// Scales that half precision holds exactly.
    pub(crate) fn scales(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| f64::from(1 + self.below(255)) / 4096.0).collect()
    }
}

pub(crate) fn ints(values: &[u32], shape: &[usize]) -> Array {
    Array::from_slice(values, &dims(shape)).view(Dtype::I32).unwrap()
}

pub(crate) fn bytes(values: impl IntoIterator<Item = u32>, shape: &[usize]) -> Array {
    Array::from_slice(&values.into_iter().map(|value| value as u8).collect::<Vec<_>>(), &dims(shape))
}

pub(crate) fn floats(values: &[f64], shape: &[usize], dtype: Dtype) -> Array {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    Array::from_slice(&values, &dims(shape)).astype(dtype).unwrap()
}

pub(crate) fn dims(shape: &[usize]) -> Vec<i32> {
    shape.iter().map(|dim| *dim as i32).collect()
}

/// The bits of the values one after the other, the lowest first, in words.
pub(crate) fn bit_stream(values: impl IntoIterator<Item = u32>, bits: usize) -> Vec<u32> {
    let mut words: Vec<u32> = vec![];
    for (i, value) in values.into_iter().enumerate() {
        for bit in 0..bits {
            let at = i * bits + bit;
            words.resize(words.len().max(at / 32 + 1), 0);
            words[at / 32] |= (value >> bit & 1) << (at % 32);
        }
    }
    words
}

pub(crate) fn transposed<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// A row-major matrix packed along its rows.
pub(crate) fn packed(values: &[u32], columns: usize, bits: usize) -> Vec<u32> {
    values.chunks(columns).flat_map(|row| bit_stream(row.iter().copied(), bits)).collect()
}

pub(crate) fn numbers(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..rows * columns).map(|i| at(i / columns, i % columns)).collect()
}

/// An 8-bit float: 4 bits of exponent, 3 of mantissa.
pub(crate) fn e4m3(byte: u32) -> f64 {
    let (exponent, mantissa) = ((byte >> 3 & 15) as i32, f64::from(byte & 7));
    let sign = if byte & 128 == 0 { 1.0 } else { -1.0 };
    match exponent {
        0 => sign * mantissa / 8.0 * 2f64.powi(-6),
        _ => sign * (1.0 + mantissa / 8.0) * 2f64.powi(exponent - 7),
    }
}

/// A 4-bit float: 2 bits of exponent, 1 of mantissa.
pub(crate) fn e2m1(nibble: u32) -> f64 {
    const NUMBERS: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    NUMBERS[(nibble & 7) as usize] * if nibble & 8 == 0 { 1.0 } else { -1.0 }
}
