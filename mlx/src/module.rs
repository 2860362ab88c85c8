//! Parameter trees.

use crate::{Array, Loader, Result};
use std::collections::BTreeMap;

/// Anything that holds parameters. Derive it: the field names are the checkpoint keys.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Module, nn::{Linear, RmsNorm}};
///
/// #[derive(Module)]
/// struct Head {
///     norm: RmsNorm,       // norm.weight
///     proj: Option<Linear>, // proj.weight, if there is one
///     #[module(rename = "extra.scale")]
///     scale: Array,        // extra.scale
///     dim: i32,            // plain data holds no parameters
/// }
///
/// let head = Head { norm: RmsNorm::new(8, 1e-5), proj: None, scale: Array::scalar(1.0f32), dim: 8 };
/// assert_eq!(head.parameters().into_keys().collect::<Vec<_>>(), ["extra.scale", "norm.weight"]);
/// # assert_eq!(head.dim, 8);
/// # Ok(())
/// # }
/// ```
pub trait Module {
    /// Calls `f` with the path and the value of each parameter.
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Array));

    /// Calls `f` with the path and the place of each parameter.
    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Array));

    /// Takes each parameter from the checkpoint; see [`Loader`].
    fn load(&mut self, weights: &Loader) -> Result<()>;

    /// All parameters by path.
    fn parameters(&self) -> BTreeMap<String, Array> {
        let mut found = BTreeMap::new();
        self.visit(&mut Path::default(), &mut |path, array| {
            found.insert(path.to_owned(), array.clone());
        });
        found
    }
}

/// The dotted path of a parameter while a module is walked.
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
}

impl Module for Array {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Array)) {
        f(&path.0, self);
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Array)) {
        f(&path.0, self);
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        *self = weights.take(self.shape()?)?;
        Ok(())
    }
}

/// An absent module has no parameters, and takes none.
impl<M: Module> Module for Option<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Array)) {
        self.iter().for_each(|module| module.visit(path, f));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Array)) {
        self.iter_mut().for_each(|module| module.visit_mut(path, f));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.iter_mut().try_for_each(|module| module.load(weights))
    }
}

/// Children are numbered from zero.
impl<M: Module> Module for Vec<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Array)) {
        for (i, module) in self.iter().enumerate() {
            path.enter(&i.to_string(), |path| module.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, &mut Array)) {
        for (i, module) in self.iter_mut().enumerate() {
            path.enter(&i.to_string(), |path| module.visit_mut(path, f));
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.iter_mut().enumerate().try_for_each(|(i, module)| module.load(&weights.at(i)))
    }
}

macro_rules! without_parameters {
    ($($ty:ty),*) => { $(
        impl Module for $ty {
            fn visit(&self, _path: &mut Path, _f: &mut dyn FnMut(&str, &Array)) {}
            fn visit_mut(&mut self, _path: &mut Path, _f: &mut dyn FnMut(&str, &mut Array)) {}
            fn load(&mut self, _weights: &Loader) -> Result<()> {
                Ok(())
            }
        }
    )* };
}

without_parameters!(bool, i32, i64, u32, u64, usize, f32, f64, String);
pub(crate) use without_parameters;
