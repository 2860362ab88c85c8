//! Which markers a model writes: found in its chat template and its vocabulary.

use super::headers::{HARMONY, Headers, MUSE_SPARK};
use super::tools::{self, Spelling, ToolFormat};
use crate::Tokenizer;

/// How a model marks the parts of its answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerFormat {
    pub(super) thinking: Option<(&'static str, &'static str)>,
    pub(super) tools: Option<&'static ToolFormat>,
    pub(super) headers: Option<&'static Headers>,
    /// Further markers, which only frame the content.
    pub(super) frames: &'static [&'static str],
}

/// Markers of reasoning, and the tokens that a model with them has.
struct Thinking {
    open: &'static str,
    close: &'static str,
    tokens: [&'static str; 2],
}

const THINKING: [Thinking; 9] = [
    thinking("<think>", "</think>"),
    thinking("<longcat_think>", "</longcat_think>"),
    thinking("<|think:start|>", "<|think:end|>"),
    thinking("<seed:think>", "</seed:think>"),
    thinking("[THINK]", "[/THINK]"),
    thinking("<|START_THINKING|>", "<|END_THINKING|>"),
    thinking("<thought>", "</thought>"),
    Thinking { open: "<|channel>thought", close: "<channel|>", tokens: ["<|channel>", "<channel|>"] },
    Thinking {
        open: "<|open|>think<|sep|>",
        close: "<|close|>think<|sep|>",
        tokens: ["<|open|>", "<|end_of_msg|>"],
    },
];

const fn thinking(open: &'static str, close: &'static str) -> Thinking {
    Thinking { open, close, tokens: [open, close] }
}

/// A text of the template or a token of the vocabulary, and the frames around the content that it tells of.
const FRAMES: [(&str, &[&str]); 3] = [
    ("<response></response>", &["<response>", "</response>"]),
    ("<|START_RESPONSE|>", &["<|START_RESPONSE|>", "<|END_RESPONSE|>"]),
    (
        "<|end_of_msg|>",
        &["<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>", "<|end_of_msg|>"],
    ),
];

impl AnswerFormat {
    /// The format of a model with this chat template and these tokens.
    ///
    /// `declared` is the `tool_parser_type` of `tokenizer_config.json`, which names a tool format outright:
    /// `json_tools`, `qwen3_coder`, `mistral`, … An unknown name counts as none.
    pub fn detect(
        template: Option<&str>,
        declared: Option<&str>,
        has_token: impl Fn(&str) -> bool,
    ) -> AnswerFormat {
        let template = template.unwrap_or_default();
        let known = |text: &str| has_token(text) || template.contains(text);
        let headers = if template.contains("<atem:function_calls>") || declared == Some("muse_spark") {
            Some(&MUSE_SPARK)
        } else if ["<|channel|>", "<|message|>"].into_iter().all(known) {
            Some(&HARMONY)
        } else {
            None
        };
        AnswerFormat {
            thinking: if headers.is_some() { None } else { thinking_of(template, &has_token) },
            tools: tools::detect(template, declared, &has_token),
            headers,
            frames: FRAMES.iter().find(|(sign, _)| known(sign)).map_or(&[], |(_, frames)| frames),
        }
    }

    /// The texts that open and close the reasoning, if the model marks it by a pair.
    pub fn thinking(&self) -> Option<(&'static str, &'static str)> {
        self.thinking
    }

    /// Whether the answer may hold reasoning.
    pub fn has_thinking(&self) -> bool {
        self.thinking.is_some() || self.headers.is_some()
    }

    /// Whether an answer that is JSON may look like a call.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.tools.is_some_and(|format| format.bare)
    }

    /// How calls must be written, if there is a grammar for them.
    pub(crate) fn spelling(&self, tokenizer: &Tokenizer) -> Option<&'static Spelling> {
        let message = self.headers.and_then(|headers| headers.calls.as_ref());
        message.or_else(|| self.tools?.spellings.iter().find(|spelling| spelling.fits(tokenizer)))
    }

    /// The name of the tool format, if the model calls tools in a known one.
    pub fn tool_format(&self) -> Option<&'static str> {
        self.tools.map(|format| format.name)
    }
}

/// The pair in the vocabulary that a model thinks between, as Python mlx-lm finds it.
pub(crate) fn thinking_tokens(has_token: impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    let pair = THINKING.iter().find(|pair| pair.tokens.iter().all(|token| has_token(token)));
    pair.map(|pair| (pair.open, pair.close))
}

/// The pair of the vocabulary; else one of ordinary text that the template speaks of.
fn thinking_of(template: &str, has_token: &impl Fn(&str) -> bool) -> Option<(&'static str, &'static str)> {
    thinking_tokens(has_token).or_else(|| {
        let spoken_of = |pair: &&Thinking| template.contains(pair.open) && template.contains(pair.close);
        THINKING.iter().find(spoken_of).map(|pair| (pair.open, pair.close))
    })
}
