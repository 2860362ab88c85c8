//! Vectorization.

use super::recording::{Pattern, record};
use crate::{Array, Error, Result, Tree, ffi, index::resolve_axis, tree::Flat};
use std::panic::Location;

/// The axes that a function is mapped along: one for all arrays, or one for each array of a tree, in order. `None`
/// hands an array on whole.
#[derive(Clone, Debug)]
pub struct MapAxes(Axes);

#[derive(Clone, Debug)]
enum Axes {
    Same(Option<i32>),
    Each(Vec<Option<i32>>),
}

impl From<i32> for MapAxes {
    fn from(axis: i32) -> MapAxes {
        MapAxes(Axes::Same(Some(axis)))
    }
}

impl From<Option<i32>> for MapAxes {
    fn from(axis: Option<i32>) -> MapAxes {
        MapAxes(Axes::Same(axis))
    }
}

impl From<Vec<Option<i32>>> for MapAxes {
    fn from(axes: Vec<Option<i32>>) -> MapAxes {
        MapAxes(Axes::Each(axes))
    }
}

impl<const N: usize> From<[Option<i32>; N]> for MapAxes {
    fn from(axes: [Option<i32>; N]) -> MapAxes {
        axes.to_vec().into()
    }
}

impl<const N: usize> From<[i32; N]> for MapAxes {
    fn from(axes: [i32; N]) -> MapAxes {
        axes.map(Some).into()
    }
}

impl MapAxes {
    /// An axis per array; fails if they were given for another number of arrays.
    #[track_caller]
    fn each(&self, what: &str, count: usize) -> Result<Vec<Option<i32>>> {
        match &self.0 {
            Axes::Same(axis) => Ok(vec![*axis; count]),
            Axes::Each(axes) if axes.len() == count => Ok(axes.clone()),
            Axes::Each(axes) => {
                Err(Error::invalid("vmap", format!("{} axes are given for {count} {what}", axes.len())))
            }
        }
    }
}

/// What MLX calls an axis that is not there.
const WHOLE: i32 = -1;

/// `f` mapped along the first axis of every array, its results stacked along a new first axis.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::vmap};
/// let dot = |(a, b): &(Array, Array)| a.inner(b);
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
/// assert_eq!(vmap(dot)(&(a.clone(), a))?.to_vec::<f32>()?, [5.0, 25.0]); // row by row
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function; arrays without the axis, or whose axes differ in length; operations that MLX cannot map.
#[doc(alias = "mx.vmap")]
#[track_caller]
pub fn vmap<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O>) -> impl Fn(&T) -> Result<O> {
    vmap_axes(f, 0, 0)
}

/// [`vmap`] along `in_axes` of the argument's arrays, with results stacked along `out_axes` of the result's.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::vmap_axes};
/// let scale = |(x, by): &(Array, Array)| x.multiply(by);
/// let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
/// let columns = vmap_axes(scale, [Some(1), None], 0);
/// let scaled = columns(&(x, Array::scalar(10.0f32)))?;
/// assert_eq!(scaled.to_vec::<f32>()?, [10.0, 30.0, 20.0, 40.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`vmap`].
#[track_caller]
pub fn vmap_axes<T: Tree, O: Tree>(
    f: impl Fn(&T) -> Result<O>,
    in_axes: impl Into<MapAxes>,
    out_axes: impl Into<MapAxes>,
) -> impl Fn(&T) -> Result<O> {
    let (in_axes, out_axes, place) = (in_axes.into(), out_axes.into(), Location::caller());
    move |x: &T| map(&f, x, &in_axes, &out_axes).map_err(|error| error.moved(place))
}

fn map<T: Tree, O: Tree>(
    f: &impl Fn(&T) -> Result<O>,
    x: &T,
    in_axes: &MapAxes,
    out_axes: &MapAxes,
) -> Result<O> {
    let arguments = Flat::of(x).arrays;
    let ins = mapped_axes(&arguments, &in_axes.each("arguments", arguments.len())?)?;
    let output = Pattern::new();
    let run = |arrays: Vec<Array>| {
        let results = record(f, x, &output, arrays)?;
        out_axes.each("results", results.len())?;
        Ok(results)
    };
    // MLX stacks along the first axis here, because it must be told before there are results to count axes of.
    let outs: Vec<i32> = match &out_axes.0 {
        Axes::Same(Some(_)) => vec![],
        Axes::Same(None) => return Err(Error::invalid("vmap", "results need an axis to be stacked along")),
        Axes::Each(axes) => axes.iter().map(|axis| axis.map_or(WHOLE, |_| 0)).collect(),
    };
    let results = ffi::transforms::vmap(&run, &arguments, &ins, &outs)?;
    let axes = out_axes.each("results", results.len())?;
    let moved = results.into_iter().zip(axes).map(|(result, axis)| match axis {
        None | Some(0) => Ok(result),
        Some(axis) => result.moveaxis(0, axis),
    });
    output.rebuild(moved.collect::<Result<_>>()?)
}

/// The axes as MLX takes them. All mapped ones have one length, of at least one.
#[track_caller]
fn mapped_axes(arguments: &[Array], axes: &[Option<i32>]) -> Result<Vec<i32>> {
    let mut length = None;
    let mut mapped = Vec::with_capacity(axes.len());
    for (array, axis) in arguments.iter().zip(axes) {
        let Some(axis) = axis else {
            mapped.push(WHOLE);
            continue;
        };
        let shape = array.shape()?;
        let index = resolve_axis("vmap", *axis, shape)?;
        let this = shape[index];
        if this == 0 || this != *length.get_or_insert(this) {
            let text = format!("axis {axis} of the shape {shape:?} is empty, or not as long as others");
            return Err(Error::invalid("vmap", text));
        }
        mapped.push(index as i32);
    }
    match length {
        Some(_) => Ok(mapped),
        None => Err(Error::invalid("vmap", "no argument has an axis to map along")),
    }
}
