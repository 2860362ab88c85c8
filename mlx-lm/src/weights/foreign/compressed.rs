//! compressed-tensors, whose parts say by names and types what they are; and nvfp4 with a scale of the whole matrix.

use super::{
    Import, fp8, gptq,
    grouped::{Grouped, Zeros, pack, unpack},
};
use crate::Result;
use mlx::{
    Array, Dtype,
    nn::{Mode, Quantization, Quantized},
};

const MXFP4: Quantization = Quantization { group_size: 32, bits: 4, mode: Mode::Mxfp4 };
const NVFP4: Quantization = Quantization { group_size: 16, bits: 4, mode: Mode::Nvfp4 };

/// What is not for weights.
const UNUSED: [&str; 7] = [
    "input_scale",
    "input_zero_point",
    "input_global_scale",
    "k_scale",
    "v_scale",
    "q_scale",
    "output_scale",
];

/// `block` is that of 8-bit floats, where the file says.
pub(super) fn import(import: &mut Import<'_>, block: Option<[i32; 2]>) -> Result<()> {
    for layer in import.layers_with("weight_packed") {
        let packed = import.need(&layer, "weight_packed")?;
        let scales = import.need(&layer, "weight_scale")?;
        match (packed.dtype()?, import.take(&layer, "weight_global_scale")) {
            (Dtype::U8, Some(global)) => put_nvfp4(import, &layer, packed, scales, &global.reciprocal()?)?,
            (Dtype::U8, None) => {
                import.put(&layer, "weight", packed.view(Dtype::U32)?);
                import.put(&layer, "scales", scales);
                import.layers.insert(layer, Some(MXFP4));
            }
            _ => put_integers(import, &layer, packed, scales)?,
        }
    }
    for layer in import.layers_with("weight_scale") {
        let scales = import.need(&layer, "weight_scale")?;
        let weight = import.need(&layer, "weight")?;
        match weight.dtype()? {
            Dtype::I8 => put_int8(import, &layer, &weight, scales)?,
            _ => fp8::import_layer(import, &layer, weight, scales, block, false)?,
        }
    }
    import.drop_parts(&UNUSED);
    Ok(())
}

/// `weight_packed` `[rows, columns · bits / 32]` of integers that are moved up by half their range; zeros are packed along
/// the rows, or stand in bytes.
fn put_integers(import: &mut Import<'_>, layer: &str, packed: Array, scales: Array) -> Result<()> {
    let shape = import.need(layer, "weight_shape")?.astype(Dtype::I32)?.to_vec::<i32>()?;
    let &[rows, columns] = shape.as_slice() else {
        return Err(import.error(layer, format!("`weight_shape` is {shape:?}")));
    };
    // Words may hold whole numbers only and have bits left over, which MLX's do not.
    let (words, wide) = (i64::from(packed.dim(-1)?) * 32, |count: i32| i64::from(count.max(1)));
    let bits = (words / wide(columns)) as i32;
    let fits = words == wide(columns) * i64::from(bits) && wide(rows) * i64::from(bits) % 32 == 0;
    if !Mode::Affine.bits().contains(&bits) || !fits {
        let message = format!("{rows} x {columns} numbers in words of {words} bits a row are not supported");
        return Err(import.error(layer, message));
    }
    let half = 1 << (bits - 1);
    let zeros = match import.take(layer, "weight_zero_point") {
        None => Zeros::All(half),
        Some(zeros) if zeros.dtype()? == Dtype::I8 => Zeros::Each(zeros.astype(Dtype::I32)?.add(half)?),
        Some(zeros) => Zeros::Each(unpack(&zeros.view(Dtype::U32)?.t()?, bits, rows)?.t()?),
    };
    let scales = if scales.ndim()? == 1 { scales.reshape([-1, 1])? } else { scales };
    let scales = scales.broadcast_to([rows, scales.dim(-1)?])?;
    let grouped = Grouped { words: packed.view(Dtype::U32)?, bits, scales, zeros };
    let order = import.take(layer, "weight_g_idx").filter(|order| !gptq::is_in_order(order, &grouped.scales));
    match order {
        Some(order) => grouped.put_dense(import, layer, Some(&order)),
        None => grouped.put(import, layer),
    }
}

/// Signed bytes with a scale for each row or for all.
fn put_int8(import: &mut Import<'_>, layer: &str, weight: &Array, scales: Array) -> Result<()> {
    let rows = weight.dim(0)?;
    let scales = match scales.ndim()? {
        0 | 1 => scales.reshape([-1, 1])?,
        _ => scales,
    };
    let scales = scales.broadcast_to([rows, scales.dim(-1)?])?;
    let zeros = match import.take(layer, "weight_zero_point") {
        None => Zeros::All(128),
        Some(zeros) => Zeros::Each(zeros.astype(Dtype::I32)?.reshape([rows, -1])?.add(128)?),
    };
    if weight.dim(1)? % 4 != 0 {
        return Err(import.error(layer, "its columns are no multiple of four".into()));
    }
    // The sign bit turned over is the number plus 128.
    let words = pack(&weight.view(Dtype::U8)?.bitwise_xor(128u8)?, 8)?;
    Grouped { words, bits: 8, scales, zeros }.put(import, layer)
}

/// Two 4-bit floats a byte, with `scales` of 16 columns each and one of the whole.
pub(super) fn put_nvfp4(
    import: &mut Import<'_>,
    layer: &str,
    packed: Array,
    scales: Array,
    global: &Array,
) -> Result<()> {
    let matrix = Quantized { weight: packed.view(Dtype::U32)?, scales, biases: None, quantization: NVFP4 };
    let dense = matrix.dequantize()?.astype(Dtype::F32)?.multiply(global.astype(Dtype::F32)?)?;
    import.put_dense(layer, dense.astype(Dtype::Bf16)?);
    Ok(())
}
