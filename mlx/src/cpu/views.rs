//! Arrays as kernels see them, as the slices that `mlx-cpu` takes.

use crate::{
    Dtype, Element, Error, Result,
    kernels::{Layout, Strided, View, ViewMut},
};
use half::{bf16, f16};
use mlx_cpu::{Floats, FloatsMut, heads::Heads};

/// Whether `mlx-cpu` has kernels for such elements.
pub(super) fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::Bf16)
}

/// The dtype of a result of such elements: theirs if it is one, else `F32`.
pub(super) fn common(dtypes: impl IntoIterator<Item = Dtype>) -> Dtype {
    dtypes.into_iter().reduce(|a, b| if a == b { a } else { Dtype::F32 }).unwrap_or(Dtype::F32)
}

/// The elements of a dense array.
pub(super) fn floats<'a>(view: &View<'a>) -> Result<Floats<'a>> {
    Ok(match view.dtype() {
        Dtype::F32 => Floats::F32(view.as_slice::<f32>()?),
        Dtype::F16 => Floats::F16(view.as_slice::<f16>()?),
        Dtype::Bf16 => Floats::Bf16(view.as_slice::<bf16>()?),
        other => return Err(no_kernel(other)),
    })
}

/// The memory from an array's lowest element to its highest, and where its first element is.
pub(super) fn strided<'a>(view: &View<'a>) -> Result<(Floats<'a>, usize)> {
    Ok(match view.dtype() {
        Dtype::F32 => {
            let strided = view.strided::<f32>()?;
            (Floats::F32(strided.elements), strided.origin)
        }
        Dtype::F16 => {
            let strided = view.strided::<f16>()?;
            (Floats::F16(strided.elements), strided.origin)
        }
        Dtype::Bf16 => {
            let strided = view.strided::<bf16>()?;
            (Floats::Bf16(strided.elements), strided.origin)
        }
        other => return Err(no_kernel(other)),
    })
}

/// The elements of an output.
pub(super) fn floats_mut<'a>(view: &'a mut ViewMut<'_>) -> Result<FloatsMut<'a>> {
    Ok(match view.dtype() {
        Dtype::F32 => FloatsMut::F32(view.as_mut_slice::<f32>()?),
        Dtype::F16 => FloatsMut::F16(view.as_mut_slice::<f16>()?),
        Dtype::Bf16 => FloatsMut::Bf16(view.as_mut_slice::<bf16>()?),
        other => return Err(no_kernel(other)),
    })
}

/// Shape and strides where no stride is negative.
pub(super) fn extents(layout: &Layout<'_>) -> Option<(Vec<usize>, Vec<usize>)> {
    let sizes = layout.shape().iter().map(|&extent| usize::try_from(extent).ok());
    let strides = layout.strides().iter().map(|&stride| usize::try_from(stride).ok());
    Some((sizes.collect::<Option<_>>()?, strides.collect::<Option<_>>()?))
}

/// The vectors of an array `[batch, heads, length, dim]`, or of one without heads.
pub(super) struct Vectors<'a> {
    pub(super) shape: [usize; 4],
    strides: [usize; 3],
    numbers: Numbers<'a>,
}

enum Numbers<'a> {
    InPlace(Floats<'a>),
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl<'a> Vectors<'a> {
    /// In place where the vectors lie densely, else copied.
    pub(super) fn of(view: &View<'a>) -> Result<Vectors<'a>> {
        let [batch, heads, length, dim] = four(view.shape(), 1)?.map(|extent| extent as usize);
        let (shape, strides) = ([batch, heads, length, dim], four(view.strides(), 0)?);
        if strides[3] == 1 && strides.iter().all(|&stride| stride >= 0) {
            let strides = [strides[0] as usize, strides[1] as usize, strides[2] as usize];
            return Ok(Vectors { shape, strides, numbers: Numbers::InPlace(strided(view)?.0) });
        }
        let numbers = match view.dtype() {
            Dtype::F32 => Numbers::F32(copied(view)?),
            Dtype::F16 => Numbers::F16(copied(view)?),
            Dtype::Bf16 => Numbers::Bf16(copied(view)?),
            other => return Err(no_kernel(other)),
        };
        Ok(Vectors { shape, strides: [heads * length * dim, length * dim, dim], numbers })
    }

    /// One vector of each batch entry taken as those of heads of `dim` elements side by side, unless there are heads already.
    pub(super) fn of_heads(self, dim: usize) -> Vectors<'a> {
        match (self.shape, self.strides) {
            ([batch, 1, 1, all], [stride, ..]) => {
                Vectors { shape: [batch, all / dim, 1, dim], strides: [stride, dim, dim], ..self }
            }
            _ => self,
        }
    }

    /// Vectors of the same shape and type, which `f` writes.
    pub(super) fn map(&self, f: impl FnOnce(FloatsMut<'_>)) -> Vectors<'static> {
        let [_, heads, length, dim] = self.shape;
        let size = self.shape.iter().product();
        let numbers = match self.heads().values {
            Floats::F32(_) => {
                let mut numbers = vec![0.0; size];
                f(FloatsMut::F32(&mut numbers));
                Numbers::F32(numbers)
            }
            Floats::F16(_) => {
                let mut numbers = vec![f16::ZERO; size];
                f(FloatsMut::F16(&mut numbers));
                Numbers::F16(numbers)
            }
            Floats::Bf16(_) => {
                let mut numbers = vec![bf16::ZERO; size];
                f(FloatsMut::Bf16(&mut numbers));
                Numbers::Bf16(numbers)
            }
        };
        Vectors { shape: self.shape, strides: [heads * length * dim, length * dim, dim], numbers }
    }

    /// The heads of one batch entry.
    pub(super) fn of_batch(&self, i: usize) -> Heads<'_> {
        let all = self.heads();
        let start = i * self.strides[0];
        Heads { values: all.values.part(start, all.values.len() - start), ..all }
    }

    pub(super) fn heads(&self) -> Heads<'_> {
        let values = match &self.numbers {
            Numbers::InPlace(floats) => *floats,
            Numbers::F32(numbers) => Floats::F32(numbers),
            Numbers::F16(numbers) => Floats::F16(numbers),
            Numbers::Bf16(numbers) => Floats::Bf16(numbers),
        };
        Heads { values, strides: self.strides }
    }
}

/// One number for each of `[batch, heads, length, dim]`; without heads, `heads` for those.
fn four<T: Copy>(numbers: &[T], heads: T) -> Result<[T; 4]> {
    match *numbers {
        [batch, heads, length, dim] => Ok([batch, heads, length, dim]),
        [batch, length, dim] => Ok([batch, heads, length, dim]),
        _ => Err(Error::invalid("kernel", format!("{} axes are not three or four", numbers.len()))),
    }
}

/// The elements in row-major order.
fn copied<T: Element>(view: &View<'_>) -> Result<Vec<T>> {
    let Strided { elements, origin } = view.strided::<T>()?;
    let mut places = vec![origin as i64];
    for (&extent, &stride) in view.shape().iter().zip(view.strides()) {
        let along = |place: i64| (0..i64::from(extent)).map(move |i| place + i * stride);
        places = places.into_iter().flat_map(along).collect();
    }
    Ok(places.into_iter().map(|place| elements[place as usize]).collect())
}

/// The last extent, and the product of those before it.
pub(super) fn rows(layout: &Layout<'_>) -> (usize, usize) {
    match layout.shape() {
        [rows @ .., width] => (rows.iter().map(|&extent| extent as usize).product(), *width as usize),
        [] => (1, 1),
    }
}

fn no_kernel(dtype: Dtype) -> Error {
    Error::invalid("kernel", format!("there is none for {dtype}"))
}
