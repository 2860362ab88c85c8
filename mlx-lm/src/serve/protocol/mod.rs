//! What a runner process speaks: one internal form of request and answer, which every API is translated to and from.

mod frames;

pub(super) use frames::{read_frame, read_frame_async, write_frame, write_frame_async};

use super::failure::Failure;
use crate::{Message, source::Location};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// From the front to a runner.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// The first frame: which model to load.
    Load(LoadOptions),
    /// Starts a generation; its events carry `id`.
    Generate { id: u64, job: Box<Job> },
    /// Stops a generation. Nothing more is heard of it.
    Cancel { id: u64 },
    /// A question about text, answered by one [`Report::Answer`].
    Ask { id: u64, question: Question },
}

/// From a runner to the front.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The model is loaded.
    Ready(Facts),
    /// The model could not be loaded.
    Broken(Failure),
    /// Something happened to generation `id`.
    Event { id: u64, event: Event },
    /// The answer to a question.
    Answer { id: u64, answer: Result<Answer, Failure> },
    /// What the runner holds, sent when it changes and at most a few times a second.
    Gauges(Gauges),
}

/// What a runner loads, and its limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoadOptions {
    pub(super) folder: Option<std::path::PathBuf>,
    pub(super) gguf: Option<std::path::PathBuf>,
    /// The most sequences that decode together.
    pub(super) batch: usize,
    /// Prompt tokens per evaluation.
    pub(super) prefill_step: usize,
    /// The most tokens of prompt and answer; none is the model's own.
    pub(super) context: Option<usize>,
    /// Bytes the prefix cache may hold.
    pub(super) prefix_bytes: u64,
    /// Bytes MLX may hold in all; none is unlimited.
    pub(super) memory: Option<u64>,
}

impl LoadOptions {
    pub(super) fn location(&self) -> Option<Location> {
        let folder = self.folder.clone().map(Location::Folder);
        folder.or_else(|| self.gguf.clone().map(Location::Gguf))
    }
}

/// What is known of a loaded model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) model_type: String,
    pub(super) context_length: Option<usize>,
    pub(super) vocabulary: usize,
    pub(super) weight_bytes: u64,
    pub(super) has_template: bool,
    pub(super) can_call_tools: bool,
    /// Why the model makes no vectors of texts; none if it does.
    pub(super) no_vectors: Option<String>,
    /// Whether what the model keeps of a text can be cut back to any beginning of it.
    pub(super) can_cut: bool,
    pub(super) warnings: Vec<String>,
}

/// What a runner holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Gauges {
    pub(super) active_bytes: u64,
    pub(super) pool_bytes: u64,
    pub(super) peak_bytes: u64,
    pub(super) prefix_bytes: u64,
    pub(super) prefix_entries: u64,
    pub(super) running: u64,
    pub(super) waiting: u64,
}

/// One generation, whichever API asked for it. What is none is the model's own default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) max_tokens: Option<usize>,
    pub(super) sampling: SamplingChoice,
    pub(super) stop: Vec<String>,
    /// Report the logarithm of each token's probability, and of this many alternatives.
    pub(super) logprobs: Option<u8>,
    pub(super) format: Format,
    /// The most tokens of prompt and answer, where the model allows more.
    pub(super) context: Option<usize>,
    /// Separates the cached prefixes of those who may not see one another's traffic.
    pub(super) salt: u64,
    /// Milliseconds after which the generation is given up.
    pub(super) deadline: Option<u64>,
}

/// What to continue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Input {
    Chat(Conversation),
    Text(String),
    Tokens(Vec<u32>),
}

impl Default for Input {
    fn default() -> Input {
        Input::Text(String::new())
    }
}

/// A conversation to answer, in the shape that chat templates read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    pub(super) tools: Vec<Value>,
    pub(super) choice: ToolChoice,
    /// End the answer after its first call.
    pub(super) one_call: bool,
    /// Variables of the template, such as `enable_thinking`.
    pub(super) kwargs: Map<String, Value>,
    /// Continue the last message, the model's own, instead of answering it.
    pub(super) continue_last: bool,
}

/// Whether tools may, must or must not be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum ToolChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

/// How tokens are chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SamplingChoice {
    pub(super) temperature: Option<f32>,
    pub(super) top_p: Option<f32>,
    pub(super) top_k: Option<u32>,
    pub(super) min_p: Option<f32>,
    pub(super) seed: Option<u64>,
    pub(super) repetition_penalty: Option<f32>,
    pub(super) presence_penalty: Option<f32>,
    pub(super) frequency_penalty: Option<f32>,
    /// How many of the last tokens penalties look at.
    pub(super) penalty_window: Option<usize>,
    pub(super) logit_bias: Vec<(u32, f32)>,
}

/// What the answer must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Format {
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema(Value),
}

/// A question about text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    Tokenize { text: String, special: bool },
    Detokenize { tokens: Vec<u32>, skip_special: bool },
    Render(Conversation),
    Count(Input),
    Embed(Texts),
}

/// Texts to make vectors of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) inputs: Vec<Input>,
    /// Cut what is too long, instead of refusing it.
    pub(super) truncate: bool,
    /// The numbers of a vector to keep; none keeps all.
    pub(super) dimensions: Option<usize>,
    /// The most tokens of a text, where the model allows more.
    pub(super) context: Option<usize>,
}

/// The vectors of [`Texts`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Vectors {
    /// In the order of the texts, each `f32` numbers, little end first, as base64.
    pub(super) vectors: Vec<String>,
    /// Tokens of all texts.
    pub(super) tokens: usize,
}

/// The answer to a [`Question`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Tokens(Vec<u32>),
    Text(String),
    Count(usize),
    Vectors(Vectors),
}

/// What happens to a generation. `Accepted` comes first, `Finished` or `Failed` last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Event {
    /// The request is sound and waits its turn.
    Accepted {
        prompt_tokens: usize,
    },
    /// The prompt is being read.
    Prefill {
        done: usize,
        total: usize,
    },
    Delta(Delta),
    Finished(Finished),
    Failed(Failure),
}

/// A piece of the answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Delta {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) reasoning: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) logprobs: Vec<TokenLogprob>,
}

/// A whole call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// A JSON object.
    pub(super) arguments: Map<String, Value>,
}

/// A token, and how probable it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TokenLogprob {
    pub(super) id: u32,
    pub(super) token: String,
    pub(super) logprob: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) top: Vec<(u32, String, f32)>,
}

/// The end of a generation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Finished {
    pub(super) reason: Reason,
    /// The stop string that ended it.
    pub(super) stop: Option<String>,
    pub(super) usage: Usage,
    pub(super) timings: Timings,
    /// Texts that were marked as calls and are none.
    pub(super) malformed_calls: usize,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reason {
    #[default]
    Stop,
    Length,
    ToolCalls,
}

/// Tokens of a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) prompt: usize,
    /// Of the prompt's tokens, those that a cached prefix spared.
    pub(super) cached: usize,
    pub(super) completion: usize,
    /// Of the completion's tokens, those of the reasoning.
    pub(super) reasoning: usize,
}

impl Usage {
    pub(super) fn total(&self) -> usize {
        self.prompt + self.completion
    }

    /// Adds another choice of the same request, whose prompt is the same.
    pub(super) fn add_choice(&mut self, other: &Usage) {
        self.prompt = self.prompt.max(other.prompt);
        self.cached = self.cached.max(other.cached);
        self.completion += other.completion;
        self.reasoning += other.reasoning;
    }
}

/// Times of a generation, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Timings {
    pub(super) queue: u64,
    pub(super) prefill: u64,
    pub(super) decode: u64,
    /// The model's part of `decode`, with waiting for the device.
    pub(super) model: u64,
}
