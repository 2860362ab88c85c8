//! Rows that are written into the memory of the array they continue.

use super::{InPlace, cpu_kernel::replace_cpu};
use crate::{
    Array, Element, Error, Result,
    ffi::call,
    kernels::{CpuKernel, Layout, View, ViewMut},
};
use std::sync::Arc;

/// Has `updated`, just recorded as `slice_update` of the rows from `start` on along `axis`, written in the memory of the
/// array it updates, whatever else refers to that; says whether it is.
///
/// The caller sees to it that nothing reads those rows through any other array: then whoever reads that memory
/// meanwhile, on whatever thread, reads other bytes than are written.
#[track_caller]
pub(crate) fn append_in_place(op: &'static str, updated: &Array, axis: usize, start: i32) -> Result<bool> {
    let start = start.unsigned_abs() as usize;
    if replace_cpu(op, updated, &Arc::new(Append { axis, start }), InPlace::Always)? {
        return Ok(true);
    }
    let (handle, mut in_place) = (updated.handle()?.raw(), false);
    // SAFETY: a live handle and a valid out-pointer. Those who read the memory on the stream of the update are ordered with
    // it by MLX, and read other rows as the caller promises.
    call(op, || unsafe { mlx_sys::mlx_update_in_place(&mut in_place, handle) })?;
    Ok(in_place)
}

struct Append {
    axis: usize,
    start: usize,
}

impl CpuKernel for Append {
    fn name(&self) -> &str {
        "append"
    }

    fn replaces(&self) -> &str {
        "SliceUpdate"
    }

    fn in_place(&self) -> bool {
        true
    }

    fn accepts(&self, _inputs: &[Layout<'_>], _outputs: &[Layout<'_>]) -> bool {
        true
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let (rows, memory) = (&inputs[1], &outputs[0]);
        if rows.size() == 0 {
            return Ok(());
        }
        let item = rows.dtype().size();
        let bytes = |strides: &[i64]| strides.iter().map(|&s| s as isize * item as isize).collect::<Vec<_>>();
        let (from, to) = (bytes(rows.strides()), bytes(memory.strides()));
        let start = self.start as isize * to[self.axis];
        // SAFETY: MLX has checked that the rows fit the memory from `start` on, whose strides are those of its elements.
        // Others may read the memory meanwhile, but not these rows; hence the addresses, and no slice of all of it.
        unsafe { copy(rows.address(), &from, memory.address().offset(start), &to, rows.shape(), item) };
        Ok(())
    }
}

/// Writes `vector` to row `row` of head `head` of `memory` `[1, heads, rows, dim]`, an output that is computed in place.
///
/// The caller sees to it that nothing reads that row through any other array, as for [`append_in_place`].
pub(crate) fn write_vector<T: Element>(
    memory: &ViewMut<'_>,
    head: usize,
    row: usize,
    vector: &[T],
) -> Result<()> {
    let [heads, rows, dim] = extents::<T>(memory)?;
    if head >= heads || row >= rows || vector.len() != dim {
        let text = format!("row {row} of head {head}, {} elements, are not in {memory:?}", vector.len());
        return Err(Error::invalid("append", text));
    }
    let to = memory.address().cast::<T>();
    // SAFETY: `to` is the first of `heads * rows * dim` elements, and these are among them. Others may read the memory
    // meanwhile, but not this row.
    unsafe { to.add((head * rows + row) * dim).copy_from_nonoverlapping(vector.as_ptr(), dim) };
    Ok(())
}

/// All elements of `memory` `[1, heads, rows, dim]`, an output that is computed in place.
///
/// The caller writes none of them while it has the slice, and as for [`append_in_place`] nobody else does.
pub(crate) fn rows<'a, T: Element>(memory: &ViewMut<'a>) -> Result<&'a [T]> {
    let [heads, rows, dim] = extents::<T>(memory)?;
    // SAFETY: dense elements of the dtype, of memory that has values and lives for `'a`. Nothing writes them: the next
    // append comes after this operation, whose output it continues.
    Ok(unsafe { std::slice::from_raw_parts(memory.address().cast::<T>(), heads * rows * dim) })
}

/// Heads, rows and elements of a vector of memory that holds `T`s.
fn extents<T: Element>(memory: &ViewMut<'_>) -> Result<[usize; 3]> {
    match *memory.shape() {
        [1, heads, rows, dim]
            if memory.dtype() == T::DTYPE && memory.size() > 0 && memory.is_row_contiguous() =>
        {
            Ok([heads, rows, dim].map(|extent| extent as usize))
        }
        _ => Err(Error::invalid("append", format!("{memory:?} is not memory of one sequence"))),
    }
}

/// Copies elements of `item` bytes along all axes; strides are in bytes.
///
/// # Safety
/// For each index into `shape` there is an element at both addresses, and none of those written is read by others.
unsafe fn copy(
    from: *const u8,
    from_strides: &[isize],
    to: *mut u8,
    to_strides: &[isize],
    shape: &[i32],
    item: usize,
) {
    match (shape, from_strides, to_strides) {
        (&[count], &[from_step], &[to_step]) if from_step == to_step && to_step == item as isize => {
            // SAFETY: as the caller promises; the elements are neighbors on both sides.
            unsafe { from.copy_to_nonoverlapping(to, count as usize * item) };
        }
        ([count, shape @ ..], [from_step, from_strides @ ..], [to_step, to_strides @ ..]) => {
            for i in 0..*count as isize {
                // SAFETY: as the caller promises, for the elements with index `i` along this axis.
                unsafe {
                    let (from, to) = (from.offset(i * from_step), to.offset(i * to_step));
                    copy(from, from_strides, to, to_strides, shape, item);
                }
            }
        }
        // SAFETY: as the caller promises.
        _ => unsafe { from.copy_to_nonoverlapping(to, item) },
    }
}
