//! Where a sequence stands, to continue from.

use super::{KvOptions, sequence::Sequence};
use crate::{Cache, Error, Result, models::LanguageModel};
use std::{collections::BTreeMap, path::Path};

/// What the tokens of a sequence have left behind, to continue from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The tokens that have passed.
    pub tokens: Vec<u32>,
    /// What the model kept of them.
    pub cache: Cache,
}

/// The key of the tokens, as JSON, among the metadata of a file.
const TOKENS: &str = "token_ids";

impl Snapshot {
    /// Stands for tokens that a file of Python's does not tell; prompts that go on from there repeat it.
    pub const UNKNOWN: u32 = u32::MAX;

    /// Writes a prompt cache that Python mlx-lm reads too; the tokens go into its metadata, beside `metadata`.
    ///
    /// # Errors
    /// As [`Cache::save`].
    pub fn save(&self, path: impl AsRef<Path>, metadata: &BTreeMap<String, String>) -> Result<()> {
        let mut metadata = metadata.clone();
        metadata.insert(TOKENS.into(), serde_json::json!(self.tokens).to_string());
        self.cache.save(path, &metadata)
    }

    /// Reads what [`Snapshot::save`] or Python mlx-lm wrote for `model`, and the metadata. Without tokens in the file,
    /// all are [`Snapshot::UNKNOWN`].
    ///
    /// # Errors
    /// As [`Cache::load`].
    pub fn load(
        path: impl AsRef<Path>,
        model: &dyn LanguageModel,
    ) -> Result<(Snapshot, BTreeMap<String, String>)> {
        let path = path.as_ref();
        let mut cache = KvOptions::default().new_cache(model)?;
        let mut metadata = cache.load(path)?;
        let passed = cache.offset().max() as usize;
        let tokens = match metadata.remove(TOKENS) {
            None => vec![Snapshot::UNKNOWN; passed],
            Some(text) => serde_json::from_str(&text).map_err(|error| Error::weights(path, error))?,
        };
        if tokens.len() != passed {
            let text = format!("it names {} tokens, but {passed} have passed", tokens.len());
            return Err(Error::weights(path, text));
        }
        Ok((Snapshot { tokens, cache }, metadata))
    }

    pub(super) fn of(sequence: &Sequence, cache: Cache) -> Snapshot {
        let passed = (cache.offset().max() as usize).min(sequence.history.len());
        Snapshot { tokens: sequence.history[..passed].to_vec(), cache }
    }

    /// The cache for a prompt that begins with these tokens, of which it leaves at least one to run.
    pub(super) fn for_prompt(mut self, prompt: &[u32]) -> Result<Cache> {
        let shared = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        if shared < self.tokens.len().min(prompt.len()) {
            let text = format!("the cache holds other tokens than the prompt from position {shared} on");
            return Err(Error::Invalid(text));
        }
        let spare = (self.tokens.len() + 1).saturating_sub(prompt.len());
        self.cache.trim(i32::try_from(spare).unwrap_or(i32::MAX))?;
        Ok(self.cache)
    }
}
