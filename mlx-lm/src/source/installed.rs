//! The models that are on this machine.

use super::{
    Location, SourceOptions, catalog,
    hub::Repo,
    hub_cache::{self, RepoCache},
    package,
};
use crate::{Error, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A model in one of the caches.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What to call it: `org/name`, `org/name/file.gguf`, or a short name of the catalogue.
    pub name: String,
    /// Where its files are.
    pub location: Location,
    /// Bytes of its files.
    pub bytes: u64,
    /// When the last of its files was written.
    pub modified: SystemTime,
}

/// The models in the caches, in the order of their names: complete ones only.
///
/// # Errors
/// [`Error::Io`] when a cache is there and cannot be read.
pub fn installed(options: &SourceOptions) -> Result<Vec<Installed>> {
    let mut found = vec![];
    for folder in entries(&options.hub_cache)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(id) = name.strip_prefix("models--").filter(|_| folder.is_dir()) {
            add_repository(&id.replace("--", "/"), options, &mut found)?;
        }
    }
    for (name, entry) in catalog::entries() {
        let cached = entry.package.as_ref().and_then(|package| package::cached(package, options));
        if let Some(location) = cached {
            found.push(Installed::new(name.to_owned(), location)?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn add_repository(id: &str, options: &SourceOptions, found: &mut Vec<Installed>) -> Result<()> {
    for snapshot in entries(&RepoCache::new(&options.hub_cache, id).snapshots())? {
        if hub_cache::is_complete(&snapshot) {
            found.push(Installed::new(id.to_owned(), Location::Folder(snapshot))?);
            continue;
        }
        for file in entries(&snapshot)? {
            let is_gguf = file.extension().is_some_and(|extension| extension == "gguf");
            if is_gguf && file.is_file() {
                let name = format!("{id}/{}", file.file_name().unwrap_or_default().to_string_lossy());
                found.push(Installed::new(name, Location::Gguf(file))?);
            }
        }
    }
    // Of several commits of a repository the one that its name means counts.
    let current = Repo::parse(id).and_then(|repo| super::hub::cached(&repo, options));
    if let Some(current) = current {
        found.retain(|model| model.name != id || model.location == current);
    }
    Ok(())
}

impl Installed {
    fn new(name: String, location: Location) -> Result<Installed> {
        let files = match &location {
            Location::Gguf(file) => vec![file.clone()],
            Location::Folder(folder) => entries(folder)?,
        };
        let (mut bytes, mut modified) = (0, SystemTime::UNIX_EPOCH);
        for file in files {
            // Links of the cache are followed to what they mean.
            let metadata = fs::metadata(&file).map_err(|e| Error::io(&file, e))?;
            if metadata.is_file() {
                bytes += metadata.len();
                modified = modified.max(metadata.modified().unwrap_or(modified));
            }
        }
        Ok(Installed { name, location, bytes, modified })
    }
}

/// What a folder holds, in order; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = match fs::read_dir(folder) {
        Ok(read) => read,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(e) => return Err(Error::io(folder, e)),
    };
    let mut paths = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(|e| Error::io(folder, e))?;
    paths.sort();
    Ok(paths)
}

/// Deletes the model called `name` from the caches: a short name, or `org/name` with all its versions and files. Gives the
/// bytes that became free.
///
/// # Errors
/// [`Error::ModelNotFound`] when no cache has it, [`Error::Invalid`] for a folder or file of the user's own or a part of a
/// repository, [`Error::Io`] when the files cannot be deleted.
pub fn remove(name: &str, options: &SourceOptions) -> Result<u64> {
    if super::local(Path::new(name)).is_some() {
        return Err(Error::Invalid(format!("{name} is in no cache; delete it yourself")));
    }
    let (mut folders, mut repo) = (vec![], name);
    if let Some((_, entry)) = catalog::find(name) {
        let package = entry.package.as_ref();
        let cached = package.and_then(|package| package::cached(package, options));
        folders.extend(cached.and_then(|location| location.path().parent().map(Path::to_owned)));
        repo = &entry.hub;
    }
    match Repo::parse(repo) {
        Some(parsed) if parsed.is_whole() => {
            let cache = RepoCache::new(&options.hub_cache, repo);
            folders.extend([cache.root().to_owned()].into_iter().filter(|root| root.is_dir()));
        }
        Some(_) => {
            let whole: Vec<&str> = repo.split(['/', '@']).take(2).collect();
            let whole = whole.join("/");
            return Err(Error::Invalid(format!("only the whole of a repository can be removed: {whole}")));
        }
        None => {}
    }
    if folders.is_empty() {
        let hint = "it is in no cache; `mlx-lm list` shows what is".to_owned();
        return Err(Error::ModelNotFound { name: name.into(), hint });
    }
    let mut bytes = 0;
    for folder in folders {
        bytes += size(&folder)?;
        fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    }
    Ok(bytes)
}

/// Bytes of all files below a folder, without following links.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for path in entries(folder)? {
        let metadata = fs::symlink_metadata(&path).map_err(|e| Error::io(&path, e))?;
        bytes += if metadata.is_dir() { size(&path)? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn options(home: &Path) -> SourceOptions {
        let home = home.to_owned();
        SourceOptions::from_variables(|name| (name == "HOME").then(|| home.clone().into())).unwrap()
    }

    /// A repository in the cache with these files.
    fn add(options: &SourceOptions, id: &str, commit: char, files: &[(&str, &str)]) {
        let cache = RepoCache::new(&options.hub_cache, id);
        let commit = commit.to_string().repeat(40);
        fs::create_dir_all(cache.blobs()).unwrap();
        fs::create_dir_all(cache.snapshot(&commit)).unwrap();
        for (name, text) in files {
            let blob = cache.blobs().join(format!("{commit}{name}"));
            fs::write(&blob, text).unwrap();
            symlink(&blob, cache.snapshot(&commit).join(name)).unwrap();
        }
        cache.remember("main", &commit).unwrap();
    }

    const WHOLE: &[(&str, &str)] =
        &[("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", "12345678")];

    #[test]
    fn complete_models_are_listed_and_removed() {
        let home = tempfile::tempdir().unwrap();
        let options = options(home.path());
        assert!(installed(&options).unwrap().is_empty());
        add(&options, "org/whole", 'a', WHOLE);
        add(&options, "org/whole", 'b', WHOLE);
        add(&options, "org/part", 'a', &WHOLE[..2]);
        add(&options, "org/files", 'a', &[("x-Q4_0.gguf", "GGUF"), ("README.md", "")]);
        let models = installed(&options).unwrap();
        let names: Vec<_> = models.iter().map(|model| (model.name.as_str(), model.bytes)).collect();
        assert_eq!(names, [("org/files/x-Q4_0.gguf", 4), ("org/whole", 12)]);
        assert!(models[1].location.path().ends_with("b".repeat(40)));

        let error = remove("org/files/x-Q4_0.gguf", &options).unwrap_err().to_string();
        assert!(error.ends_with("can be removed: org/files"), "{error}");
        assert!(remove("org/whole", &options).unwrap() > 24);
        assert!(matches!(remove("org/whole", &options), Err(Error::ModelNotFound { .. })));
        assert!(matches!(remove("llama3.2:1b", &options), Err(Error::ModelNotFound { .. })));
        assert!(matches!(remove("../org", &options), Err(Error::ModelNotFound { .. })));
        assert_eq!(installed(&options).unwrap().len(), 1);
    }
}
