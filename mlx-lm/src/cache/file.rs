//! Caches as files, in the format of Python mlx-lm's prompt caches.
//!
//! A safetensors file: the arrays of layer `i` are called `i.j`, nested ones `i.j.k`, by their place in the state of a
//! Python class. What is no array in Python is one here, and the metadata say so: `0.<key>` is the user's own, `1.<i>` the
//! class of layer `i`, and `2.<n>.0`, `2.<n>.1` the name of the `n`th of these and its kind.

use super::{Cache, LayerCache, State};
use crate::{Error, Result};
use mlx::{Array, Dtype};
use std::{collections::BTreeMap, path::Path};

/// The state of a Python class.
pub(super) enum Value {
    Array(Array),
    Integer(i32),
    Text(String),
    None,
    List(Vec<Value>),
}

impl From<Option<Array>> for Value {
    fn from(array: Option<Array>) -> Value {
        array.map_or(Value::None, Value::Array)
    }
}

/// The user's metadata where the number of tokens stands: states of recurrences do not say it.
const PASSED: &str = "tokens";

impl Cache {
    /// Writes the cache, of one row, to `path`, a `.safetensors` file that Python mlx-lm reads as a prompt cache, with
    /// `metadata` of the caller's own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for several rows, and for windows of quantized keys and values, which Python does not have;
    /// [`Error::Mlx`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>, metadata: &BTreeMap<String, String>) -> Result<()> {
        let mut file = Writer::default();
        let passed = self.offset().max().to_string();
        for (key, value) in metadata.iter().map(|(k, v)| (k.as_str(), v)).chain([(PASSED, &passed)]) {
            file.metadata.insert(format!("0.{key}"), value.clone());
        }
        // Python has no entry for a layer that keeps nothing.
        let layers = self.0.iter().filter(|layer| !matches!(layer, LayerCache::Nothing));
        for (i, layer) in layers.enumerate() {
            let (class, state) = layer.state_of_python()?;
            file.metadata.insert(format!("1.{i}"), class.into());
            file.put(i.to_string(), state);
        }
        file.metadata.insert("2.0".into(), String::new());
        let metadata: Vec<(&str, &str)> =
            file.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let arrays = file.arrays.iter().map(|(name, array)| (name.as_str(), array));
        Ok(mlx::io::save_safetensors(path, arrays, &metadata)?)
    }

    /// Reads what [`Cache::save`] or Python mlx-lm has written into this cache, which is a new one of the same model, and
    /// gives the metadata that the writer added.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the file, for one that is not a prompt cache, or one of another model.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<BTreeMap<String, String>> {
        let path = path.as_ref();
        let (arrays, metadata) = mlx::io::load_safetensors_with_metadata(path)?;
        let file = Reader { arrays, metadata };
        self.fill(&file).map_err(|error| Error::weights(path, error))
    }

    fn fill(&mut self, file: &Reader) -> Result<BTreeMap<String, String>> {
        let mut layers: Vec<&mut LayerCache> =
            self.0.iter_mut().filter(|layer| !matches!(layer, LayerCache::Nothing)).collect();
        let classes = (0..).map_while(|i| file.metadata.get(&format!("1.{i}"))).collect::<Vec<_>>();
        if classes.len() != layers.len() {
            let (found, wanted) = (classes.len(), layers.len());
            return Err(Error::Invalid(format!("the prompt cache has {found} layers, the model {wanted}")));
        }
        for (i, (layer, class)) in layers.iter_mut().zip(classes).enumerate() {
            layer.restore(file, &i.to_string(), class)?;
        }
        let own = file
            .metadata
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix("0.")?.to_owned(), value.clone())));
        let mut own: BTreeMap<String, String> = own.collect();
        let stated = own.remove(PASSED).and_then(|passed| passed.parse().ok());
        let passed = self.offset().max().max(stated.unwrap_or(0));
        self.0.iter_mut().for_each(|layer| layer.set_passed(passed));
        Ok(own)
    }
}

impl LayerCache {
    /// The Python class, and its state.
    fn state_of_python(&self) -> Result<(&'static str, Value)> {
        match self {
            LayerCache::Attention(cache) => cache.state_of_python(),
            LayerCache::State(state) => {
                let arrays = state.values().iter().cloned().map(Value::from).collect();
                Ok(("ArraysCache", Value::List(vec![Value::List(arrays), Value::None, Value::None])))
            }
            LayerCache::List(parts) => {
                let part = |part: &LayerCache| {
                    let (class, state) = part.state_of_python()?;
                    Ok(Value::List(vec![state, Value::Text(class.into())]))
                };
                Ok(("CacheList", Value::List(parts.iter().map(part).collect::<Result<_>>()?)))
            }
            LayerCache::Nothing => Ok(("_BaseCache", Value::List(vec![]))),
        }
    }

    fn restore(&mut self, file: &Reader, path: &str, class: &str) -> Result<()> {
        match self {
            LayerCache::Attention(cache) => cache.restore(file, path, class),
            LayerCache::State(state) if class == "ArraysCache" => {
                *state = State::of(file.list(&format!("{path}.0")));
                Ok(())
            }
            LayerCache::List(parts) if class == "CacheList" => {
                for (i, part) in parts.iter_mut().enumerate() {
                    let class = file.text(&format!("{path}.{i}.1"))?;
                    part.restore(file, &format!("{path}.{i}.0"), &class)?;
                }
                Ok(())
            }
            _ => Err(Error::Invalid(format!("layer {path} of the model is no {class}"))),
        }
    }

    /// Tells states of recurrences how many tokens have passed.
    fn set_passed(&mut self, passed: i32) {
        match self {
            LayerCache::State(state) if state.arrays().next().is_some() => state.advance(passed),
            LayerCache::List(parts) => parts.iter_mut().for_each(|part| part.set_passed(passed)),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Writer {
    arrays: BTreeMap<String, Array>,
    metadata: BTreeMap<String, String>,
    others: usize,
}

impl Writer {
    fn put(&mut self, path: String, value: Value) {
        let (array, kind) = match value {
            Value::List(values) => {
                let names = (0..).map(|i| format!("{path}.{i}"));
                return names.zip(values).for_each(|(name, value)| self.put(name, value));
            }
            Value::Array(array) => {
                self.arrays.insert(path, array);
                return;
            }
            Value::Integer(value) => (Array::scalar(value), "scalar"),
            Value::Text(text) => {
                let codes: Vec<i32> = text.chars().map(|c| c as i32).collect();
                (Array::from_slice(&codes, &[codes.len() as i32]), "string")
            }
            Value::None => (mlx::zeros(&[0], Dtype::F32), "none"),
        };
        self.others += 1;
        self.metadata.insert(format!("2.{}.0", self.others), path.clone());
        self.metadata.insert(format!("2.{}.1", self.others), kind.into());
        self.arrays.insert(path, array);
    }
}

/// A file that has been read.
pub(super) struct Reader {
    arrays: BTreeMap<String, Array>,
    metadata: BTreeMap<String, String>,
}

impl Reader {
    /// The array called `path`; `None` where Python had none.
    pub(super) fn array(&self, path: &str) -> Option<Array> {
        // No array of a state is empty; what stands for none is.
        self.arrays.get(path).filter(|array| array.size().is_ok_and(|size| size > 0)).cloned()
    }

    pub(super) fn integer(&self, path: &str) -> Result<i32> {
        let missing = || Error::Invalid(format!("`{path}` is missing or no number"));
        let array = self.arrays.get(path).ok_or_else(missing)?;
        if array.size()? != 1 {
            return Err(missing());
        }
        Ok(array.astype(Dtype::I32)?.item::<i32>()?)
    }

    fn text(&self, path: &str) -> Result<String> {
        let missing = || Error::Invalid(format!("`{path}` is missing or no text"));
        let array = self.arrays.get(path).ok_or_else(missing)?;
        let codes = array.astype(Dtype::U32)?.to_vec::<u32>()?;
        codes.into_iter().map(char::from_u32).collect::<Option<String>>().ok_or_else(missing)
    }

    fn list(&self, path: &str) -> Vec<Option<Array>> {
        let names = (0..).map(|i| format!("{path}.{i}"));
        names.take_while(|name| self.arrays.contains_key(name)).map(|name| self.array(&name)).collect()
    }
}
