//! 8-bit floats (E4M3) with a scale for each block, row or matrix.

use super::Import;
use crate::Result;
use mlx::{
    Array, Dtype,
    nn::{Mode, Quantization},
};

/// What a matrix' scales are called: both are to be multiplied by.
const SCALES: [&str; 2] = ["weight_scale_inv", "weight_scale"];

/// Scales of activations and caches, which are not quantized here.
const UNUSED: [&str; 6] =
    ["input_scale", "activation_scale", "k_scale", "v_scale", "q_scale", "input_scale_ub"];

const MXFP8: Quantization = Quantization { group_size: 32, bits: 8, mode: Mode::Mxfp8 };

/// `weight` of 8-bit floats `[.., rows, columns]`, and scales `[.., rows / block rows, columns / block columns]`.
pub(super) fn import(import: &mut Import<'_>, block: Option<[i32; 2]>, powers_of_two: bool) -> Result<()> {
    for part in SCALES {
        for layer in import.layers_with(part) {
            let scales = import.need(&layer, part)?;
            let weight = import.need(&layer, "weight")?;
            import_layer(import, &layer, weight, scales, block, powers_of_two)?;
        }
    }
    import_experts(import, block)?;
    import.drop_parts(&UNUSED);
    Ok(())
}

/// All experts of a layer as one array `[experts, rows, columns]` without `.weight` in its name, as transformers holds them:
/// `experts.gate_up_proj` with `experts.gate_up_proj_scale_inv`. They become dense, which is what architectures take apart.
fn import_experts(import: &mut Import<'_>, block: Option<[i32; 2]>) -> Result<()> {
    for part in ["_scale_inv", "_scale"] {
        let arrays = import.tensors.keys().filter_map(|name| name.strip_suffix(part));
        let arrays = arrays.filter(|name| name.contains("experts.") && import.tensors.contains_key(*name));
        for name in arrays.map(str::to_owned).collect::<Vec<_>>() {
            let (Some(weight), Some(scales)) =
                (import.tensors.remove(&name), import.tensors.remove(&format!("{name}{part}")))
            else {
                continue;
            };
            let dense = Blocks::new(import, &name, &weight, scales, block)?.dense(&weight)?;
            import.tensors.insert(name.clone(), dense);
            import.layers.insert(name, None);
        }
    }
    Ok(())
}

/// One layer; `powers_of_two` says that scales in single precision are such.
pub(super) fn import_layer(
    import: &mut Import<'_>,
    layer: &str,
    weight: Array,
    scales: Array,
    block: Option<[i32; 2]>,
    powers_of_two: bool,
) -> Result<()> {
    let blocks = Blocks::new(import, layer, &weight, scales, block)?;
    let exponents = exponents(&blocks.scales, powers_of_two)?;
    if let Some(exponents) = exponents.filter(|_| blocks.width % 32 == 0 && blocks.columns % 32 == 0) {
        let scales = blocks.spread(&exponents, 32)?;
        import.put(layer, "weight", weight.view(Dtype::U32)?);
        import.put(layer, "scales", scales.contiguous()?);
        import.layers.insert(layer.to_owned(), Some(MXFP8));
        return Ok(());
    }
    let dense = blocks.dense(&weight)?;
    import.put_dense(layer, dense);
    Ok(())
}

/// Scales of matrices `[.., rows, columns]`, each of so many rows and columns.
struct Blocks {
    /// `[.., across, along]`.
    scales: Array,
    rows: i32,
    columns: i32,
    height: i32,
    width: i32,
}

/// Rows and columns of a block, where files say nothing else.
const USUAL: i32 = 128;

impl Blocks {
    /// `block` is what the file says, if it does; a matrix with one scale, or with one for each row, has other blocks.
    fn new(
        import: &Import<'_>,
        layer: &str,
        weight: &Array,
        scales: Array,
        block: Option<[i32; 2]>,
    ) -> Result<Blocks> {
        if weight.dtype()? != Dtype::U8 {
            let message = format!("its weight is {}, expected 8-bit floats", weight.dtype()?);
            return Err(import.error(layer, message));
        }
        let (rows, columns) = (weight.dim(-2)?, weight.dim(-1)?);
        let scales = match scales.ndim()? {
            0 => scales.reshape([1, 1])?,
            // One for each matrix, or each row of the only one.
            1 if weight.ndim()? > 2 => scales.reshape([-1, 1, 1])?,
            1 => scales.reshape([-1, 1])?,
            _ => scales,
        };
        let (across, along) = (scales.dim(-2)?, scales.dim(-1)?);
        let is_usual = [rows, columns].map(|size| ceil_div(size, USUAL)) == [across, along];
        let [height, width] = match block {
            _ if along == 1 && (across == 1 || across == rows) => [rows / across.max(1), columns],
            Some(block) => block,
            None if is_usual => [USUAL; 2],
            // The last block is as large as the others, or there is no telling how large they are.
            None => [rows / across.max(1), columns / along.max(1)],
        };
        if ceil_div(rows, height) != across || ceil_div(columns, width) != along {
            let message = format!(
                "scales {:?} do not fit {rows} x {columns} in blocks of {height} x {width}",
                scales.shape()?
            );
            return Err(import.error(layer, message));
        }
        Ok(Blocks { scales, rows, columns, height, width })
    }

    /// `values`, one of each block, repeated for each row and each `step` columns.
    fn spread(&self, values: &Array, step: i32) -> Result<Array> {
        let spread = values.repeat(self.height, -2)?.repeat(self.width / step, -1)?;
        Ok(spread.at((mlx::Rest, ..self.rows, ..self.columns / step))?)
    }

    fn dense(&self, weight: &Array) -> Result<Array> {
        let scales = match self.scales.dtype()? {
            // E8M0: the exponent of a power of two.
            Dtype::U8 => power_of_two(&self.scales)?,
            _ => self.scales.astype(Dtype::F32)?,
        };
        let dense = weight.from_fp8(Dtype::F32)?.multiply(self.spread(&scales, 1)?)?;
        Ok(dense.astype(Dtype::Bf16)?)
    }
}

/// The biased exponents of scales that are powers of two.
fn exponents(scales: &Array, powers_of_two: bool) -> Result<Option<Array>> {
    Ok(match scales.dtype()? {
        Dtype::U8 => Some(scales.clone()),
        _ if !powers_of_two => None,
        _ => {
            let bits = scales.astype(Dtype::F32)?.view(Dtype::U32)?;
            Some(bits.right_shift(23u32)?.bitwise_and(255u32)?.astype(Dtype::U8)?)
        }
    })
}

/// `2^(exponent - 127)`.
pub(super) fn power_of_two(exponents: &Array) -> Result<Array> {
    Ok(exponents.astype(Dtype::U32)?.left_shift(23u32)?.view(Dtype::F32)?)
}

fn ceil_div(value: i32, by: i32) -> i32 {
    value.max(1).div_euclid(by.max(1)) + i32::from(value.max(1) % by.max(1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::zeros;
    use std::{collections::BTreeMap, path::Path};

    #[test]
    fn blocks_are_what_the_file_says_or_the_shapes_leave_open() {
        for (shape, scales, said, expected) in [
            ([576, 512], vec![5, 4], None, Some([128, 128])),
            ([192, 128], vec![2, 1], None, Some([128, 128])),
            ([576, 512], vec![6, 4], Some([96, 128]), Some([96, 128])),
            ([576, 512], vec![9, 16], None, Some([64, 32])),
            ([576, 512], vec![576, 1], Some([128, 128]), Some([1, 512])),
            ([576, 512], vec![576], None, Some([1, 512])),
            ([576, 512], vec![], Some([128, 128]), Some([576, 512])),
            // No size of blocks gives seven, and blocks of 128 are five.
            ([576, 512], vec![7, 4], None, None),
            ([576, 512], vec![6, 4], Some([128, 128]), None),
            ([576, 512], vec![577, 1], None, None),
        ] {
            let mut tensors = BTreeMap::new();
            let import =
                Import { folder: Path::new("folder"), tensors: &mut tensors, layers: BTreeMap::new() };
            let weight = zeros(&shape, Dtype::U8);
            let found = Blocks::new(&import, "layer", &weight, zeros(&scales, Dtype::F32), said);
            let found = found.map(|blocks| [blocks.height, blocks.width]).ok();
            assert_eq!(found, expected, "{shape:?}, scales {scales:?}, said {said:?}");
        }
    }
}
