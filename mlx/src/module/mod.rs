//! Trees of parameters, and what can be done with all of them at once.

mod containers;
mod loader;
mod param;
mod training;

pub(crate) use containers::without_parameters;
pub use loader::Loader;
pub use param::Param;
use training::Switched;
pub use training::Training;

use crate::{Array, Dtype, Error, ErrorKind, Result, error::at_caller, io, nn::Weight};
use std::{collections::BTreeMap, path::Path as FilePath};

/// Arrays by their dotted paths: parameters, gradients, the state of an optimizer.
pub type Parameters = BTreeMap<String, Array>;

/// Anything that holds parameters. Derive it: the field names are the checkpoint keys.
///
/// * [`Param`] fields are learned; they can be frozen.
/// * [`Array`] fields are carried along: saved and loaded, but not learned, such as running statistics.
/// * Fields that are modules, or an `Option`, `Vec`, array, tuple or `Box` of modules, are walked.
/// * Numbers, booleans and strings hold no parameters.
///
/// `#[module(rename = "...")]` gives a field another key, `#[module(skip)]` leaves it out, `#[module(flatten)]` puts
/// what it holds where the field stands.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Module, Param, nn::{Linear, RmsNorm}};
///
/// #[derive(Module)]
/// struct Head {
///     norm: RmsNorm,       // norm.weight
///     proj: Option<Linear>, // proj.weight, if there is one
///     #[module(rename = "extra.scale")]
///     scale: Param,        // extra.scale
///     dim: i32,            // plain data holds no parameters
/// }
///
/// let scale = Array::scalar(1.0f32).into();
/// let mut head = Head { norm: RmsNorm::new(8, 1e-5), proj: None, scale, dim: 8 };
/// assert_eq!(head.parameters().into_keys().collect::<Vec<_>>(), ["extra.scale", "norm.weight"]);
/// head.freeze(|path| path.starts_with("norm"));
/// assert_eq!(head.trainable_parameters().into_keys().collect::<Vec<_>>(), ["extra.scale"]);
/// # assert_eq!(head.dim, 8);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nn.Module")]
pub trait Module {
    /// Calls `f` with the path and each thing the module holds.
    #[doc(alias = "filter_and_map")]
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>));

    /// Calls `f` with the path and the place of each thing the module holds.
    #[doc(alias = "apply_to_modules")]
    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>));

    /// Takes each array from the checkpoint; see [`Loader`].
    ///
    /// # Errors
    /// A tensor that is missing or has another shape than the module expects. What was taken before stays.
    #[track_caller]
    fn load(&mut self, weights: &Loader) -> Result<()>;

    /// All arrays by path, those that are not learned included.
    fn parameters(&self) -> Parameters {
        let mut found = BTreeMap::new();
        self.visit(&mut Path::default(), &mut |path, slot| {
            found.insert(path.to_owned(), slot.array().clone());
        });
        found
    }

    /// How many numbers all arrays hold, those that are not learned included; a packed word of a quantized weight
    /// counts as one.
    ///
    /// Python has no name for it: `sum(x.size for _, x in tree_flatten(model.parameters()))`. Of what is learned alone:
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Module, nn::Linear};
    /// let mut layer = Linear::new(10, 3).with_bias(true);
    /// assert_eq!(layer.parameter_count()?, 33);
    /// layer.freeze(|path| path == "bias");
    /// let learned = layer.trainable_parameters();
    /// assert_eq!(learned.values().map(|array| array.size()).sum::<mlx::Result<usize>>()?, 30);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The one that an array carries.
    #[doc(alias = "num_params")]
    #[track_caller]
    fn parameter_count(&self) -> Result<usize> {
        at_caller(self.parameters().values().map(Array::size).sum())
    }

    /// What is learned and not frozen, by path.
    fn trainable_parameters(&self) -> Parameters {
        let mut found = BTreeMap::new();
        self.visit(&mut Path::default(), &mut |path, slot| {
            if let Slot::Param(param) = slot
                && !param.is_frozen()
            {
                found.insert(path.to_owned(), param.value().clone());
            }
        });
        found
    }

    /// Replaces the arrays that `values` names. Fails, and changes nothing, where the module has no such path or
    /// another shape there.
    #[track_caller]
    fn update(&mut self, values: &Parameters) -> Result<()> {
        let held = self.parameters();
        for (path, value) in values {
            let Some(array) = held.get(path) else {
                return Err(weights_error("update", format!("the module has no `{path}`")));
            };
            let (old, new) = (array.shape()?, value.shape()?);
            if old != new {
                return Err(weights_error("update", format!("`{path}` has the shape {old:?}, not {new:?}")));
            }
        }
        replace(self, values);
        Ok(())
    }

    /// Freezes the parameters whose path `selects` picks: they get no gradients and no updates.
    ///
    /// `model.freeze(|_| true)` freezes all.
    fn freeze(&mut self, selects: impl Fn(&str) -> bool)
    where
        Self: Sized,
    {
        set_frozen(self, selects, true);
    }

    /// Makes the parameters whose path `selects` picks learn again.
    fn unfreeze(&mut self, selects: impl Fn(&str) -> bool)
    where
        Self: Sized,
    {
        set_frozen(self, selects, false);
    }

    /// Switches all layers between training (the default) and inference: dropouts, batch normalization.
    #[doc(alias = "train")]
    #[doc(alias = "eval")]
    fn set_training(&mut self, training: bool) {
        self.visit_mut(&mut Path::default(), &mut |_, slot| {
            if let SlotMut::Training(mode) = slot {
                mode.set(training);
            }
        });
    }

    /// Runs `f` with all layers switched to training or to inference, and puts each back as it was, also after a panic.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, Module, nn::Dropout, ones};
    /// let (mut model, x) = (Dropout::new(0.5), ones(&[8], Dtype::F32));
    /// let y = model.with_training(false, |model| model.forward(&x, None))?;
    /// assert_eq!(y.to_vec::<f32>()?, [1.0; 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "eval")]
    fn with_training<O>(&mut self, training: bool, f: impl FnOnce(&Self) -> O) -> O
    where
        Self: Sized,
    {
        f(Switched::new(self, training).module())
    }

    /// Replaces each array by what `f` makes of it; stops at the first error.
    fn apply(&mut self, f: impl Fn(&Array) -> Result<Array>) -> Result<()>
    where
        Self: Sized,
    {
        let made = self.parameters().into_iter().map(|(path, array)| Ok((path, f(&array)?)));
        let made = made.collect::<Result<Parameters>>()?;
        replace(self, &made);
        Ok(())
    }

    /// Converts the floating-point arrays to `dtype`; integers, such as packed weights, stay.
    fn set_dtype(&mut self, dtype: Dtype) -> Result<()>
    where
        Self: Sized,
    {
        self.apply(|array| if array.dtype()?.is_float() { array.astype(dtype) } else { Ok(array.clone()) })
    }

    /// Writes all arrays to a safetensors file.
    #[track_caller]
    fn save_weights(&self, path: impl AsRef<FilePath>) -> Result<()>
    where
        Self: Sized,
    {
        let parameters = self.parameters();
        io::save_safetensors(path, parameters.iter().map(|(name, array)| (name.as_str(), array)), &[])
    }

    /// Takes all arrays from a safetensors file. Strict: missing, misshapen and unused tensors are errors.
    #[track_caller]
    fn load_weights(&mut self, path: impl AsRef<FilePath>) -> Result<()>
    where
        Self: Sized,
    {
        let weights = Loader::new(io::load_safetensors(path)?);
        self.load(&weights)?;
        weights.finish()
    }
}

fn set_frozen(module: &mut impl Module, selects: impl Fn(&str) -> bool, frozen: bool) {
    module.visit_mut(&mut Path::default(), &mut |path, slot| {
        if let SlotMut::Param(param) = slot
            && selects(path)
        {
            param.set_frozen(frozen);
        }
    });
}

/// Puts the arrays of `values` in their places, without a look at shapes; paths the module lacks are left alone.
pub(crate) fn replace<M: Module + ?Sized>(module: &mut M, values: &Parameters) {
    module.visit_mut(&mut Path::default(), &mut |path, slot| {
        if let (Some(array), Some(value)) = (slot.into_array(), values.get(path)) {
            *array = value.clone();
        }
    });
}

#[track_caller]
fn weights_error(op: &'static str, message: String) -> Error {
    Error::new(ErrorKind::Weights, op, message)
}

/// An array as a module holds it.
#[derive(Debug)]
pub enum Slot<'a> {
    /// Learned, unless frozen.
    Param(&'a Param),
    /// Carried along.
    Buffer(&'a Array),
}

impl<'a> Slot<'a> {
    /// The array, whatever its role.
    pub fn array(self) -> &'a Array {
        match self {
            Slot::Param(param) => param.value(),
            Slot::Buffer(array) => array,
        }
    }
}

/// A place in a module that can be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum SlotMut<'a> {
    /// Learned, unless frozen.
    Param(&'a mut Param),
    /// Carried along.
    Buffer(&'a mut Array),
    /// Whether the layer is in training.
    Training(&'a mut Training),
    /// The weight of a layer at the layer's path, before what it consists of; it can be quantized.
    Weight(&'a mut Weight),
}

impl<'a> SlotMut<'a> {
    /// The array, where the place holds one.
    pub fn into_array(self) -> Option<&'a mut Array> {
        match self {
            SlotMut::Param(param) => Some(param.value_mut()),
            SlotMut::Buffer(array) => Some(array),
            SlotMut::Training(_) | SlotMut::Weight(_) => None,
        }
    }
}

/// The dotted path of a place while a module is walked.
#[derive(Debug, Default)]
pub struct Path(String);

impl Path {
    /// Runs `f` with `segment` at the end of the path.
    pub fn enter(&mut self, segment: &str, f: impl FnOnce(&mut Path)) {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(segment);
        f(self);
        self.0.truncate(length);
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
