//! `mlx-lm serve`, and the role of the processes it starts.

use clap::Args;
use mlx_lm::{
    Error, Result,
    serve::{KeepAlive, ServeOptions, serve},
    source::SourceOptions,
};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// The arguments of `serve`.
#[derive(Args)]
#[command(after_help = "Examples:
  mlx-lm serve                                   serve every model of this machine, loaded when asked for
  mlx-lm serve --model smollm2:135m --port 11434
  mlx-lm serve --host 0.0.0.0 --api-key-file ~/.mlx-lm-keys --model big=./my-model")]
pub(crate) struct Arguments {
    /// Load this model now and keep it; NAME=MODEL gives it another name; may be given more than once
    #[arg(long, short, value_name = "MODEL", env = "MLX_LM_MODEL", value_delimiter = ',')]
    model: Vec<String>,
    /// A further name of a model; may be given more than once
    #[arg(long, value_name = "NAME=MODEL", env = "MLX_LM_ALIAS", value_delimiter = ',')]
    alias: Vec<String>,
    /// The address to listen on; one that others reach needs a key
    #[arg(long, env = "MLX_LM_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port; 0 takes a free one
    #[arg(long, short, env = "MLX_LM_PORT", default_value_t = 8080)]
    port: u16,
    /// A key that requests must bring; may be given more than once
    #[arg(long, value_name = "KEY", env = "MLX_LM_API_KEY", hide_env_values = true, value_delimiter = ',')]
    api_key: Vec<String>,
    /// A file with one key a line, which only its owner may read
    #[arg(long, value_name = "FILE", env = "MLX_LM_API_KEY_FILE")]
    api_key_file: Option<PathBuf>,
    /// Serve strangers without a key
    #[arg(long)]
    insecure_no_auth: bool,
    /// A name under which clients reach the server; may be given more than once
    #[arg(long, value_name = "NAME", env = "MLX_LM_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// An origin whose pages may use the server; may be given more than once
    #[arg(long, value_name = "ORIGIN", env = "MLX_LM_ALLOW_ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// Whether requests may fetch and delete models [default: true on a loopback address, else false]
    #[arg(long, env = "MLX_LM_MANAGE_MODELS", value_name = "BOOL")]
    manage_models: Option<bool>,
    /// How long a model stays loaded after its last request: 5m, 1h, 0, or -1 for ever
    #[arg(long, env = "MLX_LM_KEEP_ALIVE", default_value = "5m", allow_hyphen_values = true)]
    keep_alive: KeepAlive,
    /// The most answers of one model that are generated together
    #[arg(long, env = "MLX_LM_BATCH", default_value_t = 8)]
    batch: usize,
    /// Requests that may wait for one model; more are refused
    #[arg(long, env = "MLX_LM_QUEUE", default_value_t = 64)]
    queue: usize,
    /// Prompt tokens per evaluation: less lets others' answers flow more evenly, more reads prompts faster
    #[arg(long, env = "MLX_LM_PREFILL_STEP", default_value_t = 512)]
    prefill_step: usize,
    /// The most tokens of prompt and answer [default: the model's own]
    #[arg(long, env = "MLX_LM_CONTEXT")]
    context: Option<usize>,
    /// MiB of each model's cache of prompts
    #[arg(long, value_name = "MIB", env = "MLX_LM_PREFIX_CACHE", default_value_t = 1024)]
    prefix_cache: u64,
    /// MiB that models may hold in all [default: what the device recommends]
    #[arg(long, value_name = "MIB", env = "MLX_LM_MEMORY_LIMIT")]
    memory_limit: Option<u64>,
    /// MiB that the body of a request may have
    #[arg(long, value_name = "MIB", env = "MLX_LM_MAX_BODY", default_value_t = 32)]
    max_body: usize,
    /// Seconds that the body of a request may take
    #[arg(long, value_name = "SECONDS", env = "MLX_LM_BODY_TIMEOUT", default_value_t = 30)]
    body_timeout: u64,
    /// Seconds that a request may take
    #[arg(long, value_name = "SECONDS", env = "MLX_LM_REQUEST_TIMEOUT", default_value_t = 3600)]
    request_timeout: u64,
    /// Seconds that running requests get after a signal to end
    #[arg(long, value_name = "SECONDS", env = "MLX_LM_DRAIN_TIMEOUT", default_value_t = 30)]
    drain_timeout: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    start_log();
    let mut keys = arguments.api_key;
    if let Some(file) = &arguments.api_key_file {
        keys.extend(read_keys(file).unwrap_or_else(|error| wrong_usage(&error)));
    }
    let program = std::env::current_exe().map_err(|error| Error::io("this program", error))?;
    let options = ServeOptions {
        host: arguments.host,
        port: arguments.port,
        models: arguments.model,
        aliases: arguments.alias,
        api_keys: keys,
        insecure_no_auth: arguments.insecure_no_auth,
        allowed_hosts: arguments.allow_host,
        allowed_origins: arguments.allow_origin,
        manage_models: arguments.manage_models,
        keep_alive: arguments.keep_alive,
        batch: arguments.batch,
        queue: arguments.queue,
        prefill_step: arguments.prefill_step,
        context: arguments.context,
        prefix_cache: arguments.prefix_cache << 20,
        memory_limit: arguments.memory_limit.map(|mib| mib << 20),
        max_body: arguments.max_body << 20,
        body_timeout: Duration::from_secs(arguments.body_timeout),
        request_timeout: Duration::from_secs(arguments.request_timeout),
        drain_timeout: Duration::from_secs(arguments.drain_timeout),
        ..ServeOptions::new(SourceOptions::from_env()?, program)
    };
    options.check().unwrap_or_else(|error| wrong_usage(&error));
    serve(options, |address| eprintln!("listening on http://{address}"))
}

/// Ends the program as clap does for arguments that make no sense.
fn wrong_usage(error: &Error) -> ! {
    use clap::{CommandFactory, error::ErrorKind};
    crate::cli::Cli::command().error(ErrorKind::ValueValidation, error).exit()
}

/// One line for each request at `info`; `MLX_LM_LOG` takes tracing's filters. What requests say is never logged.
fn start_log() {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("MLX_LM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
        .with_target(false)
        .init();
}

fn read_keys(file: &std::path::Path) -> Result<Vec<String>> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |error| Error::io(file, error);
    let mode = std::fs::metadata(file).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("{}: others can read the keys; run chmod 600 on it", file.display());
        return Err(Error::Invalid(message));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(keys.map(str::to_owned).collect())
}

/// The role of a process that holds one model.
pub(crate) fn runner() -> Result<()> {
    mlx_lm::serve::run_runner().map_err(|error| Error::io("the front", error))
}
