//! Who guesses tokens ahead, as arguments.

use clap::Args;
use mlx_lm::{
    Lm, Request, Result,
    source::{SourceOptions, resolve},
};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Speculative decoding")]
pub(crate) struct SpeculationArguments {
    /// A smaller model of the same tokens, which guesses what this one then checks; the answer stays the same
    #[arg(long, value_name = "MODEL", conflicts_with = "prompt_lookup")]
    draft_model: Option<String>,
    /// Guess what followed the last tokens when they occurred before
    #[arg(long)]
    prompt_lookup: bool,
    /// Guesses at a time
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    num_draft_tokens: usize,
}

impl SpeculationArguments {
    /// Loads the draft model, if one is given.
    pub(crate) fn open(&self) -> Result<Option<Lm>> {
        let options = SourceOptions::from_env()?;
        self.draft_model.as_ref().map(|name| Lm::open(&resolve(name, &options)?)).transpose()
    }

    pub(crate) fn apply<'m>(&self, draft: Option<&'m Lm>, request: Request<'m>) -> Result<Request<'m>> {
        match draft {
            Some(draft) => request.draft_model(draft, self.num_draft_tokens),
            None if self.prompt_lookup => Ok(request.prompt_lookup(self.num_draft_tokens)),
            None => Ok(request),
        }
    }
}
