//! What the engine does next.

use std::{collections::BTreeMap, time::Duration};

/// What the decision depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tick {
    /// Generations whose prompt is done: each gets a token with every step of decoding.
    pub(super) decoding: usize,
    /// Whether a step is being computed, and so answers have begun.
    pub(super) begun: bool,
    /// Whether a prompt is being read, or could be.
    pub(super) prompts: bool,
    /// Whether the prompt that is being read will be done [soon](Pace::is_soon).
    pub(super) soon: bool,
    /// Whether tokens of a prompt can run with a step of decoding, in the same products.
    pub(super) beside: bool,
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
    /// Do so, and run tokens of a prompt beside.
    DecodeBeside,
    /// There is nothing to do.
    Wait,
}

/// Steps of decoding between two chunks: neither prompts nor answers ever starve.
const STEPS_PER_CHUNK: usize = 1;

/// Prompts and answers share the steps or take turns; alone, either has all of them. Requests that come together begin together:
/// nobody waits in the middle of an answer, and prompts are read at full speed.
pub(super) fn decide_tick(tick: Tick) -> Action {
    match (tick.prompts, tick.decoding) {
        (false, 0) => Action::Wait,
        (true, 0) => Action::Prefill,
        (false, _) => Action::Decode,
        (true, _) if !tick.begun && tick.soon => Action::Prefill,
        (true, _) if tick.beside => Action::DecodeBeside,
        (true, _) if tick.steps_since_chunk >= STEPS_PER_CHUNK => Action::Prefill,
        (true, _) => Action::Decode,
    }
}

/// Chunks are of so many tokens or a multiple, since kernels multiply several at once.
const LEAST_CHUNK: usize = 8;

/// Smaller chunks tell little of what a token takes.
const LEAST_MEASURED: usize = 16;

/// A token behind another's chunk comes within so many times what a step of a single sequence takes, where that can be.
const MOST_GAP: f64 = 3.0;

/// What a chunk may take anyhow, in steps.
const LEAST_STEPS: f64 = 0.5;

/// So many tokens of a prompt run beside a step anyhow, and at most.
const BESIDE: std::ops::RangeInclusive<usize> = 4..=32;

/// What a step takes before its sequences count, in sequences: a first guess, until steps have been measured.
const FIXED: f64 = 3.0;

/// The first of several requests may wait for the prompts of the others as long as this, or so many times as long as its own
/// prompt took.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_TIMES: u32 = 8;

/// How fast things went lately, to size chunks by.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Seconds of a step of decoding, by how many sequences decode; tokens of a prompt beside count as sequences.
    steps: BTreeMap<usize, f64>,
    /// Seconds per token of a prompt: a chunk takes a step of a single sequence, as it reads as many weights, and these.
    prompt_token: Option<f64>,
}

impl Pace {
    /// Counts a step that began when the one before had ended.
    pub(super) fn stepped(&mut self, decoding: usize, time: Duration) {
        let time = time.as_secs_f64();
        self.steps.entry(decoding).and_modify(|mean| *mean = blend(*mean, time)).or_insert(time);
    }

    /// Counts a chunk. If others decode, it began behind their step.
    pub(super) fn prefilled(&mut self, tokens: usize, decoding: usize, time: Duration) {
        if tokens < LEAST_MEASURED {
            return;
        }
        let step = if decoding > 0 { self.step(decoding).unwrap_or_default() } else { 0.0 };
        let time = time.as_secs_f64();
        let token = (time - step - self.alone()).max(time / 10.0) / tokens as f64;
        self.prompt_token = Some(self.prompt_token.map_or(token, |mean| blend(mean, token)));
    }

    /// Tokens per chunk: as many as asked for, unless others decode meanwhile; then so many that they hardly notice.
    pub(super) fn chunk(&self, most: usize, decoding: usize) -> usize {
        let (Some(step), Some(token)) = (self.step(decoding), self.prompt_token) else { return most };
        if decoding == 0 || token <= 0.0 {
            return most;
        }
        let left = (MOST_GAP * self.alone() - step).max(LEAST_STEPS * step) - self.alone();
        let tokens = (left.max(0.0) / token) as usize;
        tokens.next_multiple_of(LEAST_CHUNK).clamp(LEAST_CHUNK.min(most), most)
    }

    /// How many tokens of a prompt run beside a step: so many that it takes no longer than the answers' clients may wait.
    pub(super) fn beside(&self, most: usize, decoding: usize) -> usize {
        let limit = MOST_GAP * self.alone();
        let fits = |tokens: &usize| self.guess(decoding + tokens).is_some_and(|time| time <= limit);
        BESIDE.rev().find(fits).unwrap_or(*BESIDE.start()).min(most)
    }

    /// Seconds of a step of so many, from those of fewer and of more.
    fn guess(&self, decoding: usize) -> Option<f64> {
        let below = self.steps.range(..=decoding).next_back();
        let below = below.map(|(&n, step)| step * (decoding as f64 + FIXED) / (n as f64 + FIXED));
        let above = self.steps.range(decoding..).map(|(_, &step)| step);
        above.chain(below).reduce(f64::min)
    }

    /// Whether so many tokens of a prompt are read before a request has waited too long whose own took `own`, and that has
    /// waited for `waited` already.
    pub(super) fn is_soon(&self, tokens: usize, own: Duration, waited: Duration) -> bool {
        let reading = self.prompt_token.map(|token| self.alone() + token * tokens as f64);
        let patience = PATIENCE.max(own * PATIENCE_TIMES);
        reading.is_some_and(|seconds| seconds + waited.as_secs_f64() <= patience.as_secs_f64())
    }

    /// Seconds of a step of a single sequence, or of the fewest that are known; 0 without any.
    fn alone(&self) -> f64 {
        self.steps.values().next().copied().unwrap_or_default()
    }

    /// Seconds of a step of so many, or of the next number that is known.
    fn step(&self, decoding: usize) -> Option<f64> {
        let fewer = self.steps.range(..=decoding).next_back();
        fewer.or_else(|| self.steps.iter().next()).map(|(_, step)| *step)
    }
}

/// Recent values count more, and old ones fade.
fn blend(mean: f64, value: f64) -> f64 {
    0.8 * mean + 0.2 * value
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
            let state = Tick {
                decoding: answers.len(),
                prompts: !prompts.is_empty(),
                steps_since_chunk: since,
                ..Tick::default()
            };
            match decide_tick(state) {
                Action::Wait => break,
                Action::DecodeBeside => unreachable!("nothing runs beside"),
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
        let tick = |decoding, prompts, steps_since_chunk| {
            decide_tick(Tick { decoding, prompts, steps_since_chunk, ..Tick::default() })
        };
        assert_eq!(tick(0, false, 0), Action::Wait);
        assert_eq!(tick(0, true, 0), Action::Prefill);
        assert_eq!(tick(3, false, 9), Action::Decode);
        assert_eq!(tick(3, true, 0), Action::Decode);
        assert_eq!(tick(3, true, 1), Action::Prefill);
    }

    #[test]
    fn prompts_run_beside_where_they_can() {
        let tick = Tick { decoding: 3, begun: true, prompts: true, beside: true, ..Tick::default() };
        assert_eq!(decide_tick(tick), Action::DecodeBeside);
        assert_eq!(decide_tick(Tick { soon: true, ..tick }), Action::DecodeBeside, "an answer has begun");
        assert_eq!(
            decide_tick(Tick { begun: false, ..tick }),
            Action::DecodeBeside,
            "there is too much to read"
        );
        assert_eq!(decide_tick(Tick { begun: false, soon: true, ..tick }), Action::Prefill);
        assert_eq!(decide_tick(Tick { prompts: false, ..tick }), Action::Decode);
        assert_eq!(decide_tick(Tick { decoding: 0, begun: false, ..tick }), Action::Prefill);
    }

    #[test]
    fn as_many_run_beside_as_three_steps_leave_time_for() {
        let mut pace = Pace::default();
        let millis = Duration::from_millis;
        assert_eq!(pace.beside(512, 2), 4, "nothing is known yet");
        pace.stepped(1, millis(8));
        assert_eq!(pace.beside(512, 1), 8, "nine take three times as long as one: by a guess");
        pace.stepped(9, millis(15));
        assert_eq!(pace.beside(512, 1), 15, "nine take less");
        assert_eq!(pace.beside(512, 7), 9);
        assert_eq!(pace.beside(512, 15), 4, "nobody starves");
        assert_eq!(pace.beside(3, 1), 3, "never more than asked for");
        pace.stepped(4, millis(30));
        assert_eq!(pace.beside(512, 1), 15, "no step takes longer than one of more");
    }

    #[test]
    fn what_is_read_soon_is_waited_for() {
        let mut pace = Pace::default();
        let millis = Duration::from_millis;
        assert!(!pace.is_soon(1, millis(10), millis(0)), "nothing is known yet");
        pace.stepped(1, millis(10));
        pace.prefilled(100, 0, millis(110));
        assert!(pace.is_soon(900, millis(10), millis(0)));
        assert!(!pace.is_soon(900, millis(10), millis(200)));
        assert!(!pace.is_soon(1100, millis(10), millis(0)));
        assert!(pace.is_soon(1100, millis(200), millis(400)), "prompts of like sizes");
        assert!(!pace.is_soon(1100, millis(200), millis(600)));
    }

    #[test]
    fn chunks_shrink_while_others_decode() {
        let mut pace = Pace::default();
        let millis = Duration::from_millis;
        assert_eq!(pace.chunk(512, 4), 512, "nothing is known yet");
        pace.stepped(1, millis(20));
        pace.prefilled(512, 0, millis(532));
        assert_eq!(pace.chunk(512, 0), 512);
        assert_eq!(pace.chunk(512, 1), 24, "with the step, three steps");
        pace.prefilled(8, 0, millis(80));
        assert_eq!(pace.chunk(512, 1), 24, "small chunks do not count");
        pace.prefilled(64, 1, millis(104));
        assert_eq!(pace.chunk(512, 1), 24, "nor the step before a chunk");
        pace.stepped(2, millis(33));
        assert_eq!(pace.chunk(512, 2), 8, "what two leave of three steps of one");
        pace.stepped(8, millis(100));
        assert_eq!(pace.chunk(512, 8), 32, "half a step where nothing is left");
        assert_eq!(pace.chunk(512, 5), 8, "a step of five is no shorter than one of two");
        assert_eq!(pace.chunk(16, 8), 16, "never more than asked for");
        pace.prefilled(512, 0, Duration::from_secs(2000));
        assert_eq!(pace.chunk(512, 8), 8, "nor nothing");
    }

    #[test]
    fn chunks_are_large_where_reading_weights_is_what_takes_time() {
        let mut pace = Pace::default();
        pace.stepped(1, Duration::from_millis(3));
        pace.prefilled(16, 0, Duration::from_millis(3));
        assert!(pace.chunk(512, 1) > 100);
    }
}
