//! The maximum or mean of windows that slide over the positions.

use crate::{Array, Error, Result, module::without_parameters, ops::PerAxis};

/// Where the windows lie.
#[derive(Clone, Debug)]
struct Windows<const AXES: usize> {
    kernel: PerAxis,
    stride: PerAxis,
    padding: PerAxis,
}

impl<const AXES: usize> Windows<AXES> {
    /// `x` `[batch, positions ..., features]` to `[batch, windows ..., kernel ..., features]`, with `outside` in the
    /// padding.
    #[track_caller]
    fn of(&self, op: &'static str, x: &Array, outside: f32) -> Result<Array> {
        let kernel = self.kernel.over::<AXES>(op, "kernel", 1)?;
        let stride = self.stride.over::<AXES>(op, "stride", 1)?;
        let padding = self.padding.over::<AXES>(op, "padding", 0)?;
        if x.ndim()? != AXES + 2 {
            let text = format!("the shape {:?} is not a batch's with {AXES} axes of positions", x.shape()?);
            return Err(Error::invalid(op, text));
        }
        let x = if padding == [0; AXES] { x.clone() } else { pad(op, x, &padding, outside)? };
        let positions = x.shape()?.iter().skip(1).zip(&kernel);
        if positions.clone().any(|(extent, kernel)| kernel > extent) {
            let text = format!("a window of {kernel:?} does not fit into the padded shape {:?}", x.shape()?);
            return Err(Error::invalid(op, text));
        }
        let whole = positions.clone().all(|(extent, kernel)| extent % kernel == 0);
        if kernel == stride && whole { tiles(&x, &kernel) } else { slide(&x, &kernel, &stride) }
    }
}

/// `x` with `outside` before and after its positions.
#[track_caller]
fn pad(op: &'static str, x: &Array, padding: &[i32], outside: f32) -> Result<Array> {
    if outside.is_infinite() && !x.dtype()?.is_float() {
        let text = format!("{} has no number below all others for the padding", x.dtype()?);
        return Err(Error::invalid(op, text));
    }
    let sides = padding.iter().map(|&width| (width, width));
    let widths: Vec<_> = [(0, 0)].into_iter().chain(sides).chain([(0, 0)]).collect();
    x.pad(widths, outside)
}

/// Windows side by side: each axis of positions is cut into two, whose order is then changed.
#[track_caller]
fn tiles(x: &Array, kernel: &[i32]) -> Result<Array> {
    let [batch, positions @ .., features] = x.shape()? else { return Ok(x.clone()) };
    let cut = positions.iter().zip(kernel).flat_map(|(extent, size)| [extent / size, *size]);
    let shape: Vec<i32> = [*batch].into_iter().chain(cut).chain([*features]).collect();
    let axes = kernel.len() as i32;
    let (windows, elements) = ((0..axes).map(|i| 2 * i + 1), (0..axes).map(|i| 2 * i + 2));
    let order: Vec<i32> = [0].into_iter().chain(windows).chain(elements).chain([2 * axes + 1]).collect();
    x.reshape(shape)?.transpose(order)
}

/// Windows that may overlap, as a view.
#[track_caller]
fn slide(x: &Array, kernel: &[i32], stride: &[i32]) -> Result<Array> {
    let [batch, positions @ .., features] = x.shape()? else { return Ok(x.clone()) };
    // How far the next position is on each axis, in elements.
    let mut steps = vec![];
    let mut step = i64::from(*features);
    for &extent in positions.iter().rev() {
        steps.insert(0, step);
        step = step.saturating_mul(extent.into());
    }
    let counts = positions.iter().zip(kernel).zip(stride);
    let counts: Vec<i32> = counts.map(|((extent, kernel), stride)| (extent - kernel) / stride + 1).collect();
    let jumps = steps.iter().zip(stride).map(|(step, &stride)| step.saturating_mul(stride.into()));
    let jumps: Vec<i64> = jumps.collect();
    x.as_strided(
        [&[*batch], &*counts, kernel, &[*features]].concat(),
        &[&[step], &*jumps, &*steps, &[1]].concat(),
        0,
    )
}

macro_rules! pools {
    ($($(#[$doc:meta])* $name:ident, $reduce:ident, outside $outside:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<const AXES: usize>(Windows<AXES>);

        impl<const AXES: usize> $name<AXES> {
            /// Windows of the extents `kernel`, side by side, without padding.
            pub fn new(kernel: impl Into<PerAxis>) -> Self {
                let kernel = kernel.into();
                Self(Windows { stride: kernel.clone(), kernel, padding: 0.into() })
            }

            /// With windows that begin `stride` positions after each other.
            pub fn with_stride(self, stride: impl Into<PerAxis>) -> Self {
                Self(Windows { stride: stride.into(), ..self.0 })
            }

            /// With `padding` positions added before and after the input.
            pub fn with_padding(self, padding: impl Into<PerAxis>) -> Self {
                Self(Windows { padding: padding.into(), ..self.0 })
            }

            /// `x` `[batch, positions ..., features]` to `[batch, windows ..., features]`. What does not fill a last
            /// window is left out.
            #[track_caller]
            pub fn forward(&self, x: &Array) -> Result<Array> {
                let windows = self.0.of(stringify!($name), x, $outside)?;
                let elements: Vec<i32> = (1..=AXES as i32).map(|axis| axis + AXES as i32).collect();
                windows.$reduce(elements)
            }
        }
    )* };
}

pools! {
    /// The maximum of each window of positions; padding is ignored.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, nn::MaxPool1d};
    /// let x = Array::from_slice(&[1.0f32, 4.0, 2.0, 3.0], &[1, 4, 1]);
    /// assert_eq!(MaxPool1d::new(2).forward(&x)?.to_vec::<f32>()?, [4.0, 3.0]);
    /// assert_eq!(MaxPool1d::new(2).with_stride(1).forward(&x)?.to_vec::<f32>()?, [4.0, 4.0, 3.0]);
    /// # Ok(())
    /// # }
    /// ```
    MaxPool, max, outside f32::NEG_INFINITY;
    /// The mean of each window of positions; padding counts as zeros.
    AvgPool, mean, outside 0.0;
}

macro_rules! ranks {
    ($($max:ident $mean:ident = $axes:literal, $what:literal;)*) => { $(
        #[doc = concat!("[`MaxPool`] over ", $what, ".")]
        pub type $max = MaxPool<$axes>;
        #[doc = concat!("[`AvgPool`] over ", $what, ".")]
        pub type $mean = AvgPool<$axes>;
        without_parameters!($max, $mean);
    )* };
}

ranks! {
    MaxPool1d AvgPool1d = 1, "signals `[batch, length, features]`";
    MaxPool2d AvgPool2d = 2, "images `[batch, height, width, features]`";
    MaxPool3d AvgPool3d = 3, "volumes `[batch, depth, height, width, features]`";
}
