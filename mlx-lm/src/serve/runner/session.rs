//! From the tokens of one generation to the text, reasoning and calls that its client sees.

use crate::{
    Detokenizer, Result, StopStrings, Tokenizer,
    serve::protocol::{Delta, Reason},
};

/// The text state of one generation.
pub(super) struct Session<'t> {
    tokenizer: &'t Tokenizer,
    detokenizer: Detokenizer<'t>,
    stop: StopStrings,
    max_tokens: usize,
    tokens: usize,
}

/// What a token brings.
#[derive(Default)]
pub(super) struct Step {
    pub(super) delta: Delta,
    pub(super) finish: Option<Reason>,
}

impl<'t> Session<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer, stop: Vec<String>, max_tokens: usize) -> Session<'t> {
        let detokenizer = Detokenizer::new(tokenizer);
        Session { tokenizer, detokenizer, stop: StopStrings::new(stop), max_tokens, tokens: 0 }
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// The stop string that ended the text.
    pub(super) fn stop_string(&self) -> Option<String> {
        self.stop.matched().map(str::to_owned)
    }

    pub(super) fn push(&mut self, id: u32) -> Result<Step> {
        self.tokens += 1;
        if self.tokenizer.eos_ids().contains(&id) {
            return self.last(String::new(), Reason::Stop);
        }
        let text = self.detokenizer.push(id)?;
        let held = self.stop.push(&text);
        if held.stopped {
            return Ok(step(held.text, Some(Reason::Stop)));
        }
        if self.tokens >= self.max_tokens {
            return self.last(held.text, Reason::Length);
        }
        Ok(step(held.text, None))
    }

    /// The last step, with all text that was held back.
    fn last(&mut self, mut text: String, reason: Reason) -> Result<Step> {
        let rest = self.detokenizer.finish()?;
        let held = self.stop.push(&rest);
        text.push_str(&held.text);
        if held.stopped {
            return Ok(step(text, Some(Reason::Stop)));
        }
        text.push_str(&self.stop.finish());
        Ok(step(text, Some(reason)))
    }
}

fn step(text: String, finish: Option<Reason>) -> Step {
    Step { delta: Delta { text, ..Delta::default() }, finish }
}
