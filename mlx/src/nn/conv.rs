//! Layers of convolution.

use super::{init, merged};
use crate::{
    Array, Dtype, Error, Module, Param, Result,
    ops::{ConvOptions, ConvTransposeOptions, PerAxis},
    zeros,
};

/// The weights of a convolution and what they follow from.
#[derive(Clone, Debug, Module)]
struct Weights<const AXES: usize> {
    weight: Param,
    bias: Option<Param>,
    #[module(skip)]
    sizes: Sizes,
}

#[derive(Clone, Debug)]
struct Sizes {
    inputs: i32,
    outputs: i32,
    window: PerAxis,
    groups: i32,
}

impl<const AXES: usize> Weights<AXES> {
    #[track_caller]
    fn new(sizes: Sizes, bias: bool) -> Self {
        let weight = match sizes.shape::<AXES>() {
            Ok(shape) => zeros(&shape, Dtype::F32),
            Err(error) => Array::from_result(Err(error)),
        };
        Weights { weight: weight.into(), bias: None, sizes }.with_bias(bias)
    }

    #[track_caller]
    fn with_bias(self, bias: bool) -> Self {
        let bias = bias.then_some(zeros(&[self.sizes.outputs], Dtype::F32).into());
        Weights { bias, ..self }
    }

    #[track_caller]
    fn with_groups(self, groups: i32) -> Self {
        let bias = self.bias.is_some();
        Weights::new(Sizes { groups, ..self.sizes }, bias)
    }

    #[track_caller]
    fn init(mut self, key: &Array) -> Result<Self> {
        let shape = self.weight.shape()?.to_vec();
        let fan_in = merged("init", shape.get(1..).unwrap_or_default())?;
        *self.weight.value_mut() = init::by_inputs(&shape, fan_in, key)?;
        let bias = self.bias.is_some();
        Ok(self.with_bias(bias))
    }

    #[track_caller]
    fn shift(&self, y: Array) -> Result<Array> {
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}

impl Sizes {
    /// `[outputs, window..., inputs / groups]`.
    #[track_caller]
    fn shape<const AXES: usize>(&self) -> Result<Vec<i32>> {
        let window = self.window.over::<AXES>("conv", "window", 1)?;
        let Sizes { inputs, outputs, groups, .. } = *self;
        if groups < 1 || inputs % groups != 0 {
            let text = format!("{inputs} input channels cannot be cut into {groups} groups");
            return Err(Error::invalid("conv", text));
        }
        Ok([&[outputs], &window[..], &[inputs / groups]].concat())
    }
}

macro_rules! convolutions {
    ($(
        $(#[$doc:meta])* $name:ident, $options:ident:
        $($(#[$setter_doc:meta])* $setter:ident = $option:ident,)*
    ;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        pub struct $name<const AXES: usize> {
            #[module(flatten)]
            weights: Weights<AXES>,
            #[module(skip)]
            options: $options,
        }

        impl<const AXES: usize> $name<AXES> {
            /// From `inputs` to `outputs` channels by a window of the extents `window`; all zero. Sizes that no array
            /// can have show when it is used or loaded.
            #[track_caller]
            pub fn new(inputs: i32, outputs: i32, window: impl Into<PerAxis>) -> Self {
                let sizes = Sizes { inputs, outputs, window: window.into(), groups: 1 };
                Self { weights: Weights::new(sizes, true), options: $options::new() }
            }

            $(
                $(#[$setter_doc])*
                pub fn $setter(self, $option: impl Into<PerAxis>) -> Self {
                    Self { options: self.options.$option($option), ..self }
                }
            )*

            /// With the channels cut into `groups` parts, each with weights of its own, which are zero again; 1. MLX
            /// has groups for one and two spatial axes.
            #[track_caller]
            pub fn with_groups(self, groups: i32) -> Self {
                Self { weights: self.weights.with_groups(groups), options: self.options.groups(groups) }
            }

            /// With a bias of zeros, the default, or without.
            #[track_caller]
            pub fn with_bias(self, bias: bool) -> Self {
                Self { weights: self.weights.with_bias(bias), ..self }
            }

            /// The layer with a weight drawn uniformly from ±`1 / sqrt(n)`, where `n` inputs lie under a window, and a
            /// bias of zeros.
            #[track_caller]
            pub fn init(self, key: &Array) -> Result<Self> {
                Ok(Self { weights: self.weights.init(key)?, ..self })
            }
        }
    )* };
}

convolutions! {
    /// A convolution over `AXES` spatial axes: `[batch, space..., inputs]` to `[batch, space..., outputs]`.
    ///
    /// The weight is `[outputs, window..., inputs / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, nn::Conv2d, ones, random};
    /// let layer = Conv2d::new(3, 16, [5, 3]).with_stride(2).with_padding([2, 1]).init(&random::key(0)?)?;
    /// assert_eq!(layer.forward(&ones(&[1, 8, 8, 3], Dtype::F32))?.shape()?, [1, 4, 4, 16]);
    /// # Ok(())
    /// # }
    /// ```
    Conv, ConvOptions:
        /// How far the window moves from one output to the next; 1.
        with_stride = stride,
        /// Zeros put before and after the input; 0.
        with_padding = padding,
        /// The distance between neighbours of the window; 1.
        with_dilation = dilation,
    ;
    /// A transposed convolution over `AXES` spatial axes, `[batch, space..., inputs]` to
    /// `[batch, space..., outputs]`: with a stride, each input adds its multiple of the window to a larger output.
    ///
    /// The weight is `[outputs, window..., inputs / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, nn::ConvTranspose2d, ones, random};
    /// let layer = ConvTranspose2d::new(16, 3, 2).with_stride(2).init(&random::key(0)?)?;
    /// assert_eq!(layer.forward(&ones(&[1, 4, 4, 16], Dtype::F32))?.shape()?, [1, 8, 8, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ConvTranspose, ConvTransposeOptions:
        /// How far the window moves in the output from one input to the next; 1.
        with_stride = stride,
        /// How much is cut from both ends of the output; 0.
        with_padding = padding,
        /// The distance between neighbours of the window; 1.
        with_dilation = dilation,
        /// How much the end of the output is extended; 0.
        with_output_padding = output_padding,
    ;
}

impl<const AXES: usize> Conv<AXES> {
    /// `x` `[batch, space..., inputs]`, convolved.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.weights.shift(x.conv_general(&self.weights.weight, self.options.clone())?)
    }
}

impl<const AXES: usize> ConvTranspose<AXES> {
    /// `x` `[batch, space..., inputs]`, convolved the other way round.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let (weight, options) = (&self.weights.weight, self.options.clone());
        let y = match AXES {
            1 => x.conv_transpose1d(weight, options),
            2 => x.conv_transpose2d(weight, options),
            3 => x.conv_transpose3d(weight, options),
            _ => {
                let text = format!("MLX has it over one to three spatial axes, not {AXES}");
                Err(Error::invalid("ConvTranspose", text))
            }
        };
        self.weights.shift(y?)
    }
}

macro_rules! ranks {
    ($($conv:ident $transposed:ident = $axes:literal, $what:literal;)*) => { $(
        #[doc = concat!("[`Conv`] over ", $what, ".")]
        pub type $conv = Conv<$axes>;
        #[doc = concat!("[`ConvTranspose`] over ", $what, ".")]
        pub type $transposed = ConvTranspose<$axes>;
    )* };
}

ranks! {
    Conv1d ConvTranspose1d = 1, "signals `[batch, length, channels]`";
    Conv2d ConvTranspose2d = 2, "images `[batch, height, width, channels]`";
    Conv3d ConvTranspose3d = 3, "volumes `[batch, depth, height, width, channels]`";
}
