//! From the pieces of one generation to the text, reasoning and calls that its client sees.

use crate::{
    Piece, Tokenizer,
    chat::{AnswerEvent, AnswerParser},
    serve::{
        protocol::{Delta, Input, Job, TokenLogprob, ToolCall},
        random_hex,
    },
};

/// What of an answer has been seen.
pub(super) struct Session {
    /// None where the text is taken as it is.
    parser: Option<AnswerParser>,
    one_call: bool,
    wants_logprobs: bool,
    pub(super) tokens: usize,
    pub(super) reasoning: usize,
    pub(super) calls: usize,
    pub(super) malformed: usize,
}

impl Session {
    /// `rendered` is the prompt as text, if it was made of a conversation.
    pub(super) fn new(tokenizer: &Tokenizer, job: &Job, rendered: Option<&str>) -> Session {
        let (mut parser, mut one_call) = (None, false);
        if let (Input::Chat(conversation), Some(rendered)) = (&job.input, rendered) {
            let format = tokenizer.answer_format();
            parser = Some(AnswerParser::new(format).tools(&conversation.tools).after_prompt(rendered));
            one_call = conversation.one_call;
        }
        let wants_logprobs = job.logprobs.is_some();
        Session { parser, one_call, wants_logprobs, tokens: 0, reasoning: 0, calls: 0, malformed: 0 }
    }

    /// What the next piece brings.
    pub(super) fn push(&mut self, tokenizer: &Tokenizer, piece: Piece) -> Delta {
        self.tokens += 1;
        let mut delta = Delta::default();
        if self.wants_logprobs && !tokenizer.eos_ids().contains(&piece.id) {
            delta.logprobs.extend(logprob(tokenizer, &piece));
        }
        let Some(parser) = &mut self.parser else {
            delta.text = piece.text;
            return delta;
        };
        let mut events = parser.push(&piece.text);
        if piece.finish.is_some() {
            events.extend(parser.finish());
        }
        self.take(events, &mut delta);
        delta
    }

    /// Whether the one call that was wanted has come.
    pub(super) fn is_satisfied(&self) -> bool {
        self.one_call && self.calls > 0
    }

    fn take(&mut self, events: Vec<AnswerEvent>, delta: &mut Delta) {
        for event in events {
            match event {
                AnswerEvent::Reasoning(text) => delta.reasoning += &text,
                AnswerEvent::Content(text) => delta.text += &text,
                // The whole call follows.
                AnswerEvent::ToolCallDelta(_) => {}
                AnswerEvent::ToolCall(_) if self.is_satisfied() => {}
                AnswerEvent::ToolCall(call) => {
                    self.calls += 1;
                    let id = call.id.unwrap_or_else(|| format!("call_{}", &random_hex()[..24]));
                    delta.calls.push(ToolCall { id, name: call.name, arguments: call.arguments });
                }
                // The client sees what the model wrote, instead of nothing.
                AnswerEvent::Malformed { text, .. } => {
                    self.malformed += 1;
                    delta.text += &text;
                }
            }
        }
        self.reasoning += usize::from(!delta.reasoning.is_empty());
    }
}

fn logprob(tokenizer: &Tokenizer, piece: &Piece) -> Option<TokenLogprob> {
    let logprobs = piece.logprobs.as_ref()?;
    // An id without text has none to report.
    let text = |id: u32| tokenizer.decode(&[id], false).unwrap_or_default();
    let top = logprobs.top.iter().map(|&(id, logprob)| (id, text(id), logprob)).collect();
    Some(TokenLogprob { id: piece.id, token: text(piece.id), logprob: logprobs.logprob, top })
}
