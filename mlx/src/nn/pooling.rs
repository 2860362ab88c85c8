//! The maximum or mean of windows that slide over the positions.

use crate::{
    Array, Dtype, Error, Result, arange, concatenate, full, module::without_parameters,
    ops::create::check_shape,
};

/// Where the windows lie.
#[derive(Clone, Copy, Debug)]
struct Windows<const AXES: usize> {
    kernel: [i32; AXES],
    stride: [i32; AXES],
    padding: [i32; AXES],
}

impl<const AXES: usize> Windows<AXES> {
    /// `x` `[batch, positions ..., features]` to `[batch, windows ..., kernel ..., features]`, with `outside` in the
    /// padding.
    #[track_caller]
    fn of(&self, op: &'static str, x: &Array, outside: f32) -> Result<Array> {
        let Windows { kernel, stride, padding } = *self;
        if kernel.iter().chain(&stride).any(|&n| n < 1) || padding.iter().any(|&n| n < 0) {
            let text = format!("cannot slide {kernel:?} by {stride:?} with a padding of {padding:?}");
            return Err(Error::invalid(op, text));
        }
        let shape = x.shape()?;
        if shape.len() != AXES + 2 {
            let text = format!(
                "the shape {shape:?} is not that of a batch with {AXES} axes of positions and features"
            );
            return Err(Error::invalid(op, text));
        }
        if outside.is_infinite() && padding != [0; AXES] && !x.dtype()?.is_float() {
            let text = format!("{} has no number below all others for the padding", x.dtype()?);
            return Err(Error::invalid(op, text));
        }
        let mut windows = x.clone();
        for i in 0..AXES {
            // Each axis becomes two, those of the windows and of their elements.
            let axis = 2 * i as i32 + 1;
            windows = slide(op, &pad(&windows, axis, padding[i], outside)?, axis, kernel[i], stride[i])?;
        }
        let of_windows = (0..AXES as i32).map(|i| 2 * i + 1);
        let of_elements = (0..AXES as i32).map(|i| 2 * i + 2);
        let last = 2 * AXES as i32 + 1;
        let order: Vec<i32> = [0].into_iter().chain(of_windows).chain(of_elements).chain([last]).collect();
        windows.transpose(order)
    }
}

/// `width` times `outside` before and after the elements of `axis`.
#[track_caller]
fn pad(x: &Array, axis: i32, width: i32, outside: f32) -> Result<Array> {
    if width == 0 {
        return Ok(x.clone());
    }
    let mut shape = x.shape()?.to_vec();
    if let Some(extent) = shape.get_mut(axis as usize) {
        *extent = width;
    }
    let border = full(&shape, outside, x.dtype()?);
    concatenate(&[&border, x, &border], axis)
}

/// `axis` as two: windows that begin every `stride` elements, and the `kernel` elements of each.
#[track_caller]
fn slide(op: &'static str, x: &Array, axis: i32, kernel: i32, stride: i32) -> Result<Array> {
    let mut shape = x.shape()?.to_vec();
    let extent = x.dim(axis)?;
    if kernel > extent {
        let text = format!("a window of {kernel} does not fit into {extent} positions with their padding");
        return Err(Error::invalid(op, text));
    }
    let count = (extent - kernel) / stride + 1;
    shape.splice(axis as usize..=axis as usize, [count, kernel]);
    check_shape(op, &shape, x.dtype()?)?;
    if kernel == stride && extent % kernel == 0 {
        return x.reshape(shape);
    }
    let starts = arange(0.0, f64::from(count), 1.0, Dtype::I32)? * stride;
    let within = arange(0.0, f64::from(kernel), 1.0, Dtype::I32)?;
    x.take(&(starts.expand_dims(1)? + within), axis)
}

macro_rules! pools {
    ($($(#[$doc:meta])* $name:ident, $reduce:ident, outside $outside:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<const AXES: usize>(Windows<AXES>);

        impl<const AXES: usize> $name<AXES> {
            /// Windows of the extents `kernel`, side by side, without padding.
            pub fn new(kernel: [i32; AXES]) -> Self {
                Self(Windows { kernel, stride: kernel, padding: [0; AXES] })
            }

            /// With windows that begin `stride` positions after each other.
            pub fn with_stride(self, stride: [i32; AXES]) -> Self {
                Self(Windows { stride, ..self.0 })
            }

            /// With `padding` positions added before and after the input.
            pub fn with_padding(self, padding: [i32; AXES]) -> Self {
                Self(Windows { padding, ..self.0 })
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
    /// assert_eq!(MaxPool1d::new([2]).forward(&x)?.to_vec::<f32>()?, [4.0, 3.0]);
    /// assert_eq!(MaxPool1d::new([2]).with_stride([1]).forward(&x)?.to_vec::<f32>()?, [4.0, 4.0, 3.0]);
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
