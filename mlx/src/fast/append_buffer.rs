//! A sequence that grows: keys and values of attention.

use crate::{Array, Dtype, Error, Result, concatenate, ffi, index::resolve_axis, zeros};

/// An array that grows along one axis, in memory that is reserved ahead.
///
/// New rows are written beside the old ones even while earlier steps are still being computed from those: a
/// functional update of an array that something else refers to copies all of it, which in a decoding loop is each step.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, fast::AppendBuffer};
/// let mut rows = AppendBuffer::new(0);
/// rows.append(&Array::from_slice(&[1.0f32, 2.0], &[1, 2]))?;
/// let one = rows.array()?;
/// rows.append(&Array::from_slice(&[3.0f32, 4.0, 5.0, 6.0], &[2, 2]))?;
/// assert_eq!(rows.array()?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(one.to_vec::<f32>()?, [1.0, 2.0]); // stays as it was
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AppendBuffer {
    axis: i32,
    memory: Option<Array>,
    len: i32,
    /// How many rows there will be, as far as anybody has said.
    expected: i32,
    /// Up to where arrays that were handed out, or another buffer, refer to this memory: what lies before must stay.
    shared: i32,
}

impl AppendBuffer {
    /// Memory grows by whole blocks of so many rows.
    const BLOCK: i32 = 256;

    /// An empty sequence along `axis` of arrays whose other extents the first [`append`](Self::append) fixes.
    pub fn new(axis: i32) -> AppendBuffer {
        AppendBuffer { axis, memory: None, len: 0, expected: 0, shared: 0 }
    }

    /// Has memory hold `rows` rows at least once it grows: then it need not grow, which copies what is there, up to that many.
    pub fn expect(&mut self, rows: i32) {
        self.expected = rows;
    }

    /// How many rows there are.
    pub fn len(&self) -> i32 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The reserved memory, which holds more than the rows; `None` before the first ones. Evaluate it with each step: the
    /// graph of all steps hangs on it.
    pub fn memory(&self) -> Option<&Array> {
        self.memory.as_ref()
    }

    /// Appends `rows`, any number along the axis.
    ///
    /// # Errors
    /// Rows of another dtype or other extents than those before; more than memory holds.
    #[track_caller]
    pub fn append(&mut self, rows: &Array) -> Result<()> {
        const OP: &str = "append";
        let (axis, end) = self.prepare(OP, rows.shape()?, rows.dtype()?)?;
        if end > self.len {
            self.write(OP, rows, axis, end)?;
            self.len = end;
        }
        Ok(())
    }

    /// Makes room for rows of this shape and dtype; gives the axis and how many rows there are with them.
    #[track_caller]
    fn prepare(&mut self, op: &'static str, rows: &[i32], dtype: Dtype) -> Result<(usize, i32)> {
        let axis = resolve_axis(op, self.axis, rows)?;
        let count = rows[axis];
        let Some(end) = self.len.checked_add(count) else {
            return Err(Error::invalid(op, format!("{} and {count} rows are too many", self.len)));
        };
        self.check(op, rows, dtype, axis)?;
        if count > 0 || self.memory.is_none() {
            self.reserve(rows, dtype, axis, end)?;
        }
        Ok((axis, end))
    }

    /// The memory behind whose rows there is room for others of this shape and dtype; `None` where others refer to it there.
    #[track_caller]
    pub(crate) fn room(&mut self, op: &'static str, rows: &[i32], dtype: Dtype) -> Result<Option<&Array>> {
        self.prepare(op, rows, dtype)?;
        Ok(self.memory.as_ref().filter(|_| self.len >= self.shared))
    }

    /// Whether another row fits in the memory there is, and nothing else refers to its place.
    pub(crate) fn has_room(&self) -> Result<bool> {
        let Some(memory) = &self.memory else { return Ok(false) };
        let axis = resolve_axis("room", self.axis, memory.shape()?)?;
        Ok(self.len >= self.shared && self.len < memory.shape()?[axis])
    }

    /// Counts a row that has been written to the memory.
    pub(crate) fn advance(&mut self) {
        self.len += 1;
    }

    /// Takes the memory of [`AppendBuffer::room`] back, with `count` rows more written. Whoever read others to write these
    /// has done so before anybody can continue that memory.
    pub(crate) fn grow(&mut self, memory: Array, count: i32) {
        self.memory = Some(memory);
        self.len += count;
    }

    /// Writes `rows` behind the others; there is room.
    #[track_caller]
    fn write(&mut self, op: &'static str, rows: &Array, axis: usize, end: i32) -> Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let (mut start, mut stop) = (vec![0; memory.ndim()?], memory.shape()?.to_vec());
        // An update of the whole is `rows` itself, whose memory is not ours.
        let is_part = self.len > 0 || end < stop[axis];
        (start[axis], stop[axis]) = (self.len, end);
        let written = memory.slice_update(rows, &start, &stop)?;
        let unseen = self.len >= self.shared;
        let in_place = is_part && unseen && ffi::kernels::append_in_place(op, &written, axis, self.len)?;
        if !in_place {
            self.shared = if is_part { 0 } else { end };
        }
        self.memory = Some(written);
        Ok(())
    }

    /// All rows so far. What is appended later does not change it.
    ///
    /// # Errors
    /// Nothing has been appended yet.
    #[track_caller]
    pub fn array(&mut self) -> Result<Array> {
        let Some(memory) = &self.memory else {
            return Err(Error::invalid("array", "nothing has been appended"));
        };
        let axis = resolve_axis("array", self.axis, memory.shape()?)?;
        let mut stop = memory.shape()?.to_vec();
        stop[axis] = self.len;
        let rows = memory.slice(&vec![0; stop.len()], &stop)?;
        self.shared = self.shared.max(self.len);
        Ok(rows)
    }

    /// Keeps the first `len` rows; does nothing where there are no more.
    pub fn truncate(&mut self, len: i32) {
        self.len = self.len.min(len.max(0));
    }

    #[track_caller]
    fn check(&self, op: &'static str, given: &[i32], dtype: Dtype, axis: usize) -> Result<()> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let (wanted, own) = (memory.shape()?, memory.dtype()?);
        let mut extents = wanted.iter().zip(given).enumerate();
        let fits = extents.all(|(i, (wanted, given))| i == axis || wanted == given);
        if fits && wanted.len() == given.len() && dtype == own {
            return Ok(());
        }
        let text =
            format!("{dtype} {given:?} does not continue {own} {:?} along axis {axis}", memory.shape()?);
        Err(Error::invalid(op, text))
    }

    /// Makes room for `needed` rows.
    #[track_caller]
    fn reserve(&mut self, rows: &[i32], dtype: Dtype, axis: usize, needed: i32) -> Result<()> {
        let capacity = self.memory.as_ref().map(|memory| Ok(memory.shape()?[axis])).transpose()?.unwrap_or(0);
        if needed <= capacity && self.memory.is_some() {
            return Ok(());
        }
        // An eighth more than needed keeps the share of time that copying takes small.
        let ahead = needed.saturating_add(if capacity > 0 { needed / 8 } else { 0 });
        let ahead = if needed <= self.expected { self.expected } else { ahead };
        let blocks = (i64::from(ahead) + i64::from(Self::BLOCK) - 1) / i64::from(Self::BLOCK);
        let wanted = i32::try_from(blocks * i64::from(Self::BLOCK)).unwrap_or(i32::MAX);
        let mut shape = rows.to_vec();
        shape[axis] = wanted - self.len;
        let more = zeros(&shape, dtype);
        self.memory = Some(match &self.memory {
            Some(memory) if self.len > 0 => {
                let mut stop = memory.shape()?.to_vec();
                stop[axis] = self.len;
                concatenate(&[memory.slice(&vec![0; stop.len()], &stop)?, more], self.axis)?
            }
            _ => more,
        });
        self.shared = 0;
        Ok(())
    }
}

impl Clone for AppendBuffer {
    fn clone(&self) -> Self {
        // Both would write to the same places; the copy moves to memory of its own when it grows.
        AppendBuffer { shared: i32::MAX, memory: self.memory.clone(), ..*self }
    }
}
