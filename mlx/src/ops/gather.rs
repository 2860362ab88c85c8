//! Which matrices of two batches to multiply, by arrays of positions.

use crate::{Array, Error, Result};

/// Which matrices of a left and a right batch to multiply: `Gather::new().rhs(&experts).sorted()`.
///
/// Positions are integers and count through the flattened batch of an operand, that is all its dimensions but the last
/// two. The positions of both sides broadcast to the batch of the result. A side without positions takes its batch as
/// it is. Positions out of range are clamped to the nearest one in range, on the device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gather<'a> {
    lhs: Option<&'a Array>,
    rhs: Option<&'a Array>,
    sorted: bool,
}

impl<'a> Gather<'a> {
    /// Both batches as they are.
    pub fn new() -> Gather<'a> {
        Gather::default()
    }

    /// The positions in the left batch.
    pub fn lhs(self, indices: &'a Array) -> Gather<'a> {
        Gather { lhs: Some(indices), ..self }
    }

    /// The positions in the right batch.
    pub fn rhs(self, indices: &'a Array) -> Gather<'a> {
        Gather { rhs: Some(indices), ..self }
    }

    /// Promises that the positions, given for one side only, ascend. That can be faster; where they do not ascend, the
    /// numbers of the result are unspecified.
    pub fn sorted(self) -> Gather<'a> {
        Gather { sorted: true, ..self }
    }

    /// The positions as MLX may have them, given the shapes of the operands.
    #[track_caller]
    pub(crate) fn checked(self, op: &'static str, lhs: &[i32], rhs: &[i32]) -> Result<Picks> {
        Ok(Picks {
            lhs: picks(op, "left", self.lhs, lhs)?,
            rhs: picks(op, "right", self.rhs, rhs)?,
            sorted: self.sorted,
        })
    }
}

/// Positions that lie in their batches.
pub(crate) struct Picks {
    pub(crate) lhs: Option<Array>,
    pub(crate) rhs: Option<Array>,
    pub(crate) sorted: bool,
}

#[track_caller]
fn picks(op: &'static str, side: &str, indices: Option<&Array>, shape: &[i32]) -> Result<Option<Array>> {
    let batch: i64 = shape.iter().rev().skip(2).map(|&extent| i64::from(extent)).product();
    if batch == 0 {
        return Err(Error::invalid(op, format!("the {side} operand has no matrix, its shape is {shape:?}")));
    }
    indices.map(|indices| clamped(op, indices, batch - 1)).transpose()
}

/// `indices` limited to 0 up to `last`.
#[track_caller]
pub(crate) fn clamped(op: &'static str, indices: &Array, last: i64) -> Result<Array> {
    let dtype = indices.dtype()?;
    if !dtype.is_integer() {
        return Err(Error::invalid(op, format!("indices must be integers, not {dtype}")));
    }
    let positive = if dtype.is_unsigned() { indices.clone() } else { indices.maximum(0)? };
    // A narrow type cannot hold the limit when it cannot go beyond it.
    let largest = match dtype.size() {
        8 => i64::from(u32::MAX),
        size => (1 << (8 * size - usize::from(!dtype.is_unsigned()))) - 1,
    };
    if last >= largest { Ok(positive) } else { positive.minimum(last) }
}
