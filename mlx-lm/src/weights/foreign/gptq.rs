//! AWQ and GPTQ: integers in groups, packed along one or the other side of the transposed matrix.

use super::{
    AwqLayout, Import,
    grouped::{Grouped, Zeros, pack, unpack},
};
use crate::Result;
use mlx::{Array, Dtype};

/// Where AWQ has the numbers 0 to 7 in a word: in an order that suits its kernels.
const AWQ_SHIFTS: [u32; 8] = [0, 16, 4, 20, 8, 24, 12, 28];

pub(super) fn import_awq(import: &mut Import<'_>, layout: AwqLayout) -> Result<()> {
    for layer in import.layers_with("qweight") {
        let weight = import.need(&layer, "qweight")?;
        let scales = import.need(&layer, "scales")?;
        let zeros = import.take(&layer, "qzeros");
        match layout {
            AwqLayout::Gemm => awq_gemm(&weight, &scales, zeros)?,
            AwqLayout::Gemv { group_size } => awq_gemv(&weight, &scales, zeros, group_size)?,
        }
        .put(import, &layer)?;
    }
    Ok(())
}

/// `qweight` `[inputs, outputs / 8]`, `qzeros` `[groups, outputs / 8]`, `scales` `[groups, outputs]`.
fn awq_gemm(weight: &Array, scales: &Array, zeros: Option<Array>) -> Result<Grouped> {
    let zeros = match zeros {
        Some(zeros) => Zeros::Each(awq_numbers(&zeros)?.t()?),
        None => Zeros::All(8),
    };
    let words = pack(&awq_numbers(weight)?.t()?, 4)?;
    Ok(Grouped { words, bits: 4, scales: scales.t()?, zeros })
}

/// `qweight` `[outputs, inputs / 8]`, `qzeros` `[outputs, width]`, `scales` `[outputs, 8 · width]`, wider than the groups are
/// many, and each in order.
fn awq_gemv(weight: &Array, scales: &Array, zeros: Option<Array>, group_size: i32) -> Result<Grouped> {
    let columns = weight.dim(-1)?.saturating_mul(8);
    let groups = if group_size > 0 { columns / group_size } else { 1 };
    let zeros = match zeros {
        Some(zeros) => Zeros::Each(unpack(&zeros.view(Dtype::U32)?, 4, groups)?.at((.., ..groups))?),
        None => Zeros::All(8),
    };
    Ok(Grouped { words: weight.view(Dtype::U32)?, bits: 4, scales: scales.at((.., ..groups))?, zeros })
}

/// `[rows, words]` to `[rows, 8 · words]`, one byte each.
fn awq_numbers(words: &Array) -> Result<Array> {
    let shifts = Array::from_slice(&AWQ_SHIFTS, &[8]);
    let spread = words.view(Dtype::U32)?.expand_dims(-1)?.right_shift(&shifts)?.bitwise_and(15u32)?;
    Ok(spread.flatten(-2, -1)?.astype(Dtype::U8)?)
}

/// `qweight` `[inputs · bits / 32, outputs]`, `qzeros` `[groups, outputs · bits / 32]`, `scales` `[groups, outputs]`, `g_idx`
/// `[inputs]`, the group of each.
pub(super) fn import_gptq(import: &mut Import<'_>, bits: i32, exact_zeros: bool) -> Result<()> {
    for layer in import.layers_with("qweight") {
        let weight = import.need(&layer, "qweight")?.view(Dtype::U32)?;
        let scales = import.need(&layer, "scales")?;
        let outputs = scales.dim(-1)?;
        let zeros = match import.take(&layer, "qzeros") {
            Some(zeros) => {
                let zeros = unpack(&zeros.view(Dtype::U32)?, bits, outputs)?;
                let largest = (1u32 << bits) - 1;
                let zeros = if exact_zeros { zeros } else { zeros.add(1u32)?.bitwise_and(largest)? };
                Zeros::Each(zeros.t()?)
            }
            None => Zeros::All(1 << (bits - 1)),
        };
        let order = import.take(&layer, "g_idx");
        // A word's numbers are neighbours in a column, as they are for MLX in a row of the transposed.
        let grouped = Grouped { words: weight.t()?, bits, scales: scales.t()?, zeros };
        match order.filter(|order| !is_in_order(order, &grouped.scales)) {
            Some(order) => grouped.put_dense(import, &layer, Some(&order))?,
            None => grouped.put(import, &layer)?,
        }
    }
    Ok(())
}

/// Whether each group is a run of columns.
pub(super) fn is_in_order(order: &Array, scales: &Array) -> bool {
    let (Ok(order), Ok(groups)) =
        (order.astype(Dtype::I32).and_then(|order| order.to_vec::<i32>()), scales.dim(-1))
    else {
        return false;
    };
    let size = order.len().div_ceil(groups.max(1) as usize).max(1);
    order.iter().enumerate().all(|(i, group)| *group == (i / size) as i32)
}
