//! What the server is told at the start.

use super::KeepAlive;
use crate::{Error, Result, source::SourceOptions};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// What the server is told at the start. [`ServeOptions::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The address to listen on. Default: 127.0.0.1. Any that is not of this machine alone needs a key.
    pub host: IpAddr,
    /// The port. Default: 8080; 0 takes a free one.
    pub port: u16,
    /// Models to load at once and to keep, as [`resolve`](crate::source::resolve) names them; `NAME=MODEL` gives one
    /// another name. Default: none.
    pub models: Vec<String>,
    /// Further names of models, `NAME=MODEL`. Default: none.
    pub aliases: Vec<String>,
    /// Keys, one of which a request must bring. Default: none.
    pub api_keys: Vec<String>,
    /// Serve without a key on an address that others reach. Default: false.
    pub insecure_no_auth: bool,
    /// Names under which clients reach the server, beside those of this machine.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may use the server, beside those of this machine.
    pub allowed_origins: Vec<String>,
    /// Whether requests may download and delete models. Default: true on this machine alone, else false.
    pub manage_models: Option<bool>,
    /// How long a model stays after its last request. Default: 5 minutes.
    pub keep_alive: KeepAlive,
    /// The most sequences of one model that decode together. Default: 8.
    pub batch: usize,
    /// Requests that may wait for one model. Default: 64.
    pub queue: usize,
    /// Prompt tokens per evaluation. Default: 512.
    pub prefill_step: usize,
    /// The most tokens of prompt and answer; none is the model's own limit.
    pub context: Option<usize>,
    /// Bytes of each model's cache of prompts. Default: 1 GiB.
    pub prefix_cache: u64,
    /// Bytes that models may hold in all; none takes what the device recommends.
    pub memory_limit: Option<u64>,
    /// The longest body of a request, in bytes. Default: 32 MiB.
    pub max_body: usize,
    /// Connections at once. Default: 512.
    pub max_connections: usize,
    /// How long a request's body may take. Default: 30 s.
    pub body_timeout: Duration,
    /// How long a client may leave its answer unread. Default: 30 s.
    pub stall_timeout: Duration,
    /// How long a request may take in all. Default: an hour.
    pub request_timeout: Duration,
    /// How long running requests may go on after a signal to end. Default: 30 s.
    pub drain_timeout: Duration,
    /// How long loading a model may take. Default: 5 minutes.
    pub load_timeout: Duration,
    /// Where models are.
    pub source: SourceOptions,
    /// The program that is started in the runner's role: `mlx-lm`.
    pub program: PathBuf,
}

impl ServeOptions {
    /// The defaults, with models where `source` has them and `program` as the runner.
    pub fn new(source: SourceOptions, program: PathBuf) -> ServeOptions {
        ServeOptions {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            models: vec![],
            aliases: vec![],
            api_keys: vec![],
            insecure_no_auth: false,
            allowed_hosts: vec![],
            allowed_origins: vec![],
            manage_models: None,
            keep_alive: KeepAlive::For(Duration::from_secs(300)),
            batch: 8,
            queue: 64,
            prefill_step: 512,
            context: None,
            prefix_cache: 1 << 30,
            memory_limit: None,
            max_body: 32 << 20,
            max_connections: 512,
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(3600),
            drain_timeout: Duration::from_secs(30),
            load_timeout: Duration::from_secs(300),
            source,
            program,
        }
    }

    /// Fails for options that make no sense, or no safe server.
    ///
    /// # Errors
    /// [`Error::Invalid`] that says what to change.
    pub fn check(&self) -> Result<()> {
        let invalid = |message: String| Err(Error::Invalid(message));
        if !self.host.is_loopback() && self.api_keys.is_empty() && !self.insecure_no_auth {
            return invalid(format!(
                "{} can be reached from other machines: set --api-key or --api-key-file (or --insecure-no-auth, if \
                 something else keeps strangers out)",
                self.host
            ));
        }
        if self.api_keys.iter().any(|key| key.len() < 8 || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return invalid(
                "an API key must have at least 8 printable ASCII characters and no blanks".into(),
            );
        }
        if self.batch == 0 || self.batch > 256 {
            return invalid(format!("--batch is {}; it must be from 1 to 256", self.batch));
        }
        if self.prefill_step == 0 {
            return invalid("--prefill-step must be at least 1".into());
        }
        if self.context.is_some_and(|context| context < 2) {
            return invalid("--context must be at least 2".into());
        }
        Ok(())
    }

    /// Whether requests may download and delete models.
    pub(super) fn may_manage(&self) -> bool {
        self.manage_models.unwrap_or_else(|| self.host.is_loopback())
    }
}
