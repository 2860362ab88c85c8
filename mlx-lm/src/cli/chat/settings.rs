//! What `/set` changes: the same names as on the command line.

use clap::{Args, Command, FromArgMatches, builder::BoolishValueParser};
use mlx_lm::{Error, Lm, Request, Result};

use super::super::sampling::SamplingArguments;

#[derive(Args, Clone, Debug)]
pub(super) struct Settings {
    /// The most tokens of an answer
    #[arg(long, default_value_t = 2048)]
    pub(super) max_tokens: usize,
    /// Whether a model that can should think first: on or off [default: as the model does]
    #[arg(long, value_name = "ON|OFF", value_parser = BoolishValueParser::new())]
    pub(super) think: Option<bool>,
    /// Stop where this text would begin; may be given more than once
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    #[command(flatten)]
    sampling: SamplingArguments,
}

impl Settings {
    /// `number` counts the answers, so that the same question is not answered by the same draws.
    pub(super) fn apply<'m>(&self, lm: &Lm, request: Request<'m>, number: u64) -> Result<Request<'m>> {
        let request = self.sampling.draw(number).apply(lm, request)?;
        Ok(request.max_tokens(self.max_tokens).stop(&self.stop))
    }

    /// Sets `name value`. What is wrong changes nothing.
    pub(super) fn set(&mut self, lm: &Lm, text: &str) -> Result<()> {
        let mut changed = self.clone();
        changed.update(text).map_err(Error::Invalid)?;
        changed.apply(lm, lm.generate(""), 0)?;
        *self = changed;
        Ok(())
    }

    fn update(&mut self, text: &str) -> std::result::Result<(), String> {
        let (name, value) = text.split_once(char::is_whitespace).ok_or("give a name and a value")?;
        let name = name.trim_start_matches('-').replace('_', "-");
        let argument = format!("--{name}={}", value.trim());
        let matches = command().no_binary_name(true).try_get_matches_from([argument]);
        let update = matches.and_then(|matches| self.update_from_arg_matches(&matches));
        update.map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        })
    }

    /// Says what can be set, and what is.
    pub(super) fn explain(&self, lm: &Lm) {
        for argument in command().get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            eprintln!("  {:<22}{help}", argument.get_long().unwrap_or_default());
        }
        eprintln!();
        eprintln!("max-tokens   {}", self.max_tokens);
        eprintln!(
            "think        {}",
            self.think.map_or("as the model does", |on| if on { "on" } else { "off" })
        );
        eprintln!("stop         {:?}", self.stop);
        self.sampling.explain(lm);
    }
}

/// The settings as arguments without defaults: what is not given stays as it is.
fn command() -> Command {
    let command = Settings::augment_args(Command::new("set").disable_help_flag(true));
    command.mut_args(|argument| argument.default_value(None::<&'static str>))
}
