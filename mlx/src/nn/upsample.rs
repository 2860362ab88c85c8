//! Images and signals at another resolution.

use crate::{
    Array, Dtype, Error, Result, arange, axes, module::without_parameters, ops::create::check_shape,
};

/// How [`Upsample`] works out what lies between the positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest position's number.
    #[default]
    Nearest,
    /// On a straight line between the two neighbours along each axis.
    Linear,
    /// On a cubic curve through the four neighbours along each axis
    /// ([Keys, 1981](https://doi.org/10.1109/TASSP.1981.1163711)).
    Cubic,
}

/// Resizes the axes of positions: one for signals, two for images, three for volumes.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn::{Interpolation, Upsample}};
/// let x = Array::from_slice(&[1.0f32, 3.0], &[1, 2, 1]);
/// assert_eq!(Upsample::new(&[2.0]).forward(&x)?.to_vec::<f32>()?, [1.0, 1.0, 3.0, 3.0]);
/// let linear = Upsample::new(&[2.0]).with_interpolation(Interpolation::Linear);
/// assert_eq!(linear.forward(&x)?.to_vec::<f32>()?, [1.0, 1.5, 2.5, 3.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Upsample {
    scale: Vec<f64>,
    interpolation: Interpolation,
    align_corners: bool,
    antialias: bool,
}

without_parameters!(Upsample);

impl Upsample {
    /// Makes each axis of positions `scale` times as long, rounded down: one number for all axes, or one for each.
    /// Takes the nearest position's numbers.
    pub fn new(scale: &[f64]) -> Upsample {
        let interpolation = Interpolation::Nearest;
        Upsample { scale: scale.to_vec(), interpolation, align_corners: false, antialias: false }
    }

    /// With another interpolation. [`Linear`](Interpolation::Linear) and [`Cubic`](Interpolation::Cubic) give `F32`
    /// for arrays of half precision and integers.
    #[doc(alias = "mode")]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Upsample {
        Upsample { interpolation, ..self }
    }

    /// With the first and last positions of input and output at the same place, or with the outer edges of these
    /// positions there, which is the default. Makes no difference to the nearest position.
    pub fn with_align_corners(self, align_corners: bool) -> Upsample {
        Upsample { align_corners, ..self }
    }

    /// With a filter, where it makes axes shorter, as wide as the step from one output to the next; as PyTorch does,
    /// this takes another cubic curve too. For linear and cubic interpolation without aligned corners.
    pub fn with_antialias(self, antialias: bool) -> Upsample {
        Upsample { antialias, ..self }
    }

    /// `x` `[batch, positions ..., features]`, its positions resized.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let shape = x.shape()?;
        let scales = match (shape.len().saturating_sub(2), self.scale.as_slice()) {
            (axes @ 1.., [scale]) => vec![*scale; axes],
            (axes @ 1.., scales) if scales.len() == axes => scales.to_vec(),
            _ => {
                let text = format!("{:?} are not the scales for the shape {shape:?}", self.scale);
                return Err(Error::invalid("Upsample", text));
            }
        };
        if self.antialias && (self.align_corners || self.interpolation == Interpolation::Nearest) {
            let text = "antialiasing needs linear or cubic interpolation without aligned corners";
            return Err(Error::invalid("Upsample", text));
        }
        let mut resized = x.clone();
        for (axis, scale) in (1..).zip(scales) {
            resized = self.resize(&resized, axis, scale)?;
        }
        Ok(resized)
    }

    /// `x` with one axis resized.
    #[track_caller]
    fn resize(&self, x: &Array, axis: i32, scale: f64) -> Result<Array> {
        let mut shape = x.shape()?.to_vec();
        let inputs = x.dim(axis)?;
        let outputs = (scale * f64::from(inputs)).trunc();
        if !(0.0..=f64::from(i32::MAX)).contains(&outputs) || scale <= 0.0 {
            let text = format!("cannot make {inputs} positions {scale} times as many");
            return Err(Error::invalid("Upsample", text));
        }
        let outputs = outputs as i32;
        if let Some(extent) = shape.get_mut(axis as usize) {
            *extent = outputs;
        }
        check_shape("Upsample", &shape, x.dtype()?)?;
        let line = Line { inputs, outputs, scale, align_corners: self.align_corners };
        let Taps { positions, weights } = match (self.interpolation, self.antialias) {
            _ if outputs == 0 => return x.take(&line.numbers()?.astype(Dtype::I32)?, axis),
            (Interpolation::Nearest, _) if scale.fract() == 0.0 => return x.repeat(scale as i32, axis),
            (Interpolation::Nearest, _) => return x.take(&line.nearest()?, axis),
            (Interpolation::Linear, false) => line.linear()?,
            (Interpolation::Cubic, false) => line.cubic()?,
            (Interpolation::Linear, true) => line.filtered(1.0, triangle)?,
            (Interpolation::Cubic, true) => line.filtered(2.0, |distance| cubic(distance, -0.5))?,
        };
        // The axis becomes two, outputs and taps; weights broadcast over the axes after them.
        let mut along = weights.shape()?.to_vec();
        along.resize(shape.len() + 1 - axis as usize, 1);
        x.take(&positions, axis)?.multiply(weights.reshape(along)?)?.sum(axis + 1)
    }
}

/// The inputs that each output is made of: both arrays are `[outputs, taps]`.
struct Taps {
    positions: Array,
    weights: Array,
}

/// The resizing of one axis.
struct Line {
    inputs: i32,
    outputs: i32,
    scale: f64,
    align_corners: bool,
}

impl Line {
    /// 0, 1, … to the last output.
    #[track_caller]
    fn numbers(&self) -> Result<Array> {
        arange(0.0, self.outputs.into(), 1.0, Dtype::F32)
    }

    /// The input for each output, by rounding.
    #[track_caller]
    fn nearest(&self) -> Result<Array> {
        let step = f64::from(self.inputs) / f64::from(self.outputs);
        let places = if self.outputs > self.inputs {
            ((self.numbers()? + 0.5) * step - 0.5).round(0)?
        } else {
            self.numbers()? * step
        };
        places.astype(Dtype::I32)
    }

    /// Where each output lies between the inputs.
    #[track_caller]
    fn places(&self) -> Result<Array> {
        let (last_input, last_output) = (f64::from(self.inputs) - 1.0, f64::from(self.outputs) - 1.0);
        if self.align_corners {
            return self.numbers()?.multiply(last_input / last_output.max(1.0));
        }
        let step = 1.0 / self.scale;
        self.numbers()?.multiply(step)?.subtract((last_output * step - last_input) / 2.0)
    }

    #[track_caller]
    fn linear(&self) -> Result<Taps> {
        let (positions, distances) = self.around(&self.places()?.clip(0, self.inputs - 1)?, 0, 1)?;
        Ok(Taps { positions: self.existing(&positions)?, weights: triangle(&distances)? })
    }

    #[track_caller]
    fn cubic(&self) -> Result<Taps> {
        let (positions, distances) = self.around(&self.places()?, -1, 2)?;
        Ok(Taps { positions: self.existing(&positions)?, weights: cubic(&distances, -0.75)? })
    }

    /// All inputs that a filter of radius `radius` reaches, in steps of the outputs where these are longer than those
    /// of the inputs. What lies beyond the ends counts for nothing, and the rest for more.
    #[track_caller]
    fn filtered(&self, radius: f64, filter: impl Fn(&Array) -> Result<Array>) -> Result<Taps> {
        let width = (1.0 / self.scale).max(1.0);
        let reach = (radius * width).ceil() as i32;
        let (positions, distances) = self.around(&self.places()?, -reach, reach)?;
        let exists = positions.greater_equal(0)?.logical_and(positions.less(self.inputs)?)?;
        let weights = filter(&(distances / width))?.multiply(exists)?;
        let sums = weights.sum(axes(1).keep())?;
        let sums = sums.less_equal(0)?.where_(1, &sums)?;
        Ok(Taps { positions: self.existing(&positions)?, weights: weights / sums })
    }

    /// The inputs from `first` to `last`, counted from the one at or before each place, and their distances from it:
    /// `[outputs, taps]` both.
    #[track_caller]
    fn around(&self, places: &Array, first: i32, last: i32) -> Result<(Array, Array)> {
        let count = f64::from(last) - f64::from(first) + 1.0;
        check_shape("Upsample", &[self.outputs, count as i32], Dtype::F32)?;
        let offsets = arange(first.into(), f64::from(last) + 1.0, 1.0, Dtype::F32)?;
        let places = places.expand_dims(1)?;
        let positions = places.floor()?.add(offsets)?;
        let distances = (places - &positions).abs()?;
        Ok((positions, distances))
    }

    /// `positions` as indices; for what lies beyond the ends, the end.
    #[track_caller]
    fn existing(&self, positions: &Array) -> Result<Array> {
        positions.clip(0, self.inputs - 1)?.astype(Dtype::I32)
    }
}

/// A filter that falls from one to zero at distance one.
#[track_caller]
fn triangle(distances: &Array) -> Result<Array> {
    (1.0 - distances).maximum(0.0)
}

/// Keys's cubic filter of parameter `a`, which ends at distance two.
#[track_caller]
fn cubic(distances: &Array, a: f32) -> Result<Array> {
    let x = distances;
    let inner = (x * (a + 2.0) - (a + 3.0)) * x * x + 1;
    let outer = (((x - 5) * x + 8) * x - 4) * a;
    let outer = outer.multiply(x.less_equal(2.0)?)?;
    x.less_equal(1.0)?.where_(inner, &outer)
}
