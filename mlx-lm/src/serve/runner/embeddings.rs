//! Vectors of texts, made chunk by chunk between the steps of generations.

use super::{Flag, Outbox};
use crate::{
    Embedding, Lm, Result,
    serve::{
        failure::Failure,
        protocol::{Answer, Report, Vectors},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{collections::VecDeque, sync::atomic::Ordering};

/// Texts as tokens, and who asks for their vectors.
pub(super) struct Asked {
    pub(super) id: u64,
    pub(super) flag: Flag,
    pub(super) texts: Vec<Vec<u32>>,
    pub(super) dimensions: Option<usize>,
}

/// Requests for vectors, the oldest first.
#[derive(Default)]
pub(super) struct Embeddings<'m> {
    waiting: VecDeque<Asked>,
    current: Option<Current<'m>>,
}

struct Current<'m> {
    id: u64,
    flag: Flag,
    dimensions: Option<usize>,
    tokens: usize,
    embedding: Embedding<'m>,
}

impl<'m> Embeddings<'m> {
    pub(super) fn push(&mut self, asked: Asked) {
        self.waiting.push_back(asked);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some())
    }

    /// Lets go what nobody waits for any more.
    pub(super) fn sweep(&mut self) {
        self.waiting.retain(|asked| !asked.flag.load(Ordering::Relaxed));
        self.current.take_if(|current| current.flag.load(Ordering::Relaxed));
    }

    /// Tokens that the next chunk needs room for, with those that passed before it.
    pub(super) fn tokens_ahead(&mut self, lm: &'m Lm, out: &Outbox) -> usize {
        if self.current.is_none()
            && let Some(Asked { id, flag, texts, dimensions }) = self.waiting.pop_front()
        {
            let tokens = texts.iter().map(Vec::len).sum();
            match lm.embedding(texts) {
                Ok(embedding) => self.current = Some(Current { id, flag, dimensions, tokens, embedding }),
                Err(error) => answer(out, id, Err(Failure::from(&error))),
            }
        }
        self.current.as_ref().map_or(0, |current| current.embedding.tokens_ahead())
    }

    /// Runs a chunk.
    pub(super) fn step(&mut self, out: &Outbox) {
        let Some(mut current) = self.current.take() else { return };
        match current.embedding.step() {
            Ok(true) => self.current = Some(current),
            Ok(false) => answer(out, current.id, finish(current)),
            Err(error) => answer(out, current.id, Err(Failure::from(&error))),
        }
    }

    /// Tells the request whose turn it is that it fails.
    pub(super) fn refuse(&mut self, out: &Outbox, failure: Failure) {
        if let Some(current) = self.current.take() {
            answer(out, current.id, Err(failure));
        }
    }
}

fn answer(out: &Outbox, id: u64, answer: Result<Vectors, Failure>) {
    out.send(Report::Answer { id, answer: answer.map(Answer::Vectors) });
}

fn finish(current: Current<'_>) -> Result<Vectors, Failure> {
    let Current { dimensions, tokens, embedding, .. } = current;
    let is_normalized = embedding.is_normalized();
    let cut = |mut vector: Vec<f32>| {
        if let Some(size) = dimensions {
            if size > vector.len() {
                let message =
                    format!("`dimensions` is {size}; the model's vectors have {} numbers", vector.len());
                return Err(Failure::invalid("dimensions", message));
            }
            vector.truncate(size);
            if is_normalized {
                crate::embed::normalize(&mut vector);
            }
        }
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        Ok(STANDARD.encode(bytes))
    };
    let vectors = embedding.finish().into_iter().map(cut).collect::<Result<_, _>>()?;
    Ok(Vectors { vectors, tokens })
}
