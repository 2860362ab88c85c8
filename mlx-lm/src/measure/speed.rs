//! How fast a model reads and writes.

use crate::{Cache, Error, Lm, Result, generate::Steps};
use mlx::{Array, async_eval, eval};
use std::time::{Duration, Instant};

/// What to measure: reading a prompt, or writing tokens, behind a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeedTest {
    /// What is timed.
    pub speed: Speed,
    /// Tokens.
    pub tokens: usize,
    /// Tokens that are in the cache before.
    pub depth: usize,
    /// Sequences that tokens are written to at once; a prompt is read for one.
    pub batch: usize,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// The prompt, to its first token.
    Prompt,
    /// Tokens one by one.
    Generation,
}

impl SpeedTest {
    /// As llama-bench calls it, with the sequences if there are several: `pp512`, `tg128 @ d4096`, `tg128 x 8`.
    pub fn name(&self) -> String {
        let kind = match self.speed {
            Speed::Prompt => "pp",
            Speed::Generation => "tg",
        };
        let mut name = format!("{kind}{}", self.tokens);
        if self.batch > 1 {
            name += &format!(" x {}", self.batch);
        }
        if self.depth > 0 {
            name += &format!(" @ d{}", self.depth);
        }
        name
    }
}

/// What came of a test.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// What was measured.
    pub test: SpeedTest,
    /// Tokens per second of each repetition, of all sequences together.
    pub rates: Vec<f64>,
    /// The most bytes MLX held at once.
    pub peak_memory: usize,
    /// Bytes of weights and cache that have to be read for each step; of [`Speed::Generation`] only.
    pub bytes_per_step: Option<f64>,
    /// Time in which the processor prepares a step; of [`Speed::Generation`] only.
    pub host_time: Option<Duration>,
}

impl Measurement {
    /// Tokens per second.
    pub fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len().max(1) as f64
    }

    /// The standard deviation of tokens per second; 0 of a single repetition.
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.rates.iter().map(|rate| (rate - mean).powi(2)).sum();
        (squares / (self.rates.len() as f64 - 1.0).max(1.0)).sqrt()
    }

    /// Bytes read per second, at least.
    pub fn bandwidth(&self) -> Option<f64> {
        Some(self.bytes_per_step? * self.mean() / self.test.batch as f64)
    }
}

/// Runs `test` so many times, after once to warm up. Sequences of a batch are rows of their own, as those of requests are.
///
/// # Errors
/// [`Error::Invalid`] for a test of no tokens, [`Error::ContextLength`] for more than the model was made for,
/// [`Error::Mlx`].
pub fn measure(lm: &Lm, test: SpeedTest, repetitions: usize, prefill_step: usize) -> Result<Measurement> {
    if test.tokens == 0 || test.batch == 0 || repetitions == 0 || prefill_step == 0 {
        return Err(Error::Invalid("a test needs tokens, sequences, repetitions and a prefill step".into()));
    }
    if let Some(limit) = lm.context_length().filter(|limit| test.depth + test.tokens > *limit) {
        return Err(Error::ContextLength { prompt: test.depth + test.tokens, limit });
    }
    let (steps, cache) = (Steps::new(lm.model()), lm.model().new_cache());
    let mut run = Run { lm, step: prefill_step, host: Duration::ZERO, steps, cache };
    mlx::memory::reset_peak()?;
    let mut rates = vec![];
    for repetition in 0..=repetitions {
        let rate = run.once(test)?;
        if repetition > 0 {
            rates.push(rate);
        }
    }
    let is_generation = test.speed == Speed::Generation;
    let per_step = run.host / (test.tokens * (repetitions + 1)) as u32;
    let bytes = if is_generation { Some(bytes_per_step(lm, &run.cache, test)?) } else { None };
    Ok(Measurement {
        test,
        rates,
        peak_memory: mlx::memory::peak()?,
        bytes_per_step: bytes,
        host_time: is_generation.then_some(per_step),
    })
}

struct Run<'m> {
    lm: &'m Lm,
    step: usize,
    host: Duration,
    steps: Steps<'m>,
    cache: Cache,
}

impl Run<'_> {
    /// Tokens per second.
    fn once(&mut self, test: SpeedTest) -> Result<f64> {
        self.cache = self.lm.model().new_cache();
        self.cache.reserve(i32::try_from(test.depth + test.tokens).unwrap_or(i32::MAX));
        mlx::memory::clear_cache()?;
        self.prefill(&tokens(self.lm, test.depth))?;
        let time = match test.speed {
            Speed::Prompt => self.read(test.tokens)?,
            Speed::Generation => {
                let row = self.cache.clone();
                (1..test.batch).try_for_each(|_| self.cache.push(row.clone()))?;
                self.write(test.tokens, test.batch)?
            }
        };
        Ok((test.tokens * test.batch) as f64 / time.as_secs_f64())
    }

    fn prefill(&mut self, tokens: &[u32]) -> Result<()> {
        for chunk in tokens.chunks(self.step) {
            self.lm.model().forward(&Array::from_slice(chunk, &[1, chunk.len() as i32]), &mut self.cache)?;
            eval(self.cache.arrays())?;
        }
        Ok(())
    }

    fn next(&mut self, token: &Array) -> Result<Array> {
        let logits = self.steps.forward(&token.reshape([-1, 1])?, &mut self.cache)?;
        Ok(logits.argmax(-1)?)
    }

    fn read(&mut self, count: usize) -> Result<Duration> {
        let tokens = tokens(self.lm, count);
        let Some((last, head)) = tokens.split_last() else { return Ok(Duration::ZERO) };
        let start = Instant::now();
        self.prefill(head)?;
        self.next(&Array::from_slice(&[*last], &[1]))?.item::<u32>()?;
        Ok(start.elapsed())
    }

    /// As in the loop of a generation, each step is given to the device before the token of the one before is read.
    fn write(&mut self, count: usize, batch: usize) -> Result<Duration> {
        let mut current = self.next(&Array::from_slice(&vec![1u32; batch], &[batch as i32]))?;
        eval([&current].into_iter().chain(self.cache.arrays()))?;
        let start = Instant::now();
        for _ in 0..count {
            let step = Instant::now();
            let next = self.next(&current)?;
            async_eval([&next].into_iter().chain(self.cache.arrays()))?;
            self.host += step.elapsed();
            current.to_vec::<u32>()?;
            current = next;
        }
        current.to_vec::<u32>()?;
        Ok(start.elapsed())
    }
}

/// Tokens that follow no pattern, the same each time.
pub(super) fn tokens(lm: &Lm, count: usize) -> Vec<u32> {
    let size = lm.tokenizer().vocab_size().max(1) as u64;
    let token = |i: u64| ((i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % size) as u32;
    (1..=count as u64).map(token).collect()
}

/// All weights but rows of the embedding that are not looked up and experts that are not chosen, and the cache in the middle of
/// the test.
fn bytes_per_step(lm: &Lm, cache: &Cache, test: SpeedTest) -> Result<f64> {
    let parameters = lm.model().parameters();
    let config = lm.config();
    let number = |keys: &[&str]| keys.iter().find_map(|key| config.field(key)?.as_f64());
    let experts = number(&["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"]);
    let chosen = number(&["num_experts_per_tok", "moe_k"]);
    let share = match (chosen, experts) {
        (Some(chosen), Some(experts)) if experts > 0.0 => chosen / experts,
        _ => 1.0,
    };
    let has_head = parameters.keys().any(|path| path.starts_with("lm_head."));
    let mut bytes = 0.0;
    for (path, array) in &parameters {
        let of_one = array.nbytes()? as f64;
        bytes += match path {
            path if has_head && path.contains("embed_tokens.") => 0.0,
            path if path.contains("switch_mlp.") => of_one * share,
            _ => of_one,
        };
    }
    let width = match cache.arrays().next() {
        Some(array) => array.dtype()?.size() as f64,
        None => 2.0,
    };
    let middle = (test.depth + test.tokens / 2) as u64;
    Ok(bytes + test.batch as f64 * lm.cache_size().bytes(middle) as f64 * width / 2.0)
}
