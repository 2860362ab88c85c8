//! More elements around an array.

use super::create::check_shape;
use crate::{Array, Error, Operand, Result, ffi::ops};

/// How many elements to add before and after each axis: `1` everywhere, `(1, 2)` before and after every axis, or
/// `[(1, 2), (0, 0)]` per axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Padding(Widths);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Widths {
    EveryAxis((i32, i32)),
    PerAxis(Vec<(i32, i32)>),
}

impl From<i32> for Padding {
    fn from(width: i32) -> Padding {
        (width, width).into()
    }
}

impl From<(i32, i32)> for Padding {
    fn from(widths: (i32, i32)) -> Padding {
        Padding(Widths::EveryAxis(widths))
    }
}

impl From<Vec<(i32, i32)>> for Padding {
    fn from(widths: Vec<(i32, i32)>) -> Padding {
        Padding(Widths::PerAxis(widths))
    }
}

impl From<&[(i32, i32)]> for Padding {
    fn from(widths: &[(i32, i32)]) -> Padding {
        widths.to_vec().into()
    }
}

impl<const RANK: usize> From<[(i32, i32); RANK]> for Padding {
    fn from(widths: [(i32, i32); RANK]) -> Padding {
        widths.to_vec().into()
    }
}

/// What [`Array::pad_mode`] pads with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// The outermost element; zero if there is none.
    Edge,
    /// The elements mirrored at the outermost one, which is not repeated.
    Reflect,
    /// The elements mirrored at the edge, so that the outermost one is repeated.
    Symmetric,
}

impl Array {
    /// The array with `value` around it.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::PadMode};
    /// let x = Array::from_slice(&[1, 2, 3], &[3]);
    /// assert_eq!(x.pad((1, 2), 0)?.to_vec::<i32>()?, [0, 1, 2, 3, 0, 0]);
    /// assert_eq!(x.pad_mode(1, PadMode::Reflect)?.to_vec::<i32>()?, [2, 1, 2, 3, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn pad(&self, widths: impl Into<Padding>, value: impl Operand) -> Result<Array> {
        let value = value.into_array(self.dtype()?)?;
        if value.size()? != 1 {
            let text = format!("the value has the shape {:?}, not that of one element", value.shape()?);
            return Err(Error::invalid("pad", text));
        }
        pad(self, widths.into(), &value, "constant")
    }

    /// The array with some of its own elements around it: what is mirrored, at most 1024 times over on each side.
    #[doc(alias = "pad")]
    #[track_caller]
    pub fn pad_mode(&self, widths: impl Into<Padding>, mode: PadMode) -> Result<Array> {
        let mode = match mode {
            PadMode::Edge => "edge",
            PadMode::Reflect => "reflect",
            PadMode::Symmetric => "symmetric",
        };
        pad(self, widths.into(), &0.into_array(self.dtype()?)?, mode)
    }
}

#[track_caller]
fn pad(x: &Array, Padding(widths): Padding, value: &Array, mode: &str) -> Result<Array> {
    let shape = x.shape()?;
    let widths = match widths {
        Widths::EveryAxis(widths) => vec![widths; shape.len()],
        Widths::PerAxis(widths) => widths,
    };
    if widths.len() != shape.len() || widths.iter().any(|&(low, high)| low < 0 || high < 0) {
        return Err(Error::invalid("pad", format!("cannot add {widths:?} to the shape {shape:?}")));
    }
    let padded = |(n, (low, high)): (&i32, &(i32, i32))| n.checked_add(*low)?.checked_add(*high);
    // An extent that overflows becomes a negative one.
    let padded: Vec<i32> = shape.iter().zip(&widths).map(|pair| padded(pair).unwrap_or(-1)).collect();
    check_shape("pad", &padded, x.dtype()?)?;
    if shape.is_empty() {
        // On CUDA, MLX would write the value over the only element.
        return Ok(x.clone());
    }
    if matches!(mode, "reflect" | "symmetric") {
        let most = |(&n, &(low, high)): (&i32, &(i32, i32))| check_mirrors("pad", n, low.max(high));
        shape.iter().zip(&widths).try_for_each(most)?;
    }
    let axes: Vec<i32> = (0..shape.len() as i32).collect();
    let (low, high): (Vec<i32>, Vec<i32>) = widths.into_iter().unzip();
    ops::pad(x, &axes, &low, &high, value, mode)
}

/// Refuses to mirror `extent` elements very often: MLX records an operation for each time, until the memory is full.
#[track_caller]
pub(crate) fn check_mirrors(op: &'static str, extent: i32, width: i32) -> Result<()> {
    if width / extent.saturating_sub(1).max(1) <= 1024 {
        return Ok(());
    }
    Err(Error::invalid(
        op,
        format!("{width} places are too many to fill with mirror images of {extent} elements"),
    ))
}
