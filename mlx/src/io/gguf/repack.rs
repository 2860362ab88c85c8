//! Q4_0, Q4_1 and Q8_0 as MLX's affine quantization, without touching a value.
//!
//! All three give 32 neighbours one f16 scale. MLX computes `scale · q + bias` with unsigned `q` and packs a row
//! into u32 words, first element in the lowest bits:
//!
//! | ggml | value              | scale | bias     |
//! |------|--------------------|-------|----------|
//! | Q4_0 | `d · (q - 8)`      | `d`   | `-8 d`   |
//! | Q4_1 | `d · q + m`        | `d`   | `m`      |
//! | Q8_0 | `d · q`, `q` signed, stored as `q + 128` | `d` | `-128 d` |
//!
//! The biases are `d` times a power of two, hence exact unless they overflow.

use half::f16;

use super::dequant::half_at;
use super::types::GgmlType;

/// Neighbours in a row that share scale and bias in [`Tensor::Affine`](super::Tensor::Affine).
pub const GROUP_SIZE: i32 = 32;

/// Packed words, scales and biases of a tensor.
pub(super) struct Packed {
    pub(super) weight: Vec<u32>,
    pub(super) scales: Vec<f16>,
    pub(super) biases: Vec<f16>,
}

impl GgmlType {
    /// Bits per element of a type whose matrices become [`Tensor::Affine`](super::Tensor::Affine).
    pub fn affine_bits(self) -> Option<i32> {
        match self {
            GgmlType::Q4_0 | GgmlType::Q4_1 => Some(4),
            GgmlType::Q8_0 => Some(8),
            _ => None,
        }
    }
}

/// Repacks whole blocks; `None` for another type, and where a bias is beyond f16.
pub(super) fn repack(ggml_type: GgmlType, bytes: &[u8]) -> Option<Packed> {
    let bits = ggml_type.affine_bits()?;
    let block_bytes = ggml_type.block_bytes();
    let blocks = bytes.len() / block_bytes;
    let mut packed = Packed {
        weight: Vec::with_capacity(blocks * bits as usize),
        scales: Vec::with_capacity(blocks),
        biases: Vec::with_capacity(blocks),
    };
    for block in bytes.chunks_exact(block_bytes) {
        let scale = half_at(block, 0);
        let bias = match ggml_type {
            GgmlType::Q4_1 => half_at(block, 2),
            GgmlType::Q4_0 => times(scale, -8.0)?,
            _ => times(scale, -128.0)?,
        };
        packed.scales.push(scale);
        packed.biases.push(bias);
        match ggml_type {
            GgmlType::Q4_1 => packed.weight.extend(nibble_words(&block[4..])),
            GgmlType::Q4_0 => packed.weight.extend(nibble_words(&block[2..])),
            _ => packed.weight.extend(block[2..].chunks_exact(4).map(offset_word)),
        }
    }
    Some(packed)
}

fn times(scale: f16, factor: f32) -> Option<f16> {
    Some(f16::from_f32(scale.to_f32() * factor)).filter(|bias| bias.is_finite())
}

/// 16 bytes with elements 0..16 in their low and 16..32 in their high halves, as four words of eight elements.
fn nibble_words(bytes: &[u8]) -> [u32; 4] {
    std::array::from_fn(|word| {
        let (half, shift) = (&bytes[word % 2 * 8..][..8], word / 2 * 4);
        half.iter().rev().fold(0, |packed, &byte| packed << 4 | u32::from(byte >> shift & 15))
    })
}

/// Four signed bytes as one word of `q + 128`.
fn offset_word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |packed, &byte| packed << 8 | u32::from(byte ^ 0x80))
}
