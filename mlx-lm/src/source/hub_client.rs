//! Requests to the Hugging Face hub.
//!
//! Written over `ureq`, because no version of the `hf-hub` crate fits: up to 0.5 it needs a second HTTP client or
//! OpenSSL, does not verify what it gets and knows neither `HF_TOKEN` nor `HF_HUB_OFFLINE`; 1.0 brings an asynchronous
//! runtime and leaves the environment to its user.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{self, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::options::{SourceOptions, Token};
use crate::{Error, Result};

const MAX_REDIRECTS: usize = 10;
/// More than the listing of any repository.
const MAX_LISTING: u64 = 64 << 20;

/// A client of one hub.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<Token>,
}

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The reason and what to do.
    pub(super) message: String,
    /// Whether another attempt may succeed.
    pub(super) transient: bool,
    /// Whether the hub said that there is no such thing.
    pub(super) not_found: bool,
}

/// The files of one commit of a repository.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// The commit.
    pub(super) sha: String,
    #[serde(rename = "siblings")]
    pub(super) files: Vec<ListedFile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedFile {
    #[serde(rename = "rfilename")]
    pub(super) name: String,
    pub(super) size: Option<u64>,
    #[serde(rename = "blobId")]
    pub(super) blob_id: Option<String>,
    pub(super) lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LargeFile {
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Client {
    /// # Errors
    /// When the file of root certificates cannot be used.
    pub(super) fn new(options: &SourceOptions) -> Result<Self> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed by `get`, which knows where the token may go.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("identity")
            .user_agent(concat!("mlx-lm/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(options.timeout))
            .timeout_connect(Some(options.timeout))
            .timeout_recv_response(Some(options.timeout.max(Duration::from_secs(30))))
            .timeout_per_read(Some(options.timeout))
            .tls_config(TlsConfig::builder().root_certs(root_certificates(options)?).build())
            .build();
        let SourceOptions { endpoint, token, .. } = options.clone();
        Ok(Client { agent: config.into(), endpoint, token })
    }

    /// The files of `repo` at `revision`, with their sizes and checksums.
    pub(super) fn list(&self, repo: &str, revision: &str) -> Result<Listing, Failure> {
        let url = format!("{}/api/models/{repo}/revision/{}?blobs=true", self.endpoint, encode(revision, ""));
        let mut body = self.get(repo, &url, 0)?.into_body();
        let text = body.with_config().limit(MAX_LISTING).read_to_vec().map_err(|e| self.unreachable(&e))?;
        serde_json::from_slice(&text)
            .map_err(|e| Failure::lasting(format!("{url} sent no list of files: {e}")))
    }

    /// The bytes of `file` from `start` on, or from 0 when the server does not do ranges: see the answer's status.
    pub(super) fn file(
        &self,
        repo: &str,
        commit: &str,
        file: &str,
        start: u64,
    ) -> Result<Response<Body>, Failure> {
        let url = format!("{}/{repo}/resolve/{commit}/{}", self.endpoint, encode(file, "/"));
        self.get(repo, &url, start)
    }

    fn get(&self, repo: &str, url: &str, start: u64) -> Result<Response<Body>, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.agent.get(&url);
            if let Some(token) = self.token.as_ref().filter(|_| same_origin(&url, &self.endpoint)) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
            }
            if start > 0 {
                request = request.header(header::RANGE, format!("bytes={start}-"));
            }
            let response = request.call().map_err(|e| self.unreachable(&e))?;
            let status = response.status();
            if status.is_redirection() {
                url = redirect(&url, response.headers())?;
            } else if status.is_success() || (start > 0 && status == StatusCode::RANGE_NOT_SATISFIABLE) {
                return Ok(response);
            } else {
                return Err(self.refused(repo, status, response.headers()));
            }
        }
        Err(Failure::lasting(format!("{url}: more than {MAX_REDIRECTS} redirects")))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let message = format!(
            "cannot reach {}: {error}; check the network, set HF_ENDPOINT to a mirror, or give the path of a local \
             folder or GGUF file",
            self.endpoint
        );
        Failure { message, transient: true, not_found: false }
    }

    /// What the hub means by a status that is no success.
    fn refused(&self, repo: &str, status: StatusCode, headers: &HeaderMap) -> Failure {
        let code = headers.get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
        let page = format!("{}/{repo}", self.endpoint);
        let message = match (status.as_u16(), code) {
            (401 | 403, "GatedRepo") if self.token.is_some() => {
                format!("access is restricted and your token has none; accept the terms at {page}")
            }
            (401 | 403, "GatedRepo") => {
                format!("access is restricted; accept the terms at {page}, then set HF_TOKEN to your token")
            }
            (401, _) | (404, "RepoNotFound") if self.token.is_none() => {
                "there is no such repository, or it is private; check the name, or set HF_TOKEN to your token"
                    .into()
            }
            (401, _) => "the token is not valid; check HF_TOKEN".into(),
            (403, _) => format!("the token may not read it; see {page}"),
            (404, "RepoNotFound") => {
                "there is no such repository that your token may see; check the name".into()
            }
            (404, "RevisionNotFound") => format!("there is no such revision; see {page}"),
            (404, _) => format!("there is no such repository, revision or file; see {page}"),
            (429, _) => "the hub is answering too many requests from here; wait, or set HF_TOKEN".into(),
            _ => format!("the hub answered {status}; try again later"),
        };
        let transient = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let not_found = matches!((status.as_u16(), code), (401, "RepoNotFound") | (404, _));
        Failure { message, transient, not_found }
    }
}

impl Failure {
    pub(super) fn lasting(message: String) -> Self {
        Failure { message, transient: false, not_found: false }
    }
}

fn root_certificates(options: &SourceOptions) -> Result<RootCerts> {
    let Some(path) = &options.root_certificates else { return Ok(RootCerts::WebPki) };
    let text = fs::read(path).map_err(|e| Error::io(path, e))?;
    let certificates: Vec<_> = tls::parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(e) => Some(Err(e)),
        })
        .collect::<Result<_, _>>()
        .map_err(|e| Error::config(path, format!("not a PEM file of certificates: {e}")))?;
    if certificates.is_empty() {
        return Err(Error::config(path, "holds no PEM certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// Where a redirect leads. From https it may not lead back to http.
fn redirect(from: &str, headers: &HeaderMap) -> Result<String, Failure> {
    let invalid = || Failure::lasting(format!("{from} redirects to nowhere"));
    let to = headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).ok_or_else(invalid)?;
    if from.starts_with("https://") && to.starts_with("http://") {
        return Err(Failure::lasting(format!("{from} redirects to {to}, which is not encrypted")));
    }
    if to.starts_with("https://") || to.starts_with("http://") {
        return Ok(to.into());
    }
    let (scheme, authority) = origin(from).ok_or_else(invalid)?;
    if to.starts_with('/') && !to.starts_with("//") {
        return Ok(format!("{scheme}://{authority}{to}"));
    }
    Err(invalid())
}

/// Scheme, host and port: what may see the same secrets.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.authority()?.as_str().to_ascii_lowercase()))
}

fn same_origin(a: &str, b: &str) -> bool {
    origin(a).is_some_and(|a| Some(a) == origin(b))
}

/// Percent-encodes what may not stand in a path, except `keep`.
fn encode(text: &str, keep: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        let char = char::from(byte);
        if char.is_ascii_alphanumeric() || "-._~".contains(char) || keep.contains(char) {
            url.push(char);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects() {
        let from = "https://hub.example/org/name/resolve/main/a?x=1";
        for (location, expected) in [
            ("https://cdn.example/blob?sig=1", Some("https://cdn.example/blob?sig=1")),
            ("/api/resolve-cache/a", Some("https://hub.example/api/resolve-cache/a")),
            ("http://cdn.example/blob", None),
            ("//cdn.example/blob", None),
            ("file:///etc/passwd", None),
        ] {
            let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
            assert_eq!(redirect(from, &headers).ok().as_deref(), expected, "{location}");
        }
        assert!(redirect(from, &HeaderMap::new()).is_err());
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        for (other, same) in [
            ("https://hub.example/other", true),
            ("https://HUB.example/", true),
            ("http://hub.example/", false),
            ("https://hub.example:8443/", false),
            ("https://hub.example.evil.example/", false),
            ("https://hub.example@evil.example/", false),
            ("not a url", false),
        ] {
            assert_eq!(same_origin("https://hub.example", other), same, "{other}");
        }
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(encode("refs/pr/1", ""), "refs%2Fpr%2F1");
        assert_eq!(encode("a b/ü#?.json", "/"), "a%20b/%C3%BC%23%3F.json");
    }
}
