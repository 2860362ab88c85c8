//! How tokens are chosen, as arguments.

use clap::Args;
use mlx_lm::{Dry, Error, Lm, Penalties, Request, Result, Sampling};

/// What is not given is as the model's makers recommend, in `generation_config.json`, or changes nothing.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sampling (default: as generation_config.json recommends, else greedy)")]
pub(crate) struct SamplingArguments {
    /// Randomness; 0 always takes the most probable token
    #[arg(long, visible_alias = "temp")]
    temperature: Option<f32>,
    /// Keep the most probable tokens that together reach this probability
    #[arg(long)]
    top_p: Option<f32>,
    /// Keep this many of the most probable tokens; 0 keeps all
    #[arg(long)]
    top_k: Option<u32>,
    /// Keep tokens at least this times as probable as the most probable one
    #[arg(long)]
    min_p: Option<f32>,
    /// Keep so many tokens whatever --min-p says
    #[arg(long)]
    min_tokens_to_keep: Option<u32>,
    /// How likely it is that top choices are excluded
    #[arg(long)]
    xtc_probability: Option<f32>,
    /// Top choices are tokens at least as probable as this
    #[arg(long)]
    xtc_threshold: Option<f32>,
    /// Makes the draws repeatable
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Divide the scores of tokens that occurred; 1 changes nothing
    #[arg(long)]
    repetition_penalty: Option<f32>,
    /// Tokens that the repetition penalty looks back; 0 for all
    #[arg(long)]
    repetition_context: Option<usize>,
    /// Subtract from the scores of tokens that occurred
    #[arg(long, allow_hyphen_values = true)]
    presence_penalty: Option<f32>,
    /// Subtract from the scores of tokens as often as they occurred
    #[arg(long, allow_hyphen_values = true)]
    frequency_penalty: Option<f32>,
    /// Subtract from the scores of tokens that would repeat a sequence
    #[arg(long)]
    dry_multiplier: Option<f32>,
    /// Add to the score of a token; may be given more than once
    #[arg(long, value_name = "ID=BIAS", value_parser = bias, allow_hyphen_values = true)]
    logit_bias: Vec<(u32, f32)>,
    /// Do not end before so many tokens
    #[arg(long, default_value_t = 0)]
    min_tokens: usize,
}

impl SamplingArguments {
    pub(crate) fn apply<'m>(&self, lm: &Lm, request: Request<'m>) -> Result<Request<'m>> {
        let (sampling, penalties) = (self.sampling(lm.sampling()), self.penalties(lm.penalties()));
        sampling.check()?;
        penalties.check()?;
        Ok(request.sampling(sampling).penalties(penalties).min_tokens(self.min_tokens))
    }

    /// The same with the seed of the draws `number` further.
    pub(crate) fn draw(&self, number: u64) -> SamplingArguments {
        SamplingArguments { seed: self.seed.wrapping_add(number), ..self.clone() }
    }

    fn sampling(&self, default: Sampling) -> Sampling {
        Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_p: self.top_p.unwrap_or(default.top_p),
            top_k: self.top_k.unwrap_or(default.top_k),
            min_p: self.min_p.unwrap_or(default.min_p),
            min_tokens_to_keep: self.min_tokens_to_keep.unwrap_or(default.min_tokens_to_keep),
            xtc_probability: self.xtc_probability.unwrap_or(default.xtc_probability),
            xtc_threshold: self.xtc_threshold.unwrap_or(default.xtc_threshold),
            seed: self.seed,
        }
    }

    fn penalties(&self, default: Penalties) -> Penalties {
        Penalties {
            logit_bias: self.logit_bias.iter().copied().collect(),
            repetition: self.repetition_penalty.unwrap_or(default.repetition),
            repetition_context: self.repetition_context.unwrap_or(default.repetition_context),
            presence: self.presence_penalty.unwrap_or(default.presence),
            frequency: self.frequency_penalty.unwrap_or(default.frequency),
            dry: self.dry_multiplier.map(|multiplier| Dry { multiplier, ..Dry::default() }),
            ..default
        }
    }

    /// Says what tokens are chosen by.
    pub(crate) fn explain(&self, lm: &Lm) {
        let recommended = lm.sampling();
        let Sampling { temperature, top_p, top_k, min_p, seed, .. } = self.sampling(recommended);
        let source = match (recommended == Sampling::default(), self.is_given()) {
            (_, true) => "as given",
            (true, false) => "nothing else is recommended",
            (false, false) => "from generation_config.json",
        };
        if temperature == 0.0 {
            eprintln!("sampling     greedy, {source}");
        } else {
            eprintln!(
                "sampling     temperature {temperature}, top-p {top_p}, top-k {top_k}, min-p {min_p}, seed {seed}, \
                 {source}"
            );
        }
    }

    fn is_given(&self) -> bool {
        self.temperature.or(self.top_p).or(self.min_p).is_some() || self.top_k.is_some()
    }
}

fn bias(text: &str) -> std::result::Result<(u32, f32), String> {
    let parse = || {
        let (id, bias) = text.split_once('=')?;
        Some((id.trim().parse().ok()?, bias.trim().parse().ok()?))
    };
    parse().ok_or_else(|| Error::Invalid(format!("`{text}` is not ID=BIAS")).to_string())
}
