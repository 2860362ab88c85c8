//! How a convolution's window moves.

use super::sizes::{Sizes, reach};
use crate::{Array, Error, Result, ffi::conv as ops};
use std::array::from_fn;

/// One number per spatial axis: `2` for all of them, or `[2, 1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerAxis(Vec<i32>);

impl From<i32> for PerAxis {
    fn from(every: i32) -> PerAxis {
        PerAxis(vec![every])
    }
}

impl<const N: usize> From<[i32; N]> for PerAxis {
    fn from(list: [i32; N]) -> PerAxis {
        PerAxis(list.to_vec())
    }
}

impl From<&[i32]> for PerAxis {
    fn from(list: &[i32]) -> PerAxis {
        PerAxis(list.to_vec())
    }
}

impl From<Vec<i32>> for PerAxis {
    fn from(list: Vec<i32>) -> PerAxis {
        PerAxis(list)
    }
}

impl PerAxis {
    /// One number for each of `N` axes, none below `least`.
    #[track_caller]
    pub(crate) fn over<const N: usize>(&self, op: &'static str, name: &str, least: i32) -> Result<[i32; N]> {
        let numbers = match *self.0 {
            [every] => Ok([every; N]),
            _ => <[i32; N]>::try_from(&*self.0),
        };
        match numbers {
            Ok(numbers) if numbers.iter().all(|&n| n >= least) => Ok(numbers),
            Ok(_) => Err(Error::invalid(op, format!("{name} is {:?}, below {least}", self.0))),
            Err(_) => Err(Error::invalid(op, format!("{name} is {:?}; there are {N} spatial axes", self.0))),
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        pub fn $name(self, $name: impl Into<PerAxis>) -> Self {
            Self { $name: $name.into(), ..self }
        }
    )* };
}

/// How a convolution's window moves: `ConvOptions::new().stride(2).padding([1, 0])`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    stride: PerAxis,
    padding: PerAxis,
    padding_after: Option<PerAxis>,
    dilation: PerAxis,
    input_dilation: PerAxis,
    groups: i32,
    flip: bool,
}

impl Default for ConvOptions {
    fn default() -> ConvOptions {
        ConvOptions {
            stride: 1.into(),
            padding: 0.into(),
            padding_after: None,
            dilation: 1.into(),
            input_dilation: 1.into(),
            groups: 1,
            flip: false,
        }
    }
}

impl ConvOptions {
    /// Steps of one, no padding, one group.
    pub fn new() -> ConvOptions {
        ConvOptions::default()
    }

    setters! {
        /// How far the window moves from one output to the next; 1.
        stride;
        /// Zeros put before and after the input; 0.
        padding;
        /// The distance between neighbours of the window, in the input; 1.
        dilation;
        /// The distance that neighbours of the input are pulled to, with zeros between; 1.
        input_dilation;
    }

    /// Zeros put before and after the input, a number for each side.
    pub fn padding_sides(self, before: impl Into<PerAxis>, after: impl Into<PerAxis>) -> ConvOptions {
        ConvOptions { padding: before.into(), padding_after: Some(after.into()), ..self }
    }

    /// Cuts the channels into as many parts, each with its own weights; 1. MLX has it for one and two spatial axes.
    pub fn groups(self, groups: i32) -> ConvOptions {
        ConvOptions { groups, ..self }
    }

    /// Reverses the window, as a convolution in the mathematical sense does; otherwise this is a correlation.
    pub fn flip(self) -> ConvOptions {
        ConvOptions { flip: true, ..self }
    }

    #[track_caller]
    pub(super) fn apply<const N: usize>(&self, op: &'static str, x: &Array, weight: &Array) -> Result<Array> {
        let sizes = Sizes::<N>::of(op, x, weight, self.groups)?;
        let stride = self.stride.over::<N>(op, "stride", 1)?;
        let before = self.padding.over::<N>(op, "padding", 0)?;
        let after = self.padding_after.as_ref().unwrap_or(&self.padding).over::<N>(op, "padding", 0)?;
        let dilation = self.dilation.over::<N>(op, "dilation", 1)?;
        let spread = self.input_dilation.over::<N>(op, "input_dilation", 1)?;
        let padded: [i64; N] =
            from_fn(|i| reach(sizes.space[i], spread[i]) + i64::from(before[i]) + i64::from(after[i]));
        let out = from_fn(|i| {
            let free = padded[i] - reach(sizes.window[i], dilation[i]);
            free.div_euclid(stride[i].into()) + 1
        });
        sizes.check(op, padded, out)?;
        Convolution { stride, before, after, dilation, spread, groups: self.groups, flip: self.flip }
            .apply(x, weight)
    }
}

/// A convolution, resolved.
pub(super) struct Convolution<const N: usize> {
    pub(super) stride: [i32; N],
    pub(super) before: [i32; N],
    pub(super) after: [i32; N],
    pub(super) dilation: [i32; N],
    /// The distance that neighbours of the input are pulled to.
    pub(super) spread: [i32; N],
    pub(super) groups: i32,
    pub(super) flip: bool,
}

impl<const N: usize> Convolution<N> {
    #[track_caller]
    pub(super) fn apply(&self, x: &Array, weight: &Array) -> Result<Array> {
        match self.apply_instead(x, weight)? {
            Some(y) => Ok(y),
            None => self.record(x, weight),
        }
    }

    #[track_caller]
    pub(super) fn record(&self, x: &Array, weight: &Array) -> Result<Array> {
        let Convolution { stride, before, after, dilation, spread, groups, flip } = self;
        ops::conv_general(x, weight, stride, before, after, dilation, spread, *groups, *flip)
    }
}

/// How a transposed convolution's window moves: `ConvTransposeOptions::new().stride(2)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTransposeOptions {
    stride: PerAxis,
    padding: PerAxis,
    dilation: PerAxis,
    output_padding: PerAxis,
    groups: i32,
}

impl Default for ConvTransposeOptions {
    fn default() -> ConvTransposeOptions {
        ConvTransposeOptions {
            stride: 1.into(),
            padding: 0.into(),
            dilation: 1.into(),
            output_padding: 0.into(),
            groups: 1,
        }
    }
}

impl ConvTransposeOptions {
    /// Steps of one, no padding, one group.
    pub fn new() -> ConvTransposeOptions {
        ConvTransposeOptions::default()
    }

    setters! {
        /// How far the window moves in the output from one input to the next; 1.
        stride;
        /// How much is cut from both ends of the output; 0.
        padding;
        /// The distance between neighbours of the window, in the output; 1.
        dilation;
        /// How much the end of the output is extended; 0. With a stride, several sizes of input give one size of
        /// output in the convolution that this turns around; it says which one is meant.
        output_padding;
    }

    /// Cuts the channels into as many parts, each with its own weights; 1. MLX has it for one and two spatial axes.
    pub fn groups(self, groups: i32) -> ConvTransposeOptions {
        ConvTransposeOptions { groups, ..self }
    }

    #[track_caller]
    pub(super) fn resolve<const N: usize>(
        &self,
        op: &'static str,
        x: &Array,
        weight: &Array,
    ) -> Result<Transpose<N>> {
        let sizes = Sizes::<N>::of(op, x, weight, self.groups)?;
        let stride = self.stride.over::<N>(op, "stride", 1)?;
        let padding = self.padding.over::<N>(op, "padding", 0)?;
        let dilation = self.dilation.over::<N>(op, "dilation", 1)?;
        let output_padding = self.output_padding.over::<N>(op, "output_padding", 0)?;
        let whole: [i64; N] = from_fn(|i| {
            let window = reach(sizes.window[i], dilation[i]);
            reach(sizes.space[i], stride[i]) + window - 1 + i64::from(output_padding[i])
        });
        let padded = from_fn(|i| whole[i] + reach(sizes.window[i], dilation[i]));
        let out = from_fn(|i| whole[i] - 2 * i64::from(padding[i]));
        sizes.check(op, padded, out)?;
        // Where the padding reaches beyond the window, MLX drops whole inputs instead of single outputs.
        let most: [i32; N] =
            from_fn(|i| i32::try_from(reach(sizes.window[i], dilation[i]) - 1).unwrap_or(i32::MAX));
        let cut = from_fn(|i| (padding[i] - most[i]).max(0));
        let padding = from_fn(|i| padding[i].min(most[i]));
        Ok(Transpose { stride, padding, dilation, output_padding, groups: self.groups, cut })
    }
}

/// MLX's function of input, weight, stride, padding, dilation, output padding and groups.
type Transposed<const N: usize> =
    fn(&Array, &Array, [i32; N], [i32; N], [i32; N], [i32; N], i32) -> Result<Array>;

/// A transposed convolution as MLX computes it, and what is then still to be cut from both ends.
pub(super) struct Transpose<const N: usize> {
    stride: [i32; N],
    padding: [i32; N],
    dilation: [i32; N],
    output_padding: [i32; N],
    groups: i32,
    cut: [i32; N],
}

impl<const N: usize> Transpose<N> {
    #[track_caller]
    pub(super) fn apply(&self, x: &Array, weight: &Array, convolve: Transposed<N>) -> Result<Array> {
        let Transpose { stride, padding, dilation, output_padding, groups, .. } = *self;
        let y = match self.as_convolution(weight)?.apply_instead(x, weight)? {
            Some(y) => y,
            None => convolve(x, weight, stride, padding, dilation, output_padding, groups)?,
        };
        self.trim(y)
    }

    /// The convolution of the input, its elements pulled apart, that this is.
    fn as_convolution(&self, weight: &Array) -> Result<Convolution<N>> {
        let window = weight.shape()?;
        let before = from_fn(|i| self.dilation[i] * (window[1 + i] - 1) - self.padding[i]);
        Ok(Convolution {
            stride: [1; N],
            before,
            after: from_fn(|i| before[i] + self.output_padding[i]),
            dilation: self.dilation,
            spread: self.stride,
            groups: self.groups,
            flip: true,
        })
    }

    #[track_caller]
    fn trim(&self, y: Array) -> Result<Array> {
        if self.cut == [0; N] {
            return Ok(y);
        }
        let start = [&[0], &self.cut[..], &[0]].concat();
        let stop: Vec<i32> = y.shape()?.iter().zip(&start).map(|(extent, cut)| extent - cut).collect();
        y.slice(&start, &stop)
    }
}
