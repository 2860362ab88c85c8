//! `mlx-lm run`: fetch a model if need be, and answer or chat.

use clap::Args;
use mlx_lm::{Error, Result};
use std::io::{IsTerminal, Read};

/// The arguments of `run`.
#[derive(Args)]
#[command(after_help = "Examples:
  mlx-lm run smollm2:135m                                 chat
  mlx-lm run smollm2:135m \"What is the capital of France?\"
  git diff | mlx-lm run qwen3:8b \"Review this change.\"")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    model: String,
    /// What to answer, after what stdin has; without either it is a chat
    prompt: Vec<String>,
    /// A system message
    #[arg(long)]
    system: Option<String>,
}

impl Arguments {
    /// The command that does it.
    ///
    /// # Errors
    /// When stdin cannot be read.
    pub(crate) fn command_line(self) -> Result<Vec<String>> {
        let mut piped = String::new();
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            stdin.lock().read_to_string(&mut piped).map_err(|error| Error::io("stdin", error))?;
        }
        Ok(self.line(&piped))
    }

    fn line(self, piped: &str) -> Vec<String> {
        let prompt = self.prompt.join(" ");
        let parts = [piped.trim_end(), &prompt].into_iter().filter(|part| !part.is_empty());
        let prompt = parts.collect::<Vec<_>>().join("\n\n");
        let command = if prompt.is_empty() { "chat" } else { "generate" };
        let mut line = vec!["mlx-lm".to_owned(), command.to_owned(), format!("--model={}", self.model)];
        line.extend(self.system.map(|system| format!("--system={system}")));
        if !prompt.is_empty() {
            line.push(format!("--prompt={prompt}"));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_answered_and_none_is_a_chat() {
        let line = |prompt: &[&str], piped: &str| {
            let prompt = prompt.iter().map(ToString::to_string).collect();
            Arguments { model: "m".into(), prompt, system: None }.line(piped)[1..].join(" ")
        };
        assert_eq!(line(&[], ""), "chat --model=m");
        assert_eq!(line(&["a", "b"], ""), "generate --model=m --prompt=a b");
        assert_eq!(line(&["Review."], "diff\n"), "generate --model=m --prompt=diff\n\nReview.");
        assert_eq!(line(&[], "-x"), "generate --model=m --prompt=-x");
    }
}
