//! `mlx-lm ps` and `mlx-lm stop`: a server that runs.

use super::output::print;
use clap::Args;
use mlx_lm::{Error, Result};
use serde_json::{Value, json};
use std::time::Duration;

/// Which server is meant.
#[derive(Args)]
pub(crate) struct Server {
    /// Where the server is
    #[arg(long, env = "MLX_LM_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A key, if the server asks for one
    #[arg(long, value_name = "KEY", env = "MLX_LM_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl Server {
    /// Sends a request and gives the answer.
    fn ask(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60)));
        let agent = ureq::Agent::new_with_config(config.http_status_as_error(false).build());
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let key = self.api_key.as_ref().map(|key| format!("Bearer {key}"));
        let reply = match body {
            None => {
                let request = agent.get(&url);
                key.iter().fold(request, |request, key| request.header("authorization", key)).call()
            }
            Some(body) => {
                let request = agent.post(&url).header("content-type", "application/json");
                let request = key.iter().fold(request, |request, key| request.header("authorization", key));
                request.send(body.to_string())
            }
        };
        let failed = |error: ureq::Error| {
            Error::Invalid(format!(
                "no server answers at {}: {error}; start one with `mlx-lm serve`",
                self.url
            ))
        };
        let text = reply.map_err(failed)?.into_body().read_to_string().map_err(failed)?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|_| Error::Invalid(format!("{url} is no mlx-lm server: {text:.80}")))?;
        match &value["error"] {
            Value::Null => Ok(value),
            Value::String(message) => Err(Error::Invalid(message.clone())),
            error => {
                Err(Error::Invalid(error["message"].as_str().unwrap_or("the request failed").to_owned()))
            }
        }
    }
}

/// The arguments of `ps`.
#[derive(Args)]
pub(crate) struct PsArguments {
    #[command(flatten)]
    server: Server,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn ps(arguments: &PsArguments) -> Result<()> {
    let reply = arguments.server.ask("/api/ps", None)?;
    if arguments.json {
        return print(&format!("{:#}\n", reply["models"]));
    }
    let mut out = format!("{:<40} {:>10} {:>9}  {}\n", "NAME", "SIZE", "CONTEXT", "UNTIL");
    for model in reply["models"].as_array().into_iter().flatten() {
        let text = |key: &str| model[key].as_str().unwrap_or_default().to_owned();
        let gib = model["size"].as_f64().unwrap_or_default() / f64::from(1 << 30);
        let context = model["context_length"].as_u64().unwrap_or_default();
        let until = text("expires_at");
        let until = until.split('.').next().unwrap_or_default();
        out += &format!("{:<40} {gib:>6.2} GiB {context:>9}  {until}\n", text("name"));
    }
    print(&out)
}

/// The arguments of `stop`.
#[derive(Args)]
pub(crate) struct StopArguments {
    /// The model to let go
    model: String,
    #[command(flatten)]
    server: Server,
}

pub(crate) fn stop(arguments: &StopArguments) -> Result<()> {
    let body = json!({ "model": arguments.model, "keep_alive": 0 });
    arguments.server.ask("/api/generate", Some(&body)).map(drop)
}
