//! Convolutions: weighted sums over windows that slide along the spatial axes.
//!
//! Images are `[batch, space..., channels]`, weights `[out channels, window..., in channels / groups]`.

use super::create::check_shape;
use crate::{Array, Dtype, Error, Result, ffi::conv as ops};
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
    fn over<const N: usize>(&self, op: &'static str, name: &str, least: i32) -> Result<[i32; N]> {
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
    fn apply<const N: usize>(&self, op: &'static str, x: &Array, weight: &Array) -> Result<Array> {
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
        ops::conv_general(x, weight, &stride, &before, &after, &dilation, &spread, self.groups, self.flip)
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
    fn resolve<const N: usize>(&self, op: &'static str, x: &Array, weight: &Array) -> Result<Transpose<N>> {
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
        Ok(Transpose { stride, padding, dilation, output_padding, cut })
    }
}

/// A transposed convolution as MLX computes it, and what is then still to be cut from both ends.
struct Transpose<const N: usize> {
    stride: [i32; N],
    padding: [i32; N],
    dilation: [i32; N],
    output_padding: [i32; N],
    cut: [i32; N],
}

impl<const N: usize> Transpose<N> {
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

/// From the first to the last of `count` positions that lie `distance` apart, both included.
fn reach(count: i32, distance: i32) -> i64 {
    1 + (i64::from(count) - 1) * i64::from(distance)
}

/// The shapes of a convolution over `N` spatial axes.
struct Sizes<const N: usize> {
    batch: i32,
    space: [i32; N],
    channels: i32,
    window: [i32; N],
    out_channels: i32,
    dtype: Dtype,
}

impl<const N: usize> Sizes<N> {
    /// MLX divides by the groups and the channels, and its matrix product ends the process for an empty window.
    #[track_caller]
    fn of(op: &'static str, x: &Array, weight: &Array, groups: i32) -> Result<Sizes<N>> {
        let (shape, weights) = (x.shape()?, weight.shape()?);
        let (&[batch, ref space @ .., channels], &[out_channels, ref window @ .., per_group]) =
            (shape, weights)
        else {
            return Err(wrong_rank(op, N, shape, weights));
        };
        let (Ok(space), Ok(window)) = (<[i32; N]>::try_from(space), <[i32; N]>::try_from(window)) else {
            return Err(wrong_rank(op, N, shape, weights));
        };
        if weights.contains(&0) || space.contains(&0) || channels == 0 {
            let text = format!("an extent is zero in the input {shape:?} or the weight {weights:?}");
            return Err(Error::invalid(op, text));
        }
        let fits = groups >= 1
            && out_channels % groups == 0
            && i64::from(per_group) * i64::from(groups) == i64::from(channels);
        if !fits {
            let text = format!("the input {shape:?} and the weight {weights:?} do not fit {groups} groups");
            return Err(Error::invalid(op, text));
        }
        let dtype = x.dtype()?;
        if !dtype.is_float() {
            return Err(Error::invalid(op, format!("needs floating-point numbers, not {dtype}")));
        }
        Ok(Sizes { batch, space, channels, window, out_channels, dtype })
    }

    /// Refuses sizes that are negative, or that overflow in the input with its zeros, in the output, or in the
    /// matrix of all windows that MLX builds between them.
    #[track_caller]
    fn check(&self, op: &'static str, padded: [i64; N], out: [i64; N]) -> Result<()> {
        if out.iter().any(|&extent| extent < 1) {
            let (space, window) = (self.space, self.window);
            let text =
                format!("the window {window:?} does not fit into the space {space:?} with its padding");
            return Err(Error::invalid(op, text));
        }
        let windows = [&self.window[..], &[self.channels]].concat();
        for (space, last) in
            [(padded, &[self.channels][..]), (out, &[self.out_channels][..]), (out, &windows[..])]
        {
            let space = space.map(|extent| i32::try_from(extent).unwrap_or(-1));
            check_shape(op, &[&[self.batch], &space[..], last].concat(), self.dtype)?;
        }
        Ok(())
    }
}

#[track_caller]
fn wrong_rank(op: &'static str, axes: usize, x: &[i32], weight: &[i32]) -> Error {
    let rank = axes + 2;
    Error::invalid(op, format!("needs {rank} dimensions each, the input is {x:?} and the weight {weight:?}"))
}

/// Which places of two vectors' convolution to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolveMode {
    /// All where they overlap: `n + m - 1`.
    Full,
    /// As many as the longer vector has, from the middle.
    Same,
    /// Those where the shorter one lies within the longer: `n - m + 1`.
    Valid,
}

impl Array {
    /// Convolution over one spatial axis: `[batch, length, channels]` and `[out, window, channels / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ConvOptions};
    /// let x = Array::from_slice(&[1.0f32, 2.0, 4.0, 8.0], &[1, 4, 1]);
    /// let differences = Array::from_slice(&[-1.0f32, 1.0], &[1, 2, 1]);
    /// assert_eq!(x.conv1d(&differences, ConvOptions::new())?.to_vec::<f32>()?, [1.0, 2.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv1d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<1>("conv1d", self, weight)
    }

    /// Convolution over two spatial axes: `[batch, height, width, channels]` and
    /// `[out, window height, window width, channels / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{ConvOptions, Dtype, ones};
    /// let (image, weight) = (ones(&[1, 8, 8, 3], Dtype::F32), ones(&[16, 3, 3, 3], Dtype::F32));
    /// let y = image.conv2d(&weight, ConvOptions::new().stride(2).padding(1))?;
    /// assert_eq!(y.shape()?, [1, 4, 4, 16]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv2d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<2>("conv2d", self, weight)
    }

    /// Convolution over three spatial axes: `[batch, depth, height, width, channels]` and
    /// `[out, window depth, window height, window width, channels]`.
    #[track_caller]
    pub fn conv3d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<3>("conv3d", self, weight)
    }

    /// Convolution over as many spatial axes, one to three, as there are beside batch and channels.
    #[track_caller]
    pub fn conv_general(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        match self.ndim()? {
            3 => options.apply::<1>("conv_general", self, weight),
            4 => options.apply::<2>("conv_general", self, weight),
            5 => options.apply::<3>("conv_general", self, weight),
            _ => {
                let text = format!("needs one to three spatial axes, the shape is {:?}", self.shape()?);
                Err(Error::invalid("conv_general", text))
            }
        }
    }

    /// Transposed convolution over one spatial axis: each input adds its multiple of the window to the output, of
    /// length `(length - 1) · stride - 2 · padding + dilation · (window - 1) + output_padding + 1`.
    ///
    /// The weight is `[out, window, channels / groups]`, as for [`Array::conv1d`].
    #[track_caller]
    pub fn conv_transpose1d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        let plan = options.resolve("conv_transpose1d", self, weight)?;
        let Transpose { stride, padding, dilation, output_padding, .. } = plan;
        let y =
            ops::conv_transpose1d(self, weight, stride, padding, dilation, output_padding, options.groups);
        plan.trim(y?)
    }

    /// Transposed convolution over two spatial axes; see [`Array::conv_transpose1d`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{ConvTransposeOptions, Dtype, ones};
    /// let (image, weight) = (ones(&[1, 4, 4, 16], Dtype::F32), ones(&[3, 2, 2, 16], Dtype::F32));
    /// let y = image.conv_transpose2d(&weight, ConvTransposeOptions::new().stride(2))?;
    /// assert_eq!(y.shape()?, [1, 8, 8, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv_transpose2d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        let plan = options.resolve("conv_transpose2d", self, weight)?;
        let Transpose { stride, padding, dilation, output_padding, .. } = plan;
        let y =
            ops::conv_transpose2d(self, weight, stride, padding, dilation, output_padding, options.groups);
        plan.trim(y?)
    }

    /// Transposed convolution over three spatial axes; see [`Array::conv_transpose1d`].
    #[track_caller]
    pub fn conv_transpose3d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        let plan = options.resolve("conv_transpose3d", self, weight)?;
        let Transpose { stride, padding, dilation, output_padding, .. } = plan;
        let y =
            ops::conv_transpose3d(self, weight, stride, padding, dilation, output_padding, options.groups);
        plan.trim(y?)
    }

    /// The convolution of two vectors of floating-point numbers, as of two polynomials' coefficients.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ConvolveMode};
    /// let (a, b) = (Array::from_slice(&[1.0f32, 2.0, 3.0], &[3]), Array::from_slice(&[0.0f32, 1.0, 0.5], &[3]));
    /// assert_eq!(a.convolve(&b, ConvolveMode::Full)?.to_vec::<f32>()?, [0.0, 1.0, 2.5, 4.0, 1.5]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn convolve(&self, rhs: &Array, mode: ConvolveMode) -> Result<Array> {
        let (&[n], &[m]) = (self.shape()?, rhs.shape()?) else {
            let text = format!("needs two vectors, not {:?} and {:?}", self.shape()?, rhs.shape()?);
            return Err(Error::invalid("convolve", text));
        };
        if n == 0 || m == 0 {
            return Err(Error::invalid("convolve", format!("a vector is empty: lengths {n} and {m}")));
        }
        let (long, short, m) = if n < m { (rhs, self, n) } else { (self, rhs, m) };
        let options = ConvOptions::new().flip();
        let options = match mode {
            ConvolveMode::Full => options.padding(m - 1),
            ConvolveMode::Same => options.padding_sides(m / 2, (m - 1) / 2),
            ConvolveMode::Valid => options,
        };
        let (long, short) = (long.reshape([1, -1, 1])?, short.reshape([1, -1, 1])?);
        options.apply::<1>("convolve", &long, &short)?.flatten(0, -1)
    }
}
