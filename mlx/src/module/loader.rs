//! Strict checkpoint loading: each tensor is taken exactly once, with the shape the model expects.

use crate::{Array, Error, ErrorKind, Result, nn::Quantization};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt::Display,
    rc::Rc,
};

/// A cursor over the tensors of a checkpoint.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, Loader, Module, nn::RmsNorm, zeros};
/// let mut norm = RmsNorm::new(4, 1e-5);
/// let weights = Loader::new([("norm.weight".to_owned(), zeros(&[3], Dtype::F32))]);
/// let error = norm.load(&weights.at("norm")).unwrap_err();
/// assert_eq!(error.message(), "tensor `norm.weight` has the shape [3], the model expects [4]");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Loader {
    checkpoint: Rc<Checkpoint>,
    path: String,
}

struct Checkpoint {
    left: RefCell<BTreeMap<String, Array>>,
    quantization: RefCell<HashMap<String, Option<Quantization>>>,
}

impl Loader {
    /// A cursor at the root of `tensors`.
    pub fn new(tensors: impl IntoIterator<Item = (String, Array)>) -> Loader {
        Loader::with_quantization(tensors, [])
    }

    /// Like [`Loader::new`], with what the checkpoint says of single layers: how the layer at that path is quantized,
    /// or `None` that it is not. Layers it does not name are quantized if `.scales` stands beside `.weight`; how
    /// follows from the shapes.
    pub fn with_quantization(
        tensors: impl IntoIterator<Item = (String, Array)>,
        layers: impl IntoIterator<Item = (String, Option<Quantization>)>,
    ) -> Loader {
        let left = RefCell::new(tensors.into_iter().collect());
        let quantization = RefCell::new(layers.into_iter().collect());
        Loader { checkpoint: Rc::new(Checkpoint { left, quantization }), path: String::new() }
    }

    /// The cursor one segment further.
    pub fn at(&self, segment: impl Display) -> Loader {
        let path =
            if self.path.is_empty() { segment.to_string() } else { format!("{}.{segment}", self.path) };
        Loader { checkpoint: self.checkpoint.clone(), path }
    }

    /// The dotted path of the cursor.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the checkpoint says of the layer at the cursor; the outer `None` if it says nothing.
    pub fn quantization(&self) -> Option<Option<Quantization>> {
        self.checkpoint.quantization.borrow().get(&self.path).copied()
    }

    /// The tensor at the cursor, if it was not taken yet, left where it is.
    pub fn peek(&self) -> Option<Array> {
        self.checkpoint.left.borrow().get(&self.path).cloned()
    }

    /// Takes the tensor at the cursor, which must have `shape`.
    #[track_caller]
    pub fn take(&self, shape: &[i32]) -> Result<Array> {
        let found = self.checkpoint.left.borrow_mut().remove(&self.path);
        let Some(array) = found else {
            return Err(self.error(format!("tensor `{}` is missing", self.path)));
        };
        match array.shape()? {
            found if found == shape => Ok(array),
            found => Err(self.error(format!(
                "tensor `{}` has the shape {found:?}, the model expects {shape:?}",
                self.path
            ))),
        }
    }

    /// Drops the tensors `unwanted` names, which [`Loader::finish`] would complain about.
    pub fn ignore(&self, unwanted: impl Fn(&str) -> bool) {
        self.checkpoint.left.borrow_mut().retain(|path, _| !unwanted(path));
    }

    /// Gives the tensors, and the layers that the checkpoint says something of, the paths that the model has for them.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, Loader, zeros};
    /// let weights = Loader::new([("transformer.wte.weight".to_owned(), zeros(&[3, 4], Dtype::F32))]);
    /// weights.rename(|path| path.replace("transformer.wte", "model.embed_tokens"))?;
    /// assert!(weights.at("model.embed_tokens.weight").peek().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Two tensors get the same path.
    #[track_caller]
    pub fn rename(&self, new_path: impl Fn(&str) -> String) -> Result<()> {
        let mut quantization = self.checkpoint.quantization.borrow_mut();
        *quantization = quantization.drain().map(|(path, layer)| (new_path(&path), layer)).collect();
        let mut left = self.checkpoint.left.borrow_mut();
        let mut renamed = BTreeMap::new();
        for (path, array) in std::mem::take(&mut *left) {
            let new = new_path(&path);
            if renamed.contains_key(&new) {
                return Err(self.error(format!("tensor `{path}` is a second `{new}`")));
            }
            renamed.insert(new, array);
        }
        *left = renamed;
        Ok(())
    }

    /// Changes the tensors that are left, such as ones that another program has fused, split or transposed.
    #[track_caller]
    pub fn edit(&self, change: impl FnOnce(&mut BTreeMap<String, Array>) -> Result<()>) -> Result<()> {
        change(&mut self.checkpoint.left.borrow_mut())
    }

    /// Fails if tensors are left over: the model has no place for them.
    #[track_caller]
    pub fn finish(&self) -> Result<()> {
        const SHOWN: usize = 5;
        let left = self.checkpoint.left.borrow();
        if left.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = left.keys().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = if left.len() > SHOWN { ", …" } else { "" };
        Err(self.error(format!(
            "the model has no place for {} tensors: {}{more}",
            left.len(),
            names.join(", ")
        )))
    }

    /// An error of kind [`ErrorKind::Weights`].
    #[track_caller]
    pub fn error(&self, message: String) -> Error {
        Error::new(ErrorKind::Weights, "load", message)
    }
}
