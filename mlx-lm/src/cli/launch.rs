//! `mlx-lm launch`: what coding agents must be told to use a local server.

use super::output::print;
use clap::{Args, ValueEnum};
use mlx_lm::Result;
use serde_json::json;

/// The arguments of `launch`.
#[derive(Args)]
#[command(after_help = "Examples:
  eval \"$(mlx-lm launch claude --model qwen3:8b)\" && claude
  mlx-lm launch codex --model qwen3:8b >> ~/.codex/config.toml
  mlx-lm launch opencode --model qwen3:8b > opencode.json")]
pub(crate) struct Arguments {
    /// The agent
    agent: Agent,
    /// The model it is to use
    #[arg(long, short)]
    model: String,
    /// Where the server is
    #[arg(long, env = "MLX_LM_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The server's key, if it asks for one
    #[arg(long, value_name = "KEY", env = "MLX_LM_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Agent {
    /// Claude Code: variables for the shell
    Claude,
    /// Codex: a part of config.toml
    Codex,
    /// opencode: opencode.json
    Opencode,
    /// Anything that speaks OpenAI's API: variables for the shell
    Openai,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { agent, model, url, api_key } = arguments;
    let url = url.trim_end_matches('/');
    let key = api_key.as_deref().unwrap_or("none");
    let exports = |variables: &[(&str, &str)]| -> String {
        variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
    };
    print(&match agent {
        Agent::Claude => exports(&[
            ("ANTHROPIC_BASE_URL", url),
            ("ANTHROPIC_AUTH_TOKEN", key),
            ("ANTHROPIC_MODEL", model),
            ("ANTHROPIC_DEFAULT_OPUS_MODEL", model),
            ("ANTHROPIC_DEFAULT_SONNET_MODEL", model),
            ("ANTHROPIC_DEFAULT_HAIKU_MODEL", model),
            // A line of its system prompt that changes with each request would spoil cached prompts.
            ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ]),
        Agent::Openai => exports(&[
            ("OPENAI_BASE_URL", &format!("{url}/v1")),
            ("OPENAI_API_KEY", key),
            ("OPENAI_MODEL", model),
        ]),
        Agent::Codex => {
            let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
            format!(
                "model = {}\nmodel_provider = \"mlx-lm\"\n\n[model_providers.mlx-lm]\nname = \"mlx-lm\"\nbase_url = {}\n\
                 wire_api = \"responses\"\nexperimental_bearer_token = {}\n",
                text(model),
                text(&format!("{url}/v1")),
                text(key)
            )
        }
        Agent::Opencode => {
            let provider = json!({
                "npm": "@ai-sdk/openai-compatible",
                "name": "mlx-lm",
                "options": { "baseURL": format!("{url}/v1"), "apiKey": key },
                "models": { model: { "name": model } },
            });
            let document = json!({
                "$schema": "https://opencode.ai/config.json",
                "provider": { "mlx-lm": provider },
                "model": format!("mlx-lm/{model}"),
            });
            format!("{document:#}\n")
        }
    })
}

/// A text that a shell reads as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
