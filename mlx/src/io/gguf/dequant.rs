//! Quantized blocks to f32, one function per ggml type: `weight = scale · q + offset`, in the order of ggml's own
//! arithmetic, so that every value is the same bit for bit.

use half::f16;

use super::types::GgmlType;

/// The values of whole blocks of `ggml_type`; `None` for a type without code here.
pub(super) fn dequantize(ggml_type: GgmlType, bytes: &[u8]) -> Option<Vec<f32>> {
    let block: fn(&[u8], &mut [f32]) = match ggml_type {
        GgmlType::Q4_0 => q4_0,
        GgmlType::Q4_1 => q4_1,
        GgmlType::Q8_0 => q8_0,
        GgmlType::Q4_K => q4_k,
        GgmlType::Q5_K => q5_k,
        GgmlType::Q6_K => q6_k,
        _ => return None,
    };
    let (len, block_bytes) = (ggml_type.block_len(), ggml_type.block_bytes());
    let mut values = vec![0.0; bytes.len() / block_bytes * len];
    for (bytes, values) in bytes.chunks_exact(block_bytes).zip(values.chunks_exact_mut(len)) {
        block(bytes, values);
    }
    Some(values)
}

/// The f16 at `at`.
pub(super) fn half_at(block: &[u8], at: usize) -> f16 {
    f16::from_le_bytes([block[at], block[at + 1]])
}

fn float_at(block: &[u8], at: usize) -> f32 {
    half_at(block, at).to_f32()
}

/// Scale, then 16 bytes: element `j` in the low half of byte `j`, element `16 + j` in the high half.
fn q4_0(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (j, &byte) in block[2..].iter().enumerate() {
        values[j] = (f32::from(byte & 15) - 8.0) * d;
        values[j + 16] = (f32::from(byte >> 4) - 8.0) * d;
    }
}

/// Scale, minimum, then as in [`q4_0`].
fn q4_1(block: &[u8], values: &mut [f32]) {
    let (d, min) = (float_at(block, 0), float_at(block, 2));
    for (j, &byte) in block[4..].iter().enumerate() {
        values[j] = d * f32::from(byte & 15) + min;
        values[j + 16] = d * f32::from(byte >> 4) + min;
    }
}

/// Scale, then 32 signed bytes.
fn q8_0(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (value, &byte) in values.iter_mut().zip(&block[2..]) {
        *value = f32::from(byte as i8) * d;
    }
}

/// Scale and minimum of each of the eight groups of 32 in a Q4_K or Q5_K block: the block's two f16 values times
/// eight pairs of 6-bit integers in 12 bytes.
fn group_scales(block: &[u8]) -> [(f32, f32); 8] {
    let (d, min) = (float_at(block, 0), float_at(block, 2));
    let packed = &block[4..16];
    std::array::from_fn(|j| {
        let (scale, offset) = if j < 4 {
            (packed[j] & 63, packed[j + 4] & 63)
        } else {
            ((packed[j + 4] & 15) | (packed[j - 4] >> 6 << 4), (packed[j + 4] >> 4) | (packed[j] >> 6 << 4))
        };
        (d * f32::from(scale), min * f32::from(offset))
    })
}

/// The 4 low bits of element `i` of group `j`, where 32 bytes hold two groups of 32.
fn nibble(bytes: &[u8], j: usize, i: usize) -> u8 {
    (bytes[j / 2 * 32 + i] >> (j % 2 * 4)) & 15
}

/// [`group_scales`] (16 bytes), 128 bytes of 4-bit values.
fn q4_k(block: &[u8], values: &mut [f32]) {
    let quants = &block[16..];
    for (j, (scale, min)) in group_scales(block).into_iter().enumerate() {
        for i in 0..32 {
            values[32 * j + i] = scale * f32::from(nibble(quants, j, i)) - min;
        }
    }
}

/// [`group_scales`] (16 bytes), 32 bytes whose bit `j` is the fifth bit in group `j`, 128 bytes of 4-bit values.
fn q5_k(block: &[u8], values: &mut [f32]) {
    let (high, quants) = (&block[16..48], &block[48..]);
    for (j, (scale, min)) in group_scales(block).into_iter().enumerate() {
        for i in 0..32 {
            let q = nibble(quants, j, i) | ((high[i] >> j & 1) << 4);
            values[32 * j + i] = scale * f32::from(q) - min;
        }
    }
}

/// 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales (one for 16 elements), the block's f16 scale.
/// Each half of the block is four groups of 32; byte `i` of its high bits serves element `i` of all four.
fn q6_k(block: &[u8], values: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let d = float_at(block, 208);
    for half in 0..2 {
        for group in 0..4 {
            for i in 0..32 {
                let low = (low[64 * half + group % 2 * 32 + i] >> (group / 2 * 4)) & 15;
                let high = (high[32 * half + i] >> (group * 2)) & 3;
                let q = (low | high << 4) as i8 - 32;
                let scale = d * f32::from(scales[8 * half + 2 * group + i / 16] as i8);
                values[128 * half + 32 * group + i] = scale * f32::from(q);
            }
        }
    }
}
