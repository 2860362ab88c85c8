//! Models on this machine: those the server was started with, and those of the local store. Nothing is fetched.

use super::names::canonical;
use crate::{
    serve::failure::Failure,
    source::{Location, SourceOptions, installed, remove, stored},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// The models of this machine.
pub(in crate::serve) struct Local {
    pub(in crate::serve) source: SourceOptions,
    /// Models that the server was started with, by the name that requests use.
    named: BTreeMap<String, Location>,
    /// Further names of models.
    aliases: Mutex<BTreeMap<String, String>>,
}

/// A model on this machine.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Stored {
    pub(in crate::serve) name: String,
    pub(in crate::serve) location: Location,
}

impl Stored {
    /// When its files were written.
    pub(in crate::serve) fn modified(&self) -> SystemTime {
        let written = std::fs::metadata(self.location.path()).and_then(|meta| meta.modified());
        written.unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub(in crate::serve) fn bytes(&self) -> u64 {
        super::memory::file_bytes(&self.location)
    }
}

impl Local {
    pub(in crate::serve) fn new(
        source: SourceOptions,
        named: BTreeMap<String, Location>,
        aliases: BTreeMap<String, String>,
    ) -> Local {
        Local { source, named, aliases: Mutex::new(aliases) }
    }

    /// The one name of the model that a request calls `name`.
    pub(in crate::serve) fn name(&self, name: &str) -> Result<String, Failure> {
        if self.named.contains_key(name) {
            return Ok(name.to_owned());
        }
        let name = canonical(name)?;
        Ok(self.aliases().get(&name).cloned().unwrap_or(name))
    }

    fn aliases(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.aliases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a model a further name, until the server ends.
    pub(in crate::serve) fn copy(&self, model: &str, name: &str) -> Result<(), Failure> {
        let model = self.name(model)?;
        self.find(&model).ok_or_else(|| Failure::model_not_found(&model))?;
        let name = canonical(name)?;
        if self.find(&name).is_some() {
            return Err(Failure::invalid("destination", format!("there is a model `{name}` already")));
        }
        self.aliases().insert(name, model);
        Ok(())
    }

    /// Takes a further name back; says whether there was one.
    pub(super) fn forget(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.aliases().remove(&canonical(name)?).is_some())
    }

    /// The names of the models that the server was started with.
    pub(in crate::serve) fn pinned(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    pub(super) fn is_pinned(&self, name: &str) -> bool {
        self.named.contains_key(name)
    }

    /// The model with this canonical name.
    pub(in crate::serve) fn find(&self, name: &str) -> Option<Stored> {
        let location = self.named.get(name).cloned().or_else(|| stored(name, &self.source))?;
        Some(Stored { name: name.to_owned(), location })
    }

    /// Deletes a model's files.
    pub(super) fn delete(&self, stored: &Stored) -> Result<(), Failure> {
        remove(&stored.name, &self.source).map(drop).map_err(|error| Failure::from(&error))
    }

    /// All models, in alphabetic order.
    pub(in crate::serve) fn all(&self) -> Result<Vec<Stored>, Failure> {
        let here = installed(&self.source).map_err(|error| Failure::from(&error))?;
        let here = here.into_iter().map(|model| Stored { name: model.name, location: model.location });
        let mut models: Vec<Stored> = self
            .named
            .iter()
            .map(|(name, location)| Stored { name: name.clone(), location: location.clone() })
            .collect();
        models.extend(here.filter(|model| !self.named.contains_key(&model.name)));
        models.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(models)
    }
}
