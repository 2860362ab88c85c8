//! The thread that owns the model.

use super::{Outbox, fail, session::Session, text::Prepared};
use crate::{
    Lm, Sampling,
    generate::{TokenOptions, Tokens},
    serve::{
        failure::{Failure, Kind},
        protocol::{Delta, Event, Finished, Format, LoadOptions, Report, Timings, Usage},
    },
};
use std::{
    sync::{atomic::Ordering, mpsc},
    time::Instant,
};

/// Works until the process ends.
pub(super) fn run(lm: &Lm, options: &LoadOptions, queue: &mpsc::Receiver<Prepared>, out: &Outbox) {
    while let Ok(prepared) = queue.recv() {
        let id = prepared.id;
        if let Err(failure) = generate(lm, options, prepared, out) {
            fail(out, id, failure);
        }
    }
}

fn generate(lm: &Lm, options: &LoadOptions, prepared: Prepared, out: &Outbox) -> Result<(), Failure> {
    let failed = |error: crate::Error| Failure::from(&error);
    let Prepared { id, job, flag, prompt, max_tokens, accepted, deadline, .. } = prepared;
    if job.format != Format::Text || job.logprobs.is_some() {
        return Err(Failure::unsupported("response_format", "not served by this model"));
    }
    let started = Instant::now();
    let choice = &job.sampling;
    let defaults = lm.generation_config();
    let sampling = Sampling {
        temperature: choice.temperature.or(defaults.temperature).unwrap_or(0.0),
        top_p: choice.top_p.or(defaults.top_p).unwrap_or(1.0),
        top_k: choice.top_k.or(defaults.top_k).unwrap_or(0),
        min_p: choice.min_p.or(defaults.min_p).unwrap_or(0.0),
        seed: choice.seed.unwrap_or(0),
        ..Sampling::default()
    };
    let token_options =
        TokenOptions { sampling, max_tokens, prefill_step: options.prefill_step, ..TokenOptions::default() };
    let prompt_tokens = prompt.len();
    let mut tokens = Tokens::new(lm.model(), &prompt, token_options).map_err(failed)?;
    let mut session = Session::new(lm.tokenizer(), job.stop.clone(), max_tokens);
    let mut first = None;
    let event = |event| out.send(Report::Event { id, event });
    for token in &mut tokens {
        if flag.load(Ordering::Relaxed) {
            return Ok(());
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(Failure::new(Kind::Deadline, "the request took too long"));
        }
        let step = session.push(token.map_err(failed)?).map_err(failed)?;
        let first = *first.get_or_insert_with(Instant::now);
        if step.delta != Delta::default() {
            event(Event::Delta(step.delta));
        }
        if let Some(reason) = step.finish {
            let completion = session.tokens();
            let usage = Usage { prompt: prompt_tokens, completion, ..Usage::default() };
            let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            let timings = Timings {
                queue: nanos(started - accepted),
                prefill: nanos(first - started),
                decode: nanos(first.elapsed()),
            };
            event(Event::Finished(Finished { reason, stop: session.stop_string(), usage, timings }));
            return Ok(());
        }
    }
    Err(Failure::internal("the generation ended without a reason"))
}
