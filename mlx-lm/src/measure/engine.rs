//! What a generation costs beside the model's own work.

use super::speed::{SpeedTest, tokens};
use crate::{
    Error, Lm, Penalties, Result, Sampling,
    generate::{Grammar, HostTime},
};

/// Where the time of a generation goes: of the fastest of several.
#[derive(Clone, Copy, Debug)]
pub struct EngineTime {
    /// With nothing but the most probable tokens.
    pub free: HostTime,
    /// With answers that follow a grammar.
    pub constrained: Option<HostTime>,
    /// By how much of itself a step with the grammar was longer than one without right before: the median.
    pub grammar_overhead: Option<f64>,
}

impl EngineTime {
    /// The engine's share of a step: sampling, bookkeeping and text, all but the forward pass and waiting for it.
    pub fn share(&self) -> f64 {
        seconds(&self.free, self.free.engine()) / step(&self.free)
    }

    /// What the engine takes of a step, in seconds: without a grammar, and with one.
    pub fn own(&self) -> (f64, Option<f64>) {
        let own = |host: &HostTime| seconds(host, host.engine());
        (own(&self.free), self.constrained.as_ref().map(own))
    }
}

fn seconds(host: &HostTime, time: std::time::Duration) -> f64 {
    host.per_step(time).as_secs_f64()
}

fn step(host: &HostTime) -> f64 {
    seconds(host, host.total)
}

/// Generates as `test` says, so many times, free and with `grammar` in turn.
///
/// # Errors
/// [`Error::Invalid`] for a test of no tokens, [`Error::ContextLength`], [`Error::Grammar`], [`Error::Mlx`].
pub fn engine_time(
    lm: &Lm,
    test: SpeedTest,
    repetitions: usize,
    grammar: Option<&Grammar>,
) -> Result<EngineTime> {
    if test.tokens == 0 || repetitions == 0 {
        return Err(Error::Invalid("a test needs tokens and repetitions".into()));
    }
    let (mut free, mut constrained, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..repetitions {
        let alone = generate(lm, test, None)?;
        if grammar.is_some() {
            let followed = generate(lm, test, grammar)?;
            ratios.push(step(&followed) / step(&alone) - 1.0);
            constrained.push(followed);
        }
        free.push(alone);
    }
    let fastest = |all: Vec<HostTime>| all.into_iter().min_by(|a, b| step(a).total_cmp(&step(b)));
    ratios.sort_by(f64::total_cmp);
    Ok(EngineTime {
        free: fastest(free).unwrap_or_default(),
        constrained: fastest(constrained),
        grammar_overhead: ratios.get(ratios.len() / 2).copied(),
    })
}

/// Texts that end before are followed by others.
fn generate(lm: &Lm, test: SpeedTest, grammar: Option<&Grammar>) -> Result<HostTime> {
    let mut sum = HostTime::default();
    while sum.steps < test.tokens {
        let prompt = tokens(lm, test.depth.max(1));
        let mut request = lm.generate(prompt).max_tokens(test.tokens - sum.steps).endless();
        request = request.sampling(Sampling::default()).penalties(Penalties::default());
        if let Some(grammar) = grammar {
            request = request.grammar(grammar.clone());
        }
        let mut generation = request.start()?;
        generation.by_ref().try_for_each(|piece| piece.map(drop))?;
        sum = sum.plus(generation.stats()?.host);
    }
    Ok(sum)
}
