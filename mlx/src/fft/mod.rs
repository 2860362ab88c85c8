//! Discrete Fourier transforms. All compute in `C64` and `F32`.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, fft::{self, Norm, along}};
//! let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4]);
//! let y = fft::rfft(&x, -1)?; // along the last axis
//! assert_eq!(fft::irfft(&y, -1)?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
//! let longer = fft::rfft(&x, along(-1).size(16).norm(Norm::Ortho))?;
//! assert_eq!(longer.shape()?, [9]);
//! # Ok(())
//! # }
//! ```

mod frames;

pub use frames::{Pad, Stft, istft, stft};

use crate::{
    Array, Axes, Dtype, Error, Result, axes as axes_of, error::at_caller, ffi::fft as ops,
    index::resolve_axis, ops::create::check_shape,
};

/// Which direction divides by the size, so that both together give the input again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Norm {
    /// The inverse divides by the size.
    #[default]
    Backward = mlx_sys::MLX_FFT_NORM_BACKWARD,
    /// Both divide by the square root of the size.
    Ortho = mlx_sys::MLX_FFT_NORM_ORTHO,
    /// The forward transform divides by the size.
    Forward = mlx_sys::MLX_FFT_NORM_FORWARD,
}

/// The axes of a transform, with its options; from an axis, a list of them, `..`, or [`along`].
#[derive(Clone, Debug)]
pub struct Along {
    axes: Axes,
    sizes: Option<Vec<i32>>,
    norm: Norm,
}

/// [`Along`] from axes, for options: `along([0, 1]).sizes([8, 8]).norm(Norm::Ortho)`.
pub fn along(axes: impl Into<Axes>) -> Along {
    Along { axes: axes.into(), sizes: None, norm: Norm::Backward }
}

impl<T: Into<Axes>> From<T> for Along {
    fn from(axes: T) -> Along {
        along(axes)
    }
}

impl Along {
    /// The size of the transform, to which the axis is cut or padded with zeros; by default it is the axis's.
    pub fn size(self, size: i32) -> Along {
        self.sizes([size])
    }

    /// The sizes of the transform, one for each axis.
    pub fn sizes(self, sizes: impl AsRef<[i32]>) -> Along {
        Along { sizes: Some(sizes.as_ref().to_vec()), ..self }
    }

    /// Which direction divides by the size.
    pub fn norm(self, norm: Norm) -> Along {
        Along { norm, ..self }
    }

    /// The axes and sizes of a transform of `x` over `count` axes, or over any number of them.
    #[track_caller]
    fn plan(self, op: &'static str, x: &Array, count: Option<usize>, domain: Domain) -> Result<Plan> {
        let shape = x.shape()?;
        let axes = match self.axes.list() {
            Some(list) => {
                at_caller(list.iter().map(|&axis| resolve_axis(op, axis, shape)).collect::<Result<_>>())?
            }
            None => (0..shape.len()).collect::<Vec<_>>(),
        };
        if axes.is_empty() || count.is_some_and(|count| count != axes.len()) {
            let needed = count.map_or("at least one axis".into(), |count| format!("{count} axes"));
            let text = format!("needs {needed}, not {} of the shape {shape:?}", axes.len());
            return Err(Error::invalid(op, text));
        }
        if let Some(twice) = axes.iter().enumerate().find(|(i, axis)| axes[..*i].contains(axis)) {
            return Err(Error::invalid(op, format!("axis {} is named twice", twice.1)));
        }
        let mut own: Vec<i32> = axes.iter().map(|&axis| shape[axis]).collect();
        if let (Domain::Inverse, Some(last)) = (domain, own.last_mut()) {
            *last = last.saturating_sub(1).saturating_mul(2);
        }
        let sizes = self.sizes.unwrap_or(own);
        if sizes.len() != axes.len() || sizes.iter().any(|&size| size < 1) {
            let text = format!("{} axes of the shape {shape:?} cannot have the sizes {sizes:?}", axes.len());
            return Err(Error::invalid(op, text));
        }
        let mut out = shape.to_vec();
        axes.iter().zip(&sizes).for_each(|(&axis, &size)| out[axis] = size);
        check_shape(op, &out, Dtype::C64)?;
        if domain == Domain::Real && x.dtype()? == Dtype::C64 {
            return Err(Error::invalid(op, "needs real numbers, not complex64"));
        }
        let axes: Vec<i32> = axes.into_iter().map(|axis| axis as i32).collect();
        Ok(Plan { axes: axes_of(axes), sizes, norm: self.norm as i32 })
    }
}

/// What a transform takes and gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Domain {
    /// Complex to complex.
    Complex,
    /// Real to the half of the spectrum that says all.
    Real,
    /// Such a half to real.
    Inverse,
}

struct Plan {
    axes: Axes,
    sizes: Vec<i32>,
    norm: i32,
}

macro_rules! transforms {
    ($($(#[$doc:meta])* $name:ident = $op:ident over $count:expr, $domain:ident;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(x: &Array, along: impl Into<Along>) -> Result<Array> {
            let Plan { axes, sizes, norm } = along.into().plan(stringify!($name), x, $count, Domain::$domain)?;
            ops::$op(x, &sizes, &axes, norm)
        }
    )* };
}

transforms! {
    /// The transform along one axis; `C64`.
    fft = fftn over Some(1), Complex;
    /// The inverse of [`fft`]; `C64`.
    ifft = ifftn over Some(1), Complex;
    /// The transform along two axes; `C64`.
    fft2 = fftn over Some(2), Complex;
    /// The inverse of [`fft2`]; `C64`.
    ifft2 = ifftn over Some(2), Complex;
    /// The transform along any axes; `C64`.
    fftn = fftn over None, Complex;
    /// The inverse of [`fftn`]; `C64`.
    ifftn = ifftn over None, Complex;
    /// The transform of real numbers along one axis, which becomes `size / 2 + 1` long: the rest mirrors it.
    rfft = rfftn over Some(1), Real;
    /// The inverse of [`rfft`]; `F32`. The size is `2 · (extent - 1)` unless given, as it must be for an odd one.
    irfft = irfftn over Some(1), Inverse;
    /// [`rfft`] along the last of two axes, and the transform along the other.
    rfft2 = rfftn over Some(2), Real;
    /// The inverse of [`rfft2`]; `F32`. Sizes as in [`irfft`].
    irfft2 = irfftn over Some(2), Inverse;
    /// [`rfft`] along the last of any axes, and the transform along the others.
    rfftn = rfftn over None, Real;
    /// The inverse of [`rfftn`]; `F32`. Sizes as in [`irfft`].
    irfftn = irfftn over None, Inverse;
}

/// The frequencies of the elements of a transform of `size` samples that lie `spacing` apart: `[size]`, `F32`.
///
/// ```
/// assert_eq!(mlx::fft::fftfreq(4, 1.0).unwrap().to_vec::<f32>().unwrap(), [0.0, 0.25, -0.5, -0.25]);
/// ```
#[track_caller]
pub fn fftfreq(size: i32, spacing: f64) -> Result<Array> {
    check_frequencies("fftfreq", size, spacing)?;
    ops::fftfreq(size, spacing)
}

/// The frequencies of the elements of a transform of `size` real samples that lie `spacing` apart:
/// `[size / 2 + 1]`, `F32`.
#[track_caller]
pub fn rfftfreq(size: i32, spacing: f64) -> Result<Array> {
    check_frequencies("rfftfreq", size, spacing)?;
    ops::rfftfreq(size, spacing)
}

#[track_caller]
fn check_frequencies(op: &'static str, size: i32, spacing: f64) -> Result<()> {
    if size >= 1 && spacing != 0.0 && spacing.is_finite() {
        return Ok(());
    }
    Err(Error::invalid(op, format!("{size} samples cannot lie {spacing} apart")))
}

/// The elements moved so that frequency zero comes to the middle of the axes; `..` for all.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::fft;
/// assert_eq!(fft::fftfreq(4, 1.0)?.to_vec::<f32>()?, [0.0, 0.25, -0.5, -0.25]);
/// assert_eq!(fft::fftshift(&fft::fftfreq(4, 1.0)?, ..)?.to_vec::<f32>()?, [-0.5, -0.25, 0.0, 0.25]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn fftshift(x: &Array, axes: impl Into<Axes>) -> Result<Array> {
    ops::fftshift(x, &axes.into())
}

/// The inverse of [`fftshift`].
#[track_caller]
pub fn ifftshift(x: &Array, axes: impl Into<Axes>) -> Result<Array> {
    ops::ifftshift(x, &axes.into())
}
