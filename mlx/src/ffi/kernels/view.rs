//! Arrays as the code of a kernel sees them: layouts, and elements while it computes.

use crate::{Dtype, Element, Error, Result};
use mlx_sys::mlx_array_view;
use std::{ffi::c_int, fmt, marker::PhantomData, mem::MaybeUninit, ops::Deref};

/// Shape, strides and dtype of an array that a kernel is about to read or write.
///
/// A [`View`] and a [`ViewMut`] are layouts with elements; they have all of these methods too.
#[repr(transparent)]
pub struct Layout<'a> {
    raw: mlx_array_view,
    _borrow: PhantomData<&'a ()>,
}

impl<'a> Layout<'a> {
    /// The extent of each dimension.
    pub fn shape(&self) -> &'a [i32] {
        // SAFETY: MLX gives as many extents as dimensions, for as long as the callback runs.
        unsafe { list(self.raw.shape, self.raw.ndim) }
    }

    /// How many elements apart neighbours along each dimension are; 0 where one element is repeated.
    pub fn strides(&self) -> &'a [i64] {
        // SAFETY: as for `shape`.
        unsafe { list(self.raw.strides, self.raw.ndim) }
    }

    /// The type of the elements.
    pub fn dtype(&self) -> Dtype {
        Dtype::from_code(self.raw.dtype)
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.raw.size
    }

    /// Whether the elements lie in row-major order without gaps.
    pub fn is_row_contiguous(&self) -> bool {
        self.raw.row_contiguous || self.raw.size == 0
    }

    /// Where the first element is.
    pub(super) fn address(&self) -> *mut u8 {
        self.raw.data.cast()
    }

    fn check_dtype<T: Element>(&self, op: &'static str) -> Result<()> {
        let dtype = self.dtype();
        match T::DTYPE {
            Dtype::Bool => {
                Err(Error::invalid(op, "take elements of dtype bool as u8: their bytes may not be 0 or 1"))
            }
            Dtype::U8 if dtype == Dtype::Bool => Ok(()),
            wanted if wanted == dtype => Ok(()),
            wanted => Err(Error::invalid(op, format!("the elements are {dtype}, not {wanted}"))),
        }
    }

    fn check_dense(&self, op: &'static str) -> Result<()> {
        if self.is_row_contiguous() {
            return Ok(());
        }
        let (shape, strides) = (self.shape(), self.strides());
        let text =
            format!("shape {shape:?} with strides {strides:?} is not row-major without gaps; use `strided`");
        Err(Error::invalid(op, text))
    }

    /// The address of the first element for reading and writing `T`s; dangling when there are none.
    fn pointer<T>(&self, op: &'static str) -> Result<*mut T> {
        if self.size() == 0 {
            return Ok(std::ptr::dangling_mut());
        }
        let data = self.raw.data.cast::<T>();
        if data.is_null() {
            return Err(Error::invalid(
                op,
                "this input is computed in place: its elements are those of output 0",
            ));
        }
        if !data.is_aligned() {
            return Err(Error::invalid(
                op,
                format!("the elements are not aligned to {} bytes", align_of::<T>()),
            ));
        }
        Ok(data)
    }
}

/// # Safety
/// `data` points to `len` values that live for `'a`, or `len` is 0.
unsafe fn list<'a, T>(data: *const T, len: usize) -> &'a [T] {
    // SAFETY: as the caller promises.
    if len == 0 || data.is_null() { &[] } else { unsafe { std::slice::from_raw_parts(data, len) } }
}

impl fmt::Debug for Layout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} strides {:?}", self.dtype(), self.shape(), self.strides())
    }
}

/// An input of a kernel.
#[repr(transparent)]
#[derive(Debug)]
pub struct View<'a>(Layout<'a>);

impl<'a> Deref for View<'a> {
    type Target = Layout<'a>;
    fn deref(&self) -> &Layout<'a> {
        &self.0
    }
}

/// The elements of an array with gaps or repetitions: element `[i, j, …]` is
/// `elements[origin + i * strides[0] + j * strides[1] + …]`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a, T> {
    /// The memory from the array's lowest element to its highest.
    pub elements: &'a [T],
    /// Where the first element is; 0 unless a stride is negative.
    pub origin: usize,
}

impl<'a> View<'a> {
    /// The elements in row-major order; those of dtype `Bool` as `u8`. Fails for another dtype, or another order.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T]> {
        self.check_dtype::<T>("as_slice")?;
        self.check_dense("as_slice")?;
        let data = self.pointer::<T>("as_slice")?;
        // SAFETY: `size` dense elements of the dtype, aligned, that nothing writes while the callback runs. Every bit
        // pattern is a `T`, as `bool` was refused.
        Ok(unsafe { std::slice::from_raw_parts(data, self.size()) })
    }

    /// The bytes of the elements in row-major order, whatever their dtype.
    #[track_caller]
    pub fn as_bytes(&self) -> Result<&'a [u8]> {
        self.check_dense("as_bytes")?;
        let data = self.pointer::<u8>("as_bytes")?;
        // SAFETY: as in `as_slice`; bytes have no alignment.
        Ok(unsafe { std::slice::from_raw_parts(data, self.size() * self.dtype().size()) })
    }

    /// The elements as they lie in memory; those of dtype `Bool` as `u8`. Fails for another dtype.
    #[track_caller]
    pub fn strided<T: Element>(&self) -> Result<Strided<'a, T>> {
        self.check_dtype::<T>("strided")?;
        let first = self.pointer::<T>("strided")?;
        if self.size() == 0 {
            return Ok(Strided { elements: &[], origin: 0 });
        }
        let (low, high) = self.reach().ok_or_else(|| Error::invalid("strided", "the strides overflow"))?;
        // SAFETY: the lowest and the highest element lie in the array's buffer, and so does all between them; MLX
        // writes a buffer only as long as no array refers to it. Alignment and bit patterns as in `as_slice`.
        let elements = unsafe { std::slice::from_raw_parts(first.sub(low), low + high + 1) };
        Ok(Strided { elements, origin: low })
    }

    /// How many elements before and behind the first the array reaches.
    fn reach(&self) -> Option<(usize, usize)> {
        let mut reach = (0usize, 0usize);
        for (&extent, &stride) in self.shape().iter().zip(self.strides()) {
            let last = (i64::from(extent) - 1).checked_mul(stride)?;
            let side = if last < 0 { &mut reach.0 } else { &mut reach.1 };
            *side = side.checked_add(usize::try_from(last.unsigned_abs()).ok()?)?;
        }
        Some(reach)
    }
}

/// An output of a kernel: row-major without gaps.
#[repr(transparent)]
#[derive(Debug)]
pub struct ViewMut<'a> {
    layout: Layout<'a>,
    _exclusive: PhantomData<&'a mut ()>,
}

impl<'a> Deref for ViewMut<'a> {
    type Target = Layout<'a>;
    fn deref(&self) -> &Layout<'a> {
        &self.layout
    }
}

impl ViewMut<'_> {
    /// The elements in row-major order; those of dtype `Bool` as `u8`. They are zeros at first, or those of input 0
    /// when computed in place. Fails for another dtype.
    #[track_caller]
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        self.check_dtype::<T>("as_mut_slice")?;
        self.zero_unless_written();
        let data = self.pointer::<T>("as_mut_slice")?;
        // SAFETY: `size` dense elements of the dtype, written at least with zeros, aligned, and reachable by nothing
        // but this view while it is borrowed.
        Ok(unsafe { std::slice::from_raw_parts_mut(data, self.size()) })
    }

    /// The bytes of the elements, whatever their dtype; first zeros, as in [`as_mut_slice`](Self::as_mut_slice).
    #[track_caller]
    pub fn as_mut_bytes(&mut self) -> Result<&mut [u8]> {
        self.zero_unless_written();
        let data = self.pointer::<u8>("as_mut_bytes")?;
        // SAFETY: as in `as_mut_slice`.
        Ok(unsafe { std::slice::from_raw_parts_mut(data, self.nbytes()) })
    }

    /// The elements without zeros being written first, for a kernel that writes them all and feels the difference.
    ///
    /// # Safety
    /// Every element is written before the kernel returns `Ok`.
    #[track_caller]
    pub unsafe fn as_uninit_slice<T: Element>(&mut self) -> Result<&mut [MaybeUninit<T>]> {
        self.check_dtype::<T>("as_uninit_slice")?;
        let data = self.pointer::<MaybeUninit<T>>("as_uninit_slice")?;
        self.layout.raw.has_values = true;
        // SAFETY: as in `as_mut_slice`, but for the values.
        Ok(unsafe { std::slice::from_raw_parts_mut(data, self.size()) })
    }

    fn nbytes(&self) -> usize {
        self.size() * self.dtype().size()
    }

    fn zero_unless_written(&mut self) {
        if !self.layout.raw.has_values {
            self.zero();
        }
    }

    fn zero(&mut self) {
        if self.size() > 0 && !self.layout.raw.data.is_null() {
            // SAFETY: the output's memory, which is ours until the callback returns.
            unsafe { self.layout.raw.data.cast::<u8>().write_bytes(0, self.nbytes()) };
        }
        self.layout.raw.has_values = true;
    }
}

/// Runs `compute` and gives its status, 0 for success. Afterwards all outputs hold values, whatever it did.
pub(super) fn fill(outputs: &mut [ViewMut<'_>], compute: impl FnOnce(&mut [ViewMut<'_>]) -> c_int) -> c_int {
    let had_values: Vec<bool> = outputs.iter().map(|output| output.layout.raw.has_values).collect();
    let status = compute(outputs);
    for (had_values, output) in had_values.into_iter().zip(outputs) {
        // What a kernel that failed was going to write without zeros being there first may never have been written.
        let keep = status == 0 || had_values;
        if keep { output.zero_unless_written() } else { output.zero() }
    }
    status
}

/// The lists that the C API passes to a callback.
///
/// # Safety
/// `data` points to `len` views that are valid for `'a`.
pub(super) unsafe fn layouts<'a>(data: *const mlx_array_view, len: usize) -> &'a [Layout<'a>] {
    // SAFETY: as the caller promises; a layout is a view of C and nothing else.
    unsafe { list(data.cast(), len) }
}

/// # Safety
/// As for [`layouts`], and the memory the views point to holds values and is not written for `'a`.
pub(super) unsafe fn views<'a>(data: *const mlx_array_view, len: usize) -> &'a [View<'a>] {
    // SAFETY: as for `layouts`.
    unsafe { list(data.cast(), len) }
}

/// # Safety
/// As for [`layouts`], and nothing else reads or writes the views or the memory they point to for `'a`.
pub(super) unsafe fn views_mut<'a>(data: *mut mlx_array_view, len: usize) -> &'a mut [ViewMut<'a>] {
    // SAFETY: as the caller promises.
    if len == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(data.cast(), len) } }
}
