//! What the engine does next.

use std::time::Duration;

/// What the decision depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tick {
    /// Generations whose prompt is done: each gets a token with every step of decoding.
    pub(super) decoding: usize,
    /// Whether a prompt is being read, or could be.
    pub(super) prompts: bool,
    /// Steps of decoding since the last chunk of a prompt.
    pub(super) steps_since_chunk: usize,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Run a chunk of a prompt.
    Prefill,
    /// Compute a token for every generation.
    Decode,
    /// There is nothing to do.
    Wait,
}

/// Steps of decoding between two chunks: neither prompts nor answers ever starve.
const STEPS_PER_CHUNK: usize = 1;

/// Prompts and answers take turns; alone, either has every turn.
pub(super) fn decide_tick(tick: Tick) -> Action {
    match (tick.prompts, tick.decoding) {
        (false, 0) => Action::Wait,
        (true, 0) => Action::Prefill,
        (false, _) => Action::Decode,
        (true, _) if tick.steps_since_chunk >= STEPS_PER_CHUNK => Action::Prefill,
        (true, _) => Action::Decode,
    }
}

/// The least tokens of a chunk: smaller ones waste the device.
const LEAST_CHUNK: usize = 32;

/// How much longer than its own step a decoding generation waits for another's chunk.
const CHUNK_STEPS: f64 = 1.5;

/// How fast things went lately, to size chunks by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// Seconds of a step of decoding.
    step: Option<f64>,
    /// Seconds per token of a prompt.
    prompt_token: Option<f64>,
}

impl Pace {
    pub(super) fn stepped(&mut self, time: Duration) {
        blend(&mut self.step, time.as_secs_f64());
    }

    pub(super) fn prefilled(&mut self, tokens: usize, time: Duration) {
        if tokens >= LEAST_CHUNK {
            blend(&mut self.prompt_token, time.as_secs_f64() / tokens as f64);
        }
    }

    /// Tokens per chunk: as many as asked for, unless others decode meanwhile; then so many that they hardly notice.
    pub(super) fn chunk(&self, most: usize, decoding: usize) -> usize {
        let (Some(step), Some(token)) = (self.step, self.prompt_token) else { return most };
        if decoding == 0 || token <= 0.0 {
            return most;
        }
        let tokens = (CHUNK_STEPS * step / token) as usize;
        tokens.next_multiple_of(LEAST_CHUNK).clamp(LEAST_CHUNK.min(most), most)
    }
}

/// Recent values count more, and old ones fade.
fn blend(mean: &mut Option<f64>, value: f64) {
    *mean = Some(mean.map_or(value, |mean| 0.8 * mean + 0.2 * value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs the decisions over prompts of these many chunks and answers of these many tokens, which arrive at once.
    /// Gives, per job, the tick of its first token, and the longest gap between two tokens of any answer.
    fn simulate(jobs: &[(usize, usize)]) -> (Vec<usize>, usize) {
        let mut prompts: Vec<(usize, usize)> = jobs.iter().map(|job| job.0).enumerate().collect();
        prompts.reverse();
        let mut answers: Vec<(usize, usize)> = vec![];
        let mut first = vec![0; jobs.len()];
        let (mut since, mut gap, mut longest) = (0, 0, 0);
        for tick in 1.. {
            let state =
                Tick { decoding: answers.len(), prompts: !prompts.is_empty(), steps_since_chunk: since };
            match decide_tick(state) {
                Action::Wait => break,
                Action::Prefill => {
                    since = 0;
                    gap += usize::from(!answers.is_empty());
                    longest = longest.max(gap);
                    let last = prompts.last_mut().expect("a prompt");
                    last.1 -= 1;
                    if last.1 == 0 {
                        let (job, _) = prompts.pop().expect("a prompt");
                        answers.push((job, jobs[job].1));
                    }
                }
                Action::Decode => {
                    (since, gap) = (since + 1, 0);
                    for (job, left) in &mut answers {
                        if first[*job] == 0 {
                            first[*job] = tick;
                        }
                        *left -= 1;
                    }
                    answers.retain(|(_, left)| *left > 0);
                }
            }
            assert!(tick < 100_000, "it never ends");
        }
        (first, longest)
    }

    proptest! {
        #[test]
        fn nobody_starves(jobs in prop::collection::vec((1..20usize, 1..50usize), 1..12)) {
            let (first, longest_gap) = simulate(&jobs);
            prop_assert!(longest_gap <= 1, "an answer waits for one chunk at most between two tokens");
            let mut chunks = 0;
            for (job, first) in jobs.iter().zip(first) {
                chunks += job.0;
                // Each chunk before it costs a turn, and each of these turns lets the answers go one step.
                prop_assert!(first > 0 && first <= 2 * chunks + 1, "first token at {first} after {chunks} chunks");
            }
        }
    }

    #[test]
    fn alone_each_has_every_turn() {
        let tick =
            |decoding, prompts, steps_since_chunk| decide_tick(Tick { decoding, prompts, steps_since_chunk });
        assert_eq!(tick(0, false, 0), Action::Wait);
        assert_eq!(tick(0, true, 0), Action::Prefill);
        assert_eq!(tick(3, false, 9), Action::Decode);
        assert_eq!(tick(3, true, 0), Action::Decode);
        assert_eq!(tick(3, true, 1), Action::Prefill);
    }

    #[test]
    fn chunks_shrink_while_others_decode() {
        let mut pace = Pace::default();
        assert_eq!(pace.chunk(512, 4), 512, "nothing is known yet");
        pace.stepped(Duration::from_millis(20));
        pace.prefilled(512, Duration::from_millis(512));
        assert_eq!(pace.chunk(512, 0), 512);
        assert_eq!(pace.chunk(512, 4), 32);
        for _ in 0..50 {
            pace.stepped(Duration::from_millis(100));
        }
        assert!((128..=160).contains(&pace.chunk(512, 4)));
        assert_eq!(pace.chunk(16, 4), 16, "never more than asked for");
    }
}
