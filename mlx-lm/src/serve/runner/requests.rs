//! From a job to the engine's request.

use super::{structure::structure, text::Prepared};
use crate::{
    Grammar, Lm, Penalties, Request, Sampling, Structure,
    serve::{
        failure::Failure,
        protocol::{Format, SamplingChoice},
    },
};
use std::collections::VecDeque;

/// Grammars that were made lately: making one takes milliseconds, and clients ask with the same schema again and again.
#[derive(Default)]
pub(super) struct Grammars(VecDeque<(Structure, Grammar)>);

const KEPT: usize = 16;

impl Grammars {
    fn get(&mut self, lm: &Lm, structure: Structure, param: &str) -> Result<Grammar, Failure> {
        if let Some((_, grammar)) = self.0.iter().find(|(known, _)| *known == structure) {
            return Ok(grammar.clone());
        }
        // No grammar, no answer: never one that only looks as if it followed the schema.
        let grammar = lm.grammar(&structure).map_err(|error| Failure::invalid(param, error.to_string()))?;
        self.0.push_back((structure, grammar.clone()));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
        Ok(grammar)
    }
}

/// The request for the batch; what the job leaves open is the model's own recommendation.
pub(super) fn request<'m>(
    lm: &'m Lm,
    prepared: &Prepared,
    grammars: &mut Grammars,
) -> Result<Request<'m>, Failure> {
    let job = &prepared.job;
    let mut request = lm
        .generate(prepared.prompt.clone())
        .max_tokens(prepared.max_tokens)
        .sampling(sampling(lm, &job.sampling))
        .penalties(penalties(lm, &job.sampling))
        .stop(&job.stop);
    if let Some(top) = job.logprobs {
        request = request.logprobs(usize::from(top));
    }
    if let Some(structure) = structure(lm.tokenizer(), job, prepared.rendered.as_deref())? {
        let param = if job.format == Format::Text { "tools" } else { "response_format" };
        request = request.grammar(grammars.get(lm, structure, param)?);
    }
    Ok(request)
}

fn sampling(lm: &Lm, choice: &SamplingChoice) -> Sampling {
    let own = lm.sampling();
    Sampling {
        temperature: choice.temperature.unwrap_or(own.temperature),
        top_p: choice.top_p.unwrap_or(own.top_p),
        top_k: choice.top_k.unwrap_or(own.top_k),
        min_p: choice.min_p.unwrap_or(own.min_p),
        seed: choice.seed.unwrap_or(own.seed),
        ..own
    }
}

/// Penalties look at the whole text, unless the job gives a window.
fn penalties(lm: &Lm, choice: &SamplingChoice) -> Penalties {
    let own = lm.penalties();
    let window = choice.penalty_window;
    Penalties {
        logit_bias: choice.logit_bias.iter().copied().collect(),
        repetition: choice.repetition_penalty.unwrap_or(own.repetition),
        repetition_context: window.unwrap_or(own.repetition_context),
        presence: choice.presence_penalty.unwrap_or(own.presence),
        presence_context: window.unwrap_or(0),
        frequency: choice.frequency_penalty.unwrap_or(own.frequency),
        frequency_context: window.unwrap_or(0),
        ..own
    }
}
