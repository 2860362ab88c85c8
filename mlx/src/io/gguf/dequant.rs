//! Quantized blocks to f32, one function per ggml type: `weight = scale · q + offset`, in the order of ggml's own
//! arithmetic, so that every value is the same bit for bit.

use half::f16;

use super::types::GgmlType;

/// Writes the values of one block.
type Block = fn(&[u8], &mut [f32]);

fn block(ggml_type: GgmlType) -> Option<Block> {
    Some(match ggml_type {
        GgmlType::Q4_0 => q4_0,
        GgmlType::Q4_1 => q4_1,
        GgmlType::Q5_0 => q5_0,
        GgmlType::Q5_1 => q5_1,
        GgmlType::Q8_0 => q8_0,
        GgmlType::Q2_K => q2_k,
        GgmlType::Q3_K => q3_k,
        GgmlType::Q4_K => q4_k,
        GgmlType::Q5_K => q5_k,
        GgmlType::Q6_K => q6_k,
        GgmlType::IQ4_NL => iq4_nl,
        GgmlType::IQ4_XS => iq4_xs,
        GgmlType::MXFP4 => mxfp4,
        _ => return None,
    })
}

/// Whether [`dequantize`] has code for the type.
pub(super) fn is_known(ggml_type: GgmlType) -> bool {
    block(ggml_type).is_some()
}

/// The values of whole blocks of `ggml_type`; `None` for a type without code here.
pub(super) fn dequantize(ggml_type: GgmlType, bytes: &[u8]) -> Option<Vec<f32>> {
    let block = block(ggml_type)?;
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

/// The 4 bits of element `i` of 32 in 16 bytes: the first half in the low bits, the second in the high ones.
fn nibble_of_halves(bytes: &[u8], i: usize) -> u8 {
    (bytes[i % 16] >> (i / 16 * 4)) & 15
}

/// Scale, 16 bytes of 4-bit values.
fn q4_0(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (i, value) in values.iter_mut().enumerate() {
        *value = (f32::from(nibble_of_halves(&block[2..], i)) - 8.0) * d;
    }
}

/// Scale, minimum, 16 bytes of 4-bit values.
fn q4_1(block: &[u8], values: &mut [f32]) {
    let (d, min) = (float_at(block, 0), float_at(block, 2));
    for (i, value) in values.iter_mut().enumerate() {
        *value = d * f32::from(nibble_of_halves(&block[4..], i)) + min;
    }
}

/// Element `i` of 32 in the 20 bytes of a Q5_0 or Q5_1 block after its floats: a word whose bit `i` is the fifth bit,
/// then 16 bytes of low bits.
fn five_bits(bytes: &[u8], i: usize) -> u8 {
    nibble_of_halves(&bytes[4..], i) | ((bytes[i / 8] >> (i % 8) & 1) << 4)
}

/// Scale, 5-bit values.
fn q5_0(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (i, value) in values.iter_mut().enumerate() {
        *value = d * (f32::from(five_bits(&block[2..], i)) - 16.0);
    }
}

/// Scale, minimum, 5-bit values.
fn q5_1(block: &[u8], values: &mut [f32]) {
    let (d, min) = (float_at(block, 0), float_at(block, 2));
    for (i, value) in values.iter_mut().enumerate() {
        *value = d * f32::from(five_bits(&block[4..], i)) + min;
    }
}

/// Scale, then 32 signed bytes.
fn q8_0(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (value, &byte) in values.iter_mut().zip(&block[2..]) {
        *value = f32::from(byte as i8) * d;
    }
}

/// The 2 bits of element `i` of 256 in 64 bytes: each half of the bytes holds four groups of 32, one above the other.
fn pair(bytes: &[u8], i: usize) -> u8 {
    (bytes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3
}

/// 16 bytes with a 4-bit scale (low) and a 4-bit minimum for 16 elements each, 64 bytes of 2-bit values, the f16 values
/// that scales and minima are multiples of.
fn q2_k(block: &[u8], values: &mut [f32]) {
    let (scales, quants) = (&block[..16], &block[16..80]);
    let (d, min) = (float_at(block, 80), float_at(block, 82));
    for (i, value) in values.iter_mut().enumerate() {
        let (scale, offset) = (scales[i / 16] & 15, scales[i / 16] >> 4);
        *value = d * f32::from(scale) * f32::from(pair(quants, i)) - min * f32::from(offset);
    }
}

/// 32 bytes whose bit `j` is the third bit in group `j` of 32, 64 bytes of low 2 bits, 16 6-bit scales for 16 elements
/// each (8 bytes of low 4 bits, 4 of high 2), the block's f16 scale.
fn q3_k(block: &[u8], values: &mut [f32]) {
    let (high, low, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let d = float_at(block, 108);
    for (i, value) in values.iter_mut().enumerate() {
        let j = i / 16;
        let scale = (scales[j % 8] >> (j / 8 * 4) & 15) | ((scales[8 + j % 4] >> (j / 4 * 2) & 3) << 4);
        let q = pair(low, i) | ((high[i % 32] >> (i / 32) & 1) << 2);
        *value = d * f32::from(scale as i8 - 32) * f32::from(q as i8 - 4);
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

/// What the 4 bits of the IQ4 types stand for: closer together near zero, where most weights are.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// Scale, 16 bytes of positions in [`IQ4`].
fn iq4_nl(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    for (i, value) in values.iter_mut().enumerate() {
        *value = d * f32::from(IQ4[usize::from(nibble_of_halves(&block[2..], i))]);
    }
}

/// Scale; a 6-bit scale for each of eight groups of 32: 2 bytes of high 2 bits, 4 bytes of low 4 bits; then 16 bytes of
/// positions in [`IQ4`] for each group.
fn iq4_xs(block: &[u8], values: &mut [f32]) {
    let d = float_at(block, 0);
    let (high, low, quants) = (&block[2..4], &block[4..8], &block[8..]);
    for (j, values) in values.chunks_exact_mut(32).enumerate() {
        let scale = (low[j / 2] >> (j % 2 * 4) & 15) | ((high[j / 4] >> (j % 4 * 2) & 3) << 4);
        let scale = d * f32::from(scale as i8 - 32);
        for (i, value) in values.iter_mut().enumerate() {
            *value = scale * f32::from(IQ4[usize::from(nibble_of_halves(&quants[16 * j..], i))]);
        }
    }
}

/// Twice the values of a float with 1 sign, 2 exponent and 1 mantissa bit.
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// A power of two as its exponent plus 127, 16 bytes of [`E2M1`] floats.
fn mxfp4(block: &[u8], values: &mut [f32]) {
    // Half of the power, as the values are doubled; the two smallest are subnormal.
    let half = match u32::from(block[0]) {
        exponent @ ..2 => f32::from_bits(0x0020_0000 << exponent),
        exponent => f32::from_bits((exponent - 1) << 23),
    };
    for (i, value) in values.iter_mut().enumerate() {
        *value = half * f32::from(E2M1[usize::from(nibble_of_halves(&block[1..], i))]);
    }
}
