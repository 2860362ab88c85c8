//! Layers one after the other.

use super::{
    Activation, AvgPool1d, AvgPool2d, AvgPool3d, BatchNorm, Conv1d, Conv2d, Conv3d, ConvTranspose1d,
    ConvTranspose2d, ConvTranspose3d, Dropout, Dropout2d, Dropout3d, Embedding, GroupNorm, Gru, Identity,
    InstanceNorm, LayerNorm, Linear, MaxPool1d, MaxPool2d, MaxPool3d, PRelu, QqLinear, RmsNorm, Rnn,
    SinusoidalPositionalEncoding, Upsample,
};
use crate::{Array, Loader, Module, Path, Result, Slot, SlotMut, error::at_caller, random};

/// A layer from one array to one, as [`Sequential`] holds them.
///
/// The layers of this module that take one array implement it; so can yours:
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Module, Param, Result, nn::{Layer, Sequential}, ones, Dtype};
///
/// #[derive(Module)]
/// struct Scale { by: Param }
///
/// impl Layer for Scale {
///     fn call(&self, x: &Array, _key: Option<&Array>) -> Result<Array> {
///         x.multiply(self.by.value())
///     }
/// }
///
/// let model = Sequential::new().then(Scale { by: Array::scalar(3.0f32).into() });
/// assert_eq!(model.forward(&ones(&[2], Dtype::F32))?.to_vec::<f32>()?, [3.0, 3.0]);
/// # Ok(())
/// # }
/// ```
pub trait Layer: Module {
    /// `x` through the layer. `key` is for layers that draw random numbers, which they do in training.
    #[track_caller]
    fn call(&self, x: &Array, key: Option<&Array>) -> Result<Array>;
}

macro_rules! layers {
    ($($ty:ty),*) => { $(
        impl Layer for $ty {
            #[track_caller]
            fn call(&self, x: &Array, _key: Option<&Array>) -> Result<Array> {
                self.forward(x)
            }
        }
    )* };
}

macro_rules! layers_with_keys {
    ($($ty:ty),*) => { $(
        impl Layer for $ty {
            #[track_caller]
            fn call(&self, x: &Array, key: Option<&Array>) -> Result<Array> {
                self.forward(x, key)
            }
        }
    )* };
}

layers!(
    Activation,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Embedding,
    GroupNorm,
    Gru,
    Identity,
    InstanceNorm,
    LayerNorm,
    Linear,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    PRelu,
    QqLinear,
    RmsNorm,
    Rnn,
    SinusoidalPositionalEncoding,
    Upsample
);
layers_with_keys!(Dropout, Dropout2d, Dropout3d);

impl Layer for Sequential {
    #[track_caller]
    fn call(&self, x: &Array, key: Option<&Array>) -> Result<Array> {
        self.run(x, key)
    }
}

/// Layers, each working on what the one before it gave.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, Module, nn::{Activation, Linear, Sequential}, ones, random};
/// let [first, second] = random::split(&random::key(0)?)?;
/// let model = Sequential::new()
///     .then_fn(|x| x.flatten(1, -1))
///     .then(Linear::new(4, 8).with_bias(true).init(&first)?)
///     .then(Activation::Relu)
///     .then(Linear::new(8, 3).init(&second)?);
/// assert_eq!(model.forward(&ones(&[5, 2, 2], Dtype::F32))?.shape()?, [5, 3]);
/// let keys: Vec<_> = model.parameters().into_keys().collect();
/// assert_eq!(keys, ["layers.1.bias", "layers.1.weight", "layers.3.weight"]);
/// # Ok(())
/// # }
/// ```
#[derive(Default, Module)]
pub struct Sequential {
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// No layers: what comes in goes out.
    pub fn new() -> Sequential {
        Sequential::default()
    }

    /// With one more layer at the end.
    pub fn then(mut self, layer: impl Layer + 'static) -> Sequential {
        self.layers.push(Box::new(layer));
        self
    }

    /// With a function at the end. It counts as a layer in the paths of the parameters.
    pub fn then_fn(self, f: impl Fn(&Array) -> Result<Array> + 'static) -> Sequential {
        self.then(Function(f))
    }

    /// `x` through all layers. A dropout among them that is in training needs [`Sequential::forward_with_key`].
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.run(x, None)
    }

    /// `x` through all layers, each with a key of its own drawn from `key`.
    #[track_caller]
    pub fn forward_with_key(&self, x: &Array, key: &Array) -> Result<Array> {
        self.run(x, Some(key))
    }

    #[track_caller]
    fn run(&self, x: &Array, key: Option<&Array>) -> Result<Array> {
        let (mut x, mut key) = (x.clone(), key.cloned());
        for layer in &self.layers {
            let own = match &key {
                Some(left) => {
                    let [next, own] = random::split(left)?;
                    key = Some(next);
                    Some(own)
                }
                None => None,
            };
            x = at_caller(layer.call(&x, own.as_ref()))?;
        }
        Ok(x)
    }
}

/// A closure as a layer.
struct Function<F>(F);

impl<F> Module for Function<F> {
    fn visit(&self, _path: &mut Path, _f: &mut dyn FnMut(&str, Slot<'_>)) {}

    fn visit_mut(&mut self, _path: &mut Path, _f: &mut dyn FnMut(&str, SlotMut<'_>)) {}

    fn load(&mut self, _weights: &Loader) -> Result<()> {
        Ok(())
    }
}

impl<F: Fn(&Array) -> Result<Array>> Layer for Function<F> {
    #[track_caller]
    fn call(&self, x: &Array, _key: Option<&Array>) -> Result<Array> {
        (self.0)(x)
    }
}
