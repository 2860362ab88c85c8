//! BitNet: numbers of -1, 0 and 1 with one scale.

use super::{
    Import,
    grouped::{Grouped, Zeros, pack},
};
use crate::Result;
use mlx::{Array, Dtype, concatenate};

/// `weight` `[rows / 4, columns]` of bytes, whose lowest two bits are of the first quarter of the rows, and so on, plus one;
/// `weight_scale` of the whole.
pub(super) fn import(import: &mut Import<'_>, inverse_scale: bool) -> Result<()> {
    for layer in import.layers_with("weight_scale") {
        let scale = import.need(&layer, "weight_scale")?;
        let weight = import.need(&layer, "weight")?;
        if weight.dtype()? != Dtype::U8 {
            let message = "its weight is not packed; convert the model's packed version".to_owned();
            return Err(import.error(&layer, message));
        }
        let columns = weight.dim(-1)?;
        if columns % 32 != 0 {
            return Err(import.error(&layer, format!("{columns} columns are no multiple of 32")));
        }
        let quarter = |i: u8| weight.right_shift(2 * i)?.bitwise_and(3u8);
        let quarters = (0..4).map(quarter).collect::<mlx::Result<Vec<Array>>>()?;
        let values = concatenate(&quarters.iter().collect::<Vec<_>>(), 0)?;
        let type_of_scale = super::half(&scale)?;
        let scale = scale.astype(Dtype::F32)?.reshape([1, 1])?;
        let scale = if inverse_scale { scale.reciprocal()? } else { scale };
        let scales = scale.astype(type_of_scale)?.broadcast_to([values.dim(0)?, 1])?;
        Grouped { words: pack(&values, 2)?, bits: 2, scales, zeros: Zeros::All(1) }.put(import, &layer)?;
    }
    Ok(())
}
