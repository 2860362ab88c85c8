//! One generation, as an iterator.

use super::{Batch, Event, Id, Piece, Request, Snapshot, Stats};
use crate::Result;
use std::collections::VecDeque;

/// A running generation. Dropping it stops the work.
pub struct Generation<'m> {
    batch: Batch<'m>,
    id: Id,
    events: VecDeque<Event>,
    outcome: Option<(Stats, Option<Snapshot>)>,
    done: bool,
}

impl<'m> Generation<'m> {
    pub(super) fn new(request: Request<'m>) -> Result<Generation<'m>> {
        let mut batch = Batch::new(request.lm);
        let id = batch.add(request)?;
        Ok(Generation { batch, id, events: VecDeque::new(), outcome: None, done: false })
    }

    /// Runs the next chunk of the prompt and gives how many of its tokens have passed, and how many there are; `None`
    /// when only the last one is left. Iterating does this too, without telling.
    ///
    /// # Errors
    /// [`Error::Mlx`](crate::Error::Mlx).
    pub fn prefill(&mut self) -> Result<Option<(usize, usize)>> {
        let events = self.batch.prefill()?;
        let progress = events.iter().find_map(|event| match event {
            Event::Prefilled(prefilled) => Some((prefilled.done, prefilled.total)),
            _ => None,
        });
        self.events.extend(events);
        Ok(progress)
    }

    /// Counts and times so far.
    ///
    /// # Errors
    /// [`Error::Mlx`](crate::Error::Mlx).
    pub fn stats(&self) -> Result<Stats> {
        let stats = match &self.outcome {
            Some((stats, _)) => Some(*stats),
            None => self.batch.stats(self.id),
        };
        Ok(Stats {
            peak_memory: mlx::memory::peak()?,
            host: self.batch.host_time(),
            ..stats.unwrap_or_default()
        })
    }

    /// What the generation has left behind, if it has ended and was asked to keep it.
    pub fn take_snapshot(&mut self) -> Option<Snapshot> {
        self.outcome.as_mut().and_then(|(_, snapshot)| snapshot.take())
    }

    fn advance(&mut self) -> Option<Result<Piece>> {
        loop {
            match self.events.pop_front() {
                Some(Event::Piece { piece, .. }) => return Some(Ok(piece)),
                Some(Event::Failed { error, .. }) => return Some(Err(error)),
                Some(Event::Finished { stats, snapshot, .. }) => {
                    self.outcome = Some((stats, snapshot));
                    return None;
                }
                Some(Event::Prefilled(_)) => {}
                None => match self.batch.step() {
                    Ok(events) => self.events.extend(events),
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.done {
            return None;
        }
        let item = self.advance();
        let last = match &item {
            Some(Ok(piece)) => piece.finish.is_some(),
            _ => true,
        };
        if last {
            self.done = true;
            // What the end brings is known with the last piece.
            for event in self.events.drain(..) {
                if let Event::Finished { stats, snapshot, .. } = event {
                    self.outcome = Some((stats, snapshot));
                }
            }
        }
        item
    }
}

impl std::iter::FusedIterator for Generation<'_> {}
