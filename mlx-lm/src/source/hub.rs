//! Models from the Hugging Face hub.

use std::collections::BTreeSet;
use std::path::Path;

use super::download::{self, Fetch};
use super::hub_cache::{self, RepoCache};
use super::hub_client::{Client, Failure, ListedFile, Listing};
use super::options::SourceOptions;
use super::progress::Progress;
use super::store::{self, Checksum, Expected};
use super::{Location, catalog};
use crate::tokenizer::is_vocabulary;
use crate::weights;
use crate::{Error, Result};

/// What of a repository is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repo {
    /// `org/name`.
    id: String,
    /// Branch, tag or commit.
    revision: String,
    /// A single GGUF file, instead of the model's folder.
    gguf: Option<String>,
}

impl Repo {
    /// Reads `org/name`, `org/name/path/file.gguf`, and either with `@revision`.
    ///
    /// Every part later becomes part of a path, so none may lead out of its folder.
    pub(super) fn parse(name: &str) -> Option<Repo> {
        let (path, revision) = name.split_once('@').unwrap_or((name, "main"));
        let parts: Vec<&str> = path.split('/').collect();
        let (id, file) = parts.split_at_checked(2)?;
        let gguf = (!file.is_empty()).then(|| file.join("/"));
        let valid = id.iter().chain(file).all(|part| is_plain(part))
            && revision.split('/').all(is_plain)
            && gguf.as_ref().is_none_or(|file| file.ends_with(".gguf"));
        valid.then(|| Repo { id: id.join("/"), revision: revision.into(), gguf })
    }

    /// Whether this is all of a repository, at its default revision.
    pub(super) fn is_whole(&self) -> bool {
        self.gguf.is_none() && self.revision == "main"
    }

    fn failed(&self, failure: Failure) -> Error {
        let Repo { id, revision, .. } = self;
        let what = if revision == "main" { id.clone() } else { format!("{id}@{revision}") };
        if failure.not_found {
            let near = catalog::nearest(id.rsplit('/').next().unwrap_or(id)).join(", ");
            let near = if near.is_empty() { near } else { format!("; short names like it: {near}") };
            return Error::ModelNotFound { name: what, hint: failure.message + &near };
        }
        Error::Download { what, message: failure.message }
    }
}

/// Whether a text is safe as a component of a path: it starts with a letter, a digit or `_`, and has no separator.
fn is_plain(part: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    part.len() <= 128
        && part.bytes().next().is_some_and(word)
        && part.bytes().all(|byte| word(byte) || matches!(byte, b'-' | b'.'))
        && !part.contains("..")
}

/// The model, if all of it is in the cache.
pub(super) fn cached(repo: &Repo, options: &SourceOptions) -> Option<Location> {
    let snapshot = RepoCache::new(&options.hub_cache, &repo.id).find(&repo.revision)?;
    match &repo.gguf {
        Some(file) => Some(snapshot.join(file)).filter(|path| path.is_file()).map(Location::Gguf),
        None => hub_cache::is_complete(&snapshot).then_some(Location::Folder(snapshot)),
    }
}

/// Downloads what the cache lacks of the model.
pub(super) fn fetch(repo: &Repo, options: &SourceOptions) -> Result<Location> {
    let client = Client::new(options)?;
    let listing = client.list(&repo.id, &repo.revision).map_err(|failure| repo.failed(failure))?;
    let commit = &listing.sha;
    let files = wanted(repo, &listing).map_err(|message| repo.failed(Failure::lasting(message)))?;

    let cache = RepoCache::new(&options.hub_cache, &repo.id);
    let total = files.iter().map(|file| file.expected.bytes).sum();
    let lacking = files.iter().map(|file| download::lacking(&cache.blobs(), file)).sum();
    store::reserve(&cache.blobs(), lacking)?;

    let progress = Progress::bytes(total, options.progress).watched(options.observer.as_ref(), total);
    let mut done = 0;
    for (i, file) in files.iter().enumerate() {
        progress.label(format!("{} ({}/{})", file.name, i + 1, files.len()));
        let fetch = Fetch { client: &client, repo: &repo.id, commit, file, done, progress: &progress };
        fetch.run(&cache)?;
        cache.link(commit, &file.name, file.etag())?;
        done += file.expected.bytes;
    }
    cache.remember(&repo.revision, commit)?;

    let snapshot = cache.snapshot(commit);
    Ok(match &repo.gguf {
        Some(file) => Location::Gguf(snapshot.join(file)),
        None => Location::Folder(snapshot),
    })
}

/// A file to download.
#[derive(Debug)]
pub(super) struct RemoteFile {
    pub(super) name: String,
    pub(super) expected: Expected,
}

impl RemoteFile {
    fn new(file: &ListedFile) -> Result<Self, String> {
        let ListedFile { name, size, blob_id, lfs } = file;
        let (bytes, checksum) = match (lfs, size, blob_id) {
            (Some(lfs), ..) => (lfs.size, Checksum::Sha256(lfs.sha256.clone())),
            (None, Some(size), Some(id)) => (*size, Checksum::GitBlob(id.clone())),
            _ => {
                return Err(format!(
                    "the server gives no size and checksum for {name}; use another HF_ENDPOINT"
                ));
            }
        };
        let file = RemoteFile { name: name.clone(), expected: Expected { bytes, checksum } };
        // The checksum names a file in the cache.
        if hub_cache::is_hex(file.etag()) {
            Ok(file)
        } else {
            Err(format!("the server gives no checksum for {name}"))
        }
    }

    /// The name of its blob in the cache.
    pub(super) fn etag(&self) -> &str {
        let (Checksum::Sha256(etag) | Checksum::GitBlob(etag)) = &self.expected.checksum;
        etag
    }
}

/// Picks the files that make up the model; `config.json` comes last, as the sign that all are there.
fn wanted(repo: &Repo, listing: &Listing) -> Result<Vec<RemoteFile>, String> {
    if !hub_cache::is_commit(&listing.sha) {
        return Err(format!("the server gives `{}` as the commit", listing.sha));
    }
    if let Some(name) = &repo.gguf {
        let file = listing.files.iter().find(|file| file.name == *name);
        let file = file.ok_or_else(|| format!("it has no {name}; {}", ggufs(repo, listing)))?;
        return Ok(vec![RemoteFile::new(file)?]);
    }
    if !listing.files.iter().any(|file| weights::is_weight_name(&file.name)) {
        return Err(format!("it has no model*.safetensors; {}", ggufs(repo, listing)));
    }
    if !listing.files.iter().any(|file| file.name == "config.json") {
        return Err("it has no config.json".into());
    }
    let mut files: Vec<_> = listing.files.iter().filter(|file| is_part_of_model(&file.name)).collect();
    files.sort_by_key(|file| (file.name == "config.json", weights::is_weight_name(&file.name), &file.name));
    files.dedup_by_key(|file| &file.name);
    files.into_iter().map(RemoteFile::new).collect()
}

/// Whether a file of a repository belongs to the model. Python code never does.
fn is_part_of_model(name: &str) -> bool {
    let Some((folder, file)) = name.rsplit_once('/') else {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        return !name.starts_with('.')
            && !name.contains('\\')
            && matches!(extension, Some("json" | "tiktoken" | "txt" | "jinja"))
            || is_vocabulary(name)
            || weights::is_weight_name(name);
    };
    let is_template = folder == "additional_chat_templates" && is_plain(file) && file.ends_with(".jinja");
    // How sentence-transformers makes one vector of a text.
    is_template || folder.ends_with("_Pooling") && is_plain(folder) && file == "config.json"
}

/// The GGUF files there are, and how to ask for one.
fn ggufs(repo: &Repo, listing: &Listing) -> String {
    let names: BTreeSet<&str> =
        listing.files.iter().map(|file| file.name.as_str()).filter(|name| name.ends_with(".gguf")).collect();
    match names.first() {
        None => "nor a GGUF file".into(),
        Some(first) => {
            let all: Vec<&str> = names.iter().copied().collect();
            format!("it has {}; name the one to use, such as {}/{first}", all.join(", "), repo.id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (name, id, revision, gguf) in [
            ("org/name", "org/name", "main", None),
            ("org/name@v1.0", "org/name", "v1.0", None),
            ("org/name@refs/pr/1", "org/name", "refs/pr/1", None),
            (&format!("org/na.me_-x@{commit}"), "org/na.me_-x", commit, None),
            ("org/name/a/b-Q4_0.gguf@x", "org/name", "x", Some("a/b-Q4_0.gguf".to_owned())),
        ] {
            let expected = Repo { id: id.into(), revision: revision.into(), gguf };
            assert_eq!(Repo::parse(name), Some(expected), "{name}");
        }
        for name in [
            "",
            "name",
            "/org/name",
            "../etc/x",
            "org/..",
            "org/name/",
            "org/name@",
            "org/name@../x",
            "org/name@a//b",
            "org/name/file.txt",
            "org/name/../x.gguf",
            "org\\name/x",
            "org/na me",
            "org/na\0me",
            "C:/name",
            "org/%2e%2e",
        ] {
            assert_eq!(Repo::parse(name), None, "{name}");
        }
    }

    #[test]
    fn parts_of_a_model() {
        for name in [
            "config.json",
            "tokenizer.model",
            "model.safetensors",
            "model-00001-of-00002.safetensors",
            "merges.txt",
            "tiktoken.model",
            "spiece.model",
            "qwen.tiktoken",
            "chat_template.jinja",
            "additional_chat_templates/rag.jinja",
            "1_Pooling/config.json",
        ] {
            assert!(is_part_of_model(name), "{name}");
        }
        for name in [
            "modeling.py",
            ".hidden.json",
            "onnx/config.json",
            "../config.json",
            "/config.json",
            "..\\config.json",
            "additional_chat_templates/../x.jinja",
            "consolidated.safetensors",
            "pytorch_model.bin",
            "model.gguf",
            "README.md",
        ] {
            assert!(!is_part_of_model(name), "{name}");
        }
    }
}
