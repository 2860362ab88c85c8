//! One generation, as an iterator.

use super::{
    Batch, Draft, Event, Id, Piece, Prompt, Request, Snapshot, Stats, speculative::Speculative, stats::Clock,
    text::Text,
};
use crate::{Error, Result};
use std::collections::VecDeque;

/// A running generation. Dropping it stops the work.
pub struct Generation<'m> {
    source: Source<'m>,
    pieces: VecDeque<Piece>,
    note: Option<String>,
    outcome: Option<(Stats, Option<Snapshot>)>,
    done: bool,
}

enum Source<'m> {
    Plain { batch: Box<Batch<'m>>, id: Id },
    Speculative(Box<Drafted<'m>>),
}

/// A sequence with a draft, as text.
struct Drafted<'m> {
    tokens: Speculative<'m>,
    text: Text<'m>,
    clock: Clock,
    keep_cache: bool,
}

impl<'m> Generation<'m> {
    pub(super) fn new(mut request: Request<'m>) -> Result<Generation<'m>> {
        let model = request.lm.model();
        let mut note = None;
        if let Some(draft) = request.draft.take() {
            if Speculative::is_possible(model, &request.options.kv)? {
                let source = Source::Speculative(Box::new(Drafted::new(request, draft)?));
                return Ok(Generation::of(source, None));
            }
            note =
                Some("the model has recurrent layers, which cannot take guesses back; the draft is not used");
        }
        let mut batch = Box::new(Batch::new(request.lm));
        let id = batch.add(request)?;
        Ok(Generation::of(Source::Plain { batch, id }, note.map(str::to_owned)))
    }

    fn of(source: Source<'m>, note: Option<String>) -> Generation<'m> {
        Generation { source, pieces: VecDeque::new(), note, outcome: None, done: false }
    }

    /// What the user should know: an option that could not be followed.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Runs the next chunk of the prompt and gives how many of its tokens have passed, and how many there are; `None`
    /// when only the last one is left. Iterating does this too, without telling.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn prefill(&mut self) -> Result<Option<(usize, usize)>> {
        let events = match &mut self.source {
            Source::Plain { batch, .. } => batch.prefill()?,
            Source::Speculative(drafted) => return drafted.tokens.prefill(),
        };
        let progress = events.iter().find_map(|event| match event {
            Event::Prefilled(prefilled) => Some((prefilled.done, prefilled.total)),
            _ => None,
        });
        self.take(events)?;
        Ok(progress)
    }

    /// Counts and times so far.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn stats(&self) -> Result<Stats> {
        let now = match &self.source {
            Source::Plain { batch, id } => batch.stats(*id),
            Source::Speculative(drafted) => Some(drafted.stats()),
        };
        let stats = now.or(self.outcome.as_ref().map(|(stats, _)| *stats)).unwrap_or_default();
        Ok(Stats { peak_memory: mlx::memory::peak()?, ..stats })
    }

    /// What the generation has left behind, if it has ended and was asked to keep it.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        self.outcome.as_mut().and_then(|(_, snapshot)| snapshot.take())
    }

    fn take(&mut self, events: Vec<Event>) -> Result<()> {
        for event in events {
            match event {
                Event::Piece { piece, .. } => self.pieces.push_back(piece),
                Event::Finished { stats, snapshot, .. } => self.outcome = Some((stats, snapshot)),
                Event::Failed { error, .. } => return Err(error),
                Event::Prefilled(_) => {}
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<Piece>> {
        while self.pieces.is_empty() && self.outcome.is_none() {
            match &mut self.source {
                Source::Plain { batch, .. } => {
                    let events = batch.step()?;
                    self.take(events)?;
                }
                Source::Speculative(drafted) => {
                    let ended = drafted.advance(&mut self.pieces)?;
                    self.outcome = ended.then(|| (drafted.stats(), drafted.snapshot()));
                }
            }
        }
        Ok(self.pieces.pop_front())
    }
}

impl<'m> Drafted<'m> {
    fn new(mut request: Request<'m>, draft: Draft<'m>) -> Result<Drafted<'m>> {
        let length = request.prepare()?;
        let Request { lm, prompt, options, stop, start, .. } = request;
        let Prompt::Tokens(prompt) = prompt else {
            return Err(Error::Invalid("embeddings cannot be continued with a draft".into()));
        };
        let keep_cache = options.keep_cache;
        let cached = start.as_ref().map_or(0, |start| start.tokens.len().min(length.saturating_sub(1)));
        Ok(Drafted {
            tokens: Speculative::new(lm.model(), &prompt, options, start, draft)?,
            text: Text::new(lm.tokenizer(), stop),
            clock: Clock::new(length, cached),
            keep_cache,
        })
    }

    /// The pieces of the next round; true if they are the last.
    fn advance(&mut self, pieces: &mut VecDeque<Piece>) -> Result<bool> {
        let tokens = self.tokens.round()?;
        let mut ended = tokens.is_empty();
        for token in tokens {
            self.clock.tick();
            let piece = self.text.push(token)?;
            ended |= piece.finish.is_some();
            pieces.push_back(piece);
            if ended {
                break;
            }
        }
        Ok(ended)
    }

    fn stats(&self) -> Stats {
        let (host, drafted_tokens) = (self.tokens.host_time(), self.tokens.accepted());
        Stats { host, drafted_tokens, ..self.clock.stats }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        self.keep_cache.then(|| self.tokens.snapshot())
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.done {
            return None;
        }
        let item = self.advance();
        self.done = !matches!(&item, Ok(Some(piece)) if piece.finish.is_none());
        item.transpose()
    }
}

impl std::iter::FusedIterator for Generation<'_> {}
