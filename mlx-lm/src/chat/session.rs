//! A conversation that goes on: its messages, and what the model keeps of them.

use std::ops::ControlFlow;

use super::{Answer, AnswerEvent, AnswerParser};
use crate::generate::{Batch, Event, Snapshot};
use crate::{Error, Finish, Lm, Message, Request, Result, Stats, TemplateOptions};

/// A conversation with a model. The cache is kept between turns: only what is new in the conversation runs through the
/// model, as far as its kind of cache can go back to where the conversation changed.
///
/// ```no_run
/// # fn main() -> mlx_lm::Result<()> {
/// use mlx_lm::{Lm, Message, chat::{AnswerEvent, Session}};
/// use std::ops::ControlFlow;
///
/// let lm = Lm::load("smollm2:135m")?;
/// let mut session = Session::default();
/// for question in ["What is the capital of France?", "And of Italy?"] {
///     session.messages.push(Message::user(question));
///     session.answer(&lm, |request| Ok(request.max_tokens(100)), |events| {
///         for event in events {
///             if let AnswerEvent::Content(text) = event {
///                 print!("{text}");
///             }
///         }
///         ControlFlow::Continue(())
///     })?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct Session {
    /// What has been said. Change it as you like.
    pub messages: Vec<Message>,
    /// How it is rendered.
    pub options: TemplateOptions,
    kept: Option<Snapshot>,
}

/// How an answer came out.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its parts.
    pub answer: Answer,
    /// Why it ended; none if it was interrupted.
    pub finish: Option<Finish>,
    /// Counts and times.
    pub stats: Stats,
}

impl Session {
    /// Lets the model say the next message, which is added to the conversation unless it is empty.
    ///
    /// `change` sets what the request shall be like. `show` gets the new parts with each step, often none, and ends the
    /// answer by breaking; what was said until then is kept.
    ///
    /// # Errors
    /// As [`Lm::chat_with`] and [`Request::start`]; those of `change`; [`Error::Mlx`].
    pub fn answer<'m>(
        &mut self,
        lm: &'m Lm,
        change: impl FnOnce(Request<'m>) -> Result<Request<'m>>,
        mut show: impl FnMut(&[AnswerEvent]) -> ControlFlow<()>,
    ) -> Result<Reply> {
        let text = lm.tokenizer().apply_chat_template(&self.messages, &self.options)?;
        let prompt = lm.tokenizer().encode(&text, false)?;
        let start = self.kept.take().and_then(|kept| shared(kept, &prompt));
        let mut request = change(lm.generate(prompt))?.keep_cache();
        if let Some(start) = start {
            request = request.start_from(start);
        }
        let mut parser =
            AnswerParser::new(lm.tokenizer().answer_format()).tools(&self.options.tools).after_prompt(&text);
        let mut batch = Batch::new(lm);
        let id = batch.add(request)?;
        let mut reply = Reply { answer: Answer::default(), finish: None, stats: Stats::default() };
        while reply.finish.is_none() {
            let mut new = Vec::new();
            for event in batch.step()? {
                match event {
                    Event::Prefilled(_) => (),
                    Event::Piece { piece, .. } => new.extend(parser.push(&piece.text)),
                    Event::Failed { error, .. } => return Err(error),
                    Event::Finished { finish, stats, snapshot, .. } => {
                        new.extend(parser.finish());
                        (reply.finish, reply.stats, self.kept) = (Some(finish), stats, snapshot);
                    }
                }
            }
            let flow = show(&new);
            reply.answer.extend(new);
            if flow.is_break() && reply.finish.is_none() {
                reply.stats = batch.stats(id).unwrap_or_default();
                self.kept = batch.remove(id)?;
                let rest = parser.finish();
                let _ = show(&rest);
                reply.answer.extend(rest);
                break;
            }
        }
        reply.stats.peak_memory = mlx::memory::peak().map_err(Error::Mlx)?;
        if reply.answer != Answer::default() {
            self.messages.push(reply.answer.clone().into_message());
        }
        Ok(reply)
    }

    /// How many tokens of the conversation the cache holds.
    pub fn cached_tokens(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.tokens.len())
    }
}

/// What is kept of the beginning that it shares with `prompt`; none if the cache cannot go back to there.
fn shared(mut kept: Snapshot, prompt: &[u32]) -> Option<Snapshot> {
    // One token must be left to run.
    let most = prompt.len().saturating_sub(1);
    let count = kept.tokens.iter().zip(&prompt[..most]).take_while(|(a, b)| a == b).count();
    let back = i32::try_from(kept.tokens.len() - count).ok()?;
    if count == 0 || !kept.cache.can_trim(back) {
        return None;
    }
    kept.cache.trim(back).ok()?;
    kept.tokens.truncate(count);
    Some(kept)
}
