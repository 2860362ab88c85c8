//! Positions of the tokens to come.

use mlx::{Array, Dtype, Result, arange};
use std::rc::Rc;

/// How many tokens have passed, which is the position of the next one.
#[derive(Clone, Debug)]
pub enum Offset {
    /// The same in all rows.
    Same(i32),
    /// The same in all rows, of a prompt that comes in parts.
    Within {
        /// How many tokens have passed.
        offset: i32,
        /// How many will have passed behind the prompt.
        length: i32,
    },
    /// One per row.
    Each(Each),
}

/// An [`Offset`] of its own for each row.
#[derive(Clone, Debug)]
pub struct Each {
    rows: Rc<[i32]>,
    array: Array,
}

impl Each {
    /// One offset per row.
    pub fn rows(&self) -> &[i32] {
        &self.rows
    }

    /// One offset per row, `[rows]` (`I32`).
    pub fn array(&self) -> &Array {
        &self.array
    }
}

impl Offset {
    pub(super) fn of_rows(mut rows: impl ExactSizeIterator<Item = i32>) -> Offset {
        if rows.len() < 2 {
            return Offset::Same(rows.next().unwrap_or(0));
        }
        let rows: Rc<[i32]> = rows.collect();
        Offset::Each(Each { array: Array::from_slice(&rows, &[rows.len() as i32]), rows })
    }

    pub(super) fn of_row(offset: i32, expected: i32) -> Offset {
        if expected > offset { Offset::Within { offset, length: expected } } else { Offset::Same(offset) }
    }

    /// The largest of all rows.
    pub fn max(&self) -> i32 {
        match self {
            Offset::Same(offset) | Offset::Within { offset, .. } => *offset,
            Offset::Each(each) => each.rows.iter().copied().max().unwrap_or(0),
        }
    }

    /// The positions (`I32`) of `length` tokens to come: `[length]` if they are the same in all rows, or
    /// `[rows, length]`.
    ///
    /// # Errors
    /// Positions beyond the largest 32-bit integer.
    pub fn positions(&self, length: i32) -> Result<Array> {
        match self {
            Offset::Same(offset) | Offset::Within { offset, .. } => {
                arange((*offset).into(), f64::from(*offset) + f64::from(length), 1.0, Dtype::I32)
            }
            Offset::Each(each) => {
                let steps = arange(0.0, length.into(), 1.0, Dtype::I32)?;
                each.array.expand_dims(1)?.add(&steps)
            }
        }
    }
}

impl From<i32> for Offset {
    fn from(offset: i32) -> Offset {
        Offset::Same(offset)
    }
}
