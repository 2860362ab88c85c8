//! Counts and times of a generation.

use std::time::{Duration, Instant};

/// Counts and times of a generation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them that a cache held already.
    pub cached_tokens: usize,
    /// Tokens generated, the one that ends the text included.
    pub generated_tokens: usize,
    /// Those of them that a draft had guessed.
    pub drafted_tokens: usize,
    /// From the start to the first token.
    pub time_to_first_token: Duration,
    /// From the first token to the last one so far.
    pub generation_time: Duration,
    /// Where the time of the thread went in all steps of decoding, of other sequences too if there are any.
    pub host: HostTime,
    /// The most bytes MLX held at once since the program began.
    pub peak_memory: usize,
}

impl Stats {
    /// Prompt tokens per second, until the first token; those that a cache held do not count.
    pub fn prompt_tps(&self) -> f64 {
        per_second(self.prompt_tokens.saturating_sub(self.cached_tokens), self.time_to_first_token)
    }

    /// Generated tokens per second, from the first token on.
    pub fn generation_tps(&self) -> f64 {
        per_second(self.generated_tokens.saturating_sub(1), self.generation_time)
    }
}

fn per_second(count: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

/// Where the time of the thread that decodes goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostTime {
    /// Steps of decoding.
    pub steps: usize,
    /// All of it.
    pub total: Duration,
    /// Recording the forward pass, and handing it to the device.
    pub forward: Duration,
    /// Waiting for tokens. On a CPU the device's own threads compute meanwhile.
    pub wait: Duration,
    /// Making text of tokens.
    pub text: Duration,
}

impl HostTime {
    /// The forward pass, and waiting for it.
    pub fn model(&self) -> Duration {
        self.forward + self.wait
    }

    /// The engine's own share of the time: sampling, bookkeeping, text; all but the model's.
    pub fn engine(&self) -> Duration {
        self.total.saturating_sub(self.model())
    }

    pub(crate) fn plus(self, other: HostTime) -> HostTime {
        HostTime {
            steps: self.steps + other.steps,
            total: self.total + other.total,
            forward: self.forward + other.forward,
            wait: self.wait + other.wait,
            text: self.text + other.text,
        }
    }

    /// One step's part of a time.
    pub fn per_step(&self, time: Duration) -> Duration {
        time.checked_div(u32::try_from(self.steps).unwrap_or(u32::MAX)).unwrap_or_default()
    }
}

/// Fills in [`Stats`] as time passes.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    pub(super) stats: Stats,
}

impl Clock {
    pub(super) fn new(prompt_tokens: usize, cached_tokens: usize) -> Clock {
        Clock { start: Instant::now(), stats: Stats { prompt_tokens, cached_tokens, ..Stats::default() } }
    }

    pub(super) fn tick(&mut self) {
        let elapsed = self.start.elapsed();
        match self.stats.generated_tokens {
            0 => self.stats.time_to_first_token = elapsed,
            _ => self.stats.generation_time = elapsed.saturating_sub(self.stats.time_to_first_token),
        }
        self.stats.generated_tokens += 1;
    }
}
