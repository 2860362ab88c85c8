//! Speculative decoding: a draft guesses tokens, and the model checks several in one pass
//! ([Leviathan et al., 2022](https://arxiv.org/abs/2211.17192)).
//!
//! Each position is sampled from the model's scores as it would be without a draft, with the same random numbers, and a
//! guess is accepted if it is the token that was sampled. So the text is the same with a draft and without.

use super::{
    KvOptions, Sampling, Snapshot, Token, TokenOptions,
    draft::{Draft, Drafter},
    sequence::{Choice, Id, Sequence},
    stats::HostTime,
};
use crate::{Cache, Error, Result, models::LanguageModel};
use mlx::{Array, async_eval, concatenate, eval};
use std::time::Instant;

/// One sequence, generated with a draft.
pub struct Speculative<'m> {
    model: &'m dyn LanguageModel,
    sequence: Sequence,
    cache: Cache,
    drafter: Drafter<'m>,
    /// Guesses per round.
    count: usize,
    accepted: usize,
    host: HostTime,
    ended: bool,
}

impl<'m> Speculative<'m> {
    /// Guesses are taken back, and windows keep so few tokens more than they show.
    const MOST: usize = 32;

    /// A sequence that continues `prompt`, and perhaps starts from what an earlier one left behind.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty prompt, senseless options, a start that is not the prompt's, and a draft model that
    /// cannot take guesses back.
    pub fn new(
        model: &'m dyn LanguageModel,
        prompt: &[u32],
        options: TokenOptions,
        start: Option<Snapshot>,
        draft: Draft<'m>,
    ) -> Result<Speculative<'m>> {
        options.check()?;
        if prompt.is_empty() {
            return Err(Error::Invalid("the prompt is empty".into()));
        }
        let count = draft.count();
        if !(1..=Speculative::MOST).contains(&count) {
            let most = Speculative::MOST;
            return Err(Error::Invalid(format!("{count} draft tokens; it must be 1 to {most}")));
        }
        let mut cache = options.kv.cache_for(model, prompt, start)?;
        cache.expect(prompt.len() as i32);
        let sequence = Sequence::new(Id(0), prompt.to_vec(), options)?;
        let drafter = Drafter::new(draft)?;
        Ok(Speculative {
            model,
            sequence,
            cache,
            drafter,
            count,
            accepted: 0,
            host: HostTime::default(),
            ended: false,
        })
    }

    /// Whether guesses can be taken back from the cache of `model`.
    ///
    /// # Errors
    /// As [`KvOptions::new_cache`].
    pub fn is_possible(model: &dyn LanguageModel, kv: &KvOptions) -> Result<bool> {
        Ok(kv.new_cache(model)?.is_trimmable())
    }

    /// Where the time of this thread went so far.
    pub fn host_time(&self) -> HostTime {
        self.host
    }

    /// Tokens that the draft had guessed.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Runs the next chunk of the prompt: how many tokens have passed, and how many there are; `None` when only the last
    /// one is left.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn prefill(&mut self) -> Result<Option<(usize, usize)>> {
        let (done, total) = (self.cache.offset().max() as usize, self.sequence.prompt);
        if done + 1 >= total {
            return Ok(None);
        }
        let end = (done + self.sequence.options.prefill_step).min(total - 1);
        let chunk = &self.sequence.history[done..end];
        self.model.forward(&Array::from_slice(chunk, &[1, chunk.len() as i32]), &mut self.cache)?;
        eval(self.cache.arrays())?;
        mlx::memory::clear_cache()?;
        Ok(Some((end, total)))
    }

    /// The tokens of the next round: at least one, unless the sequence has ended.
    ///
    /// # Errors
    /// [`Error::Mlx`]; the sequence has ended then.
    pub fn round(&mut self) -> Result<Vec<Token>> {
        while self.prefill()?.is_some() {}
        if self.ended || self.sequence.options.max_tokens == 0 {
            return Ok(vec![]);
        }
        let start = Instant::now();
        let tokens = self.guess_and_check();
        self.host.total += start.elapsed();
        self.ended = !matches!(&tokens, Ok(tokens) if tokens.iter().all(|token| token.finish.is_none()));
        tokens
    }

    fn guess_and_check(&mut self) -> Result<Vec<Token>> {
        let produced = self.sequence.history.len() - self.sequence.prompt;
        let left = (self.sequence.options.max_tokens - produced).min(self.before_quantization());
        let guesses = self.drafter.guess(
            &self.sequence.history,
            self.count.min(left - 1),
            self.sampling(),
            produced,
            &self.sequence.options.protected,
        )?;
        let last = self.sequence.history[self.sequence.history.len() - 1..].to_vec();
        let mut inputs = vec![Array::from_slice(&last, &[1])];
        inputs.extend(guesses.arrays());
        let began = Instant::now();
        let tokens = concatenate(&inputs, 0)?.reshape([1, -1])?;
        let logits = self.model.forward(&tokens, &mut self.cache)?;
        async_eval([&logits].into_iter().chain(self.cache.arrays()))?;
        self.host.forward += began.elapsed();

        let began = Instant::now();
        let guesses = guesses.read()?;
        self.host.wait += began.elapsed();
        let choices = self.choose(&logits, &guesses)?;
        let accepted = self.accept(choices, &guesses)?;
        let surplus = guesses.len() + 1 - accepted.len();
        self.cache.trim(surplus as i32)?;
        self.host.steps += accepted.len();
        Ok(accepted)
    }

    /// How many tokens may be checked at once: one alone brings the cache to where it is quantized, as without a draft.
    fn before_quantization(&self) -> usize {
        let left = self.cache.tokens_before_quantization().unwrap_or(i32::MAX);
        usize::try_from(left - 1).unwrap_or_default().max(1)
    }

    fn sampling(&self) -> Sampling {
        self.sequence.options.sampling
    }

    /// The token at each position, if the guesses before it are right.
    fn choose(&mut self, logits: &Array, guesses: &[u32]) -> Result<Vec<Choice>> {
        let (known, mut choices) = (self.sequence.history.len(), vec![]);
        for i in 0..=guesses.len() {
            let row = i as i32..i as i32 + 1;
            choices.push(self.sequence.choose(&logits.at((0, row))?)?);
            let Some(&guess) = guesses.get(i) else { break };
            if !self.sequence.suppose(guess)? {
                break;
            }
        }
        let supposed = self.sequence.history.len() - known;
        self.sequence.take_back(supposed)?;
        self.sequence.scheduled = known - self.sequence.prompt;
        async_eval(choices.iter().flat_map(Choice::arrays))?;
        Ok(choices)
    }

    /// The tokens up to the first one that was not guessed, or that ends the sequence.
    fn accept(&mut self, choices: Vec<Choice>, guesses: &[u32]) -> Result<Vec<Token>> {
        let mut tokens = vec![];
        for (i, choice) in choices.into_iter().enumerate() {
            let began = Instant::now();
            let id = choice.token.item::<u32>()?;
            self.host.wait += began.elapsed();
            self.sequence.scheduled += 1;
            let token = self.sequence.accept(id, choice.scored)?;
            let (ends, guessed) = (token.finish.is_some(), guesses.get(i) == Some(&id));
            tokens.push(token);
            if ends || !guessed {
                break;
            }
            self.accepted += 1;
        }
        Ok(tokens)
    }

    /// What the sequence leaves behind.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.sequence, self.cache.clone())
    }
}
