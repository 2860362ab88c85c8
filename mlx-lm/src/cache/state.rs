//! The state of a recurrent layer.

use super::Offset;
use crate::{Error, Result};
use mlx::{Array, Dtype, zeros};

/// A few arrays that sum up all tokens so far: the tail of a convolution, the state of a recurrence.
///
/// Each array has the rows of the batch along its first axis. One that is not there yet stands for zeros. A layer reads
/// what it needs, replaces it, and says how many tokens that were:
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, concatenate, zeros};
/// use mlx_lm::LayerCache;
/// # let x = zeros(&[1, 5, 8], Dtype::F32);
/// # let mut cache = LayerCache::state(2);
/// const TAIL: usize = 0;
/// let state = cache.state_mut()?;
/// let tail = state.get_or_zeros(TAIL, &[x.dim(0)?, 3, 8], x.dtype()?);
/// let seen = concatenate(&[&tail, &x], 1)?;
/// state.set(TAIL, seen.at((.., -3..))?);
/// state.advance(x.dim(1)?);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct State {
    arrays: Vec<Option<Array>>,
    /// Tokens passed, for each row.
    passed: Vec<i32>,
    offset: Offset,
}

impl State {
    pub(super) fn new(arrays: usize) -> State {
        State { arrays: vec![None; arrays], passed: vec![0], offset: Offset::Same(0) }
    }

    pub(super) fn of(arrays: Vec<Option<Array>>) -> State {
        State { arrays, ..State::new(0) }
    }

    pub(super) fn values(&self) -> &[Option<Array>] {
        &self.arrays
    }

    /// The array with this index; `None` if it has not been set, or does not exist.
    pub fn get(&self, index: usize) -> Option<&Array> {
        self.arrays.get(index).and_then(Option::as_ref)
    }

    /// The array with this index, or zeros `[rows, ...]` if it has not been set.
    pub fn get_or_zeros(&self, index: usize, shape: &[i32], dtype: Dtype) -> Array {
        self.get(index).cloned().unwrap_or_else(|| zeros(shape, dtype))
    }

    /// Replaces the array `[rows, ...]` with this index. An index that the cache was not made with is added.
    pub fn set(&mut self, index: usize, array: Array) {
        if index >= self.arrays.len() {
            self.arrays.resize(index + 1, None);
        }
        self.arrays[index] = Some(array);
    }

    /// Counts `tokens` that have passed in each row.
    pub fn advance(&mut self, tokens: i32) {
        self.passed.iter_mut().for_each(|passed| *passed += tokens);
        self.refresh();
    }

    pub(super) fn offset(&self) -> Offset {
        self.offset.clone()
    }

    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.arrays.iter().flatten()
    }

    fn refresh(&mut self) {
        self.offset = Offset::of_rows(self.passed.iter().copied());
    }

    pub(super) fn push(&mut self, other: State) -> Result<()> {
        let (rows, more) = (self.passed.len(), other.passed.len());
        let count = self.arrays.len().max(other.arrays.len());
        self.arrays = (0..count)
            .map(|index| joined((self.get(index), rows), (other.get(index), more)))
            .collect::<Result<_>>()?;
        self.passed.extend(other.passed);
        self.refresh();
        Ok(())
    }

    pub(super) fn row(&self, row: usize) -> Result<State> {
        if row >= self.passed.len() {
            return Err(no_row(row, self.passed.len()));
        }
        self.rows(&[row])
    }

    pub(super) fn remove(&mut self, row: usize) -> Result<State> {
        let taken = self.row(row)?;
        let others: Vec<usize> = (0..self.passed.len()).filter(|&other| other != row).collect();
        *self = self.rows(&others)?;
        Ok(taken)
    }

    fn rows(&self, rows: &[usize]) -> Result<State> {
        let passed: Vec<i32> = rows.iter().map(|&row| self.passed[row]).collect();
        if rows.len() == self.passed.len() {
            return Ok(self.clone());
        }
        let indices: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let indices = Array::from_slice(&indices, &[rows.len() as i32]);
        // Gathered rather than sliced, which would keep the memory of all rows.
        let take = |array: &Option<Array>| array.as_ref().map(|array| array.take(&indices, 0)).transpose();
        let arrays = self.arrays.iter().map(take).collect::<mlx::Result<_>>()?;
        Ok(State { arrays, offset: Offset::of_rows(passed.iter().copied()), passed })
    }
}

pub(super) fn no_row(row: usize, rows: usize) -> Error {
    Error::Invalid(format!("the cache has {rows} rows, no row {row}"))
}

/// Two arrays behind each other, each with its number of rows.
fn joined((a, rows): (Option<&Array>, usize), (b, more): (Option<&Array>, usize)) -> Result<Option<Array>> {
    let zeros_like = |array: &Array, rows: usize| -> Result<Array> {
        let mut shape = array.shape()?.to_vec();
        if let Some(first) = shape.first_mut() {
            *first = rows as i32;
        }
        Ok(zeros(&shape, array.dtype()?))
    };
    let (a, b) = match (a, b) {
        (None, None) => return Ok(None),
        (Some(a), Some(b)) => (a.clone(), b.clone()),
        (Some(a), None) => (a.clone(), zeros_like(a, more)?),
        (None, Some(b)) => (zeros_like(b, rows)?, b.clone()),
    };
    Ok(Some(mlx::concatenate(&[a, b], 0)?))
}
