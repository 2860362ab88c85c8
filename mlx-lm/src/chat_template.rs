//! Chat templates: the checkpoint's Jinja program that turns a conversation into the text the model was
//! trained on.
//!
//! Rendering follows transformers byte for byte. A template is a stranger's program, so a render is bounded
//! in steps, nesting and output, and it reaches neither files nor the network. (What the engine does not count
//! is comparing and joining, by `==`, `~` and `join`, lists that contain one another many times.)

use std::borrow::Cow;
use std::thread;
use std::time::SystemTime;

use minijinja::value::Serde;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

pub(crate) mod conversation;
mod environment;
mod json;
mod message;
mod methods;
mod output;
mod source;

pub use message::Message;
use output::{MAX_OUTPUT, Output};

/// The longest template, in bytes: compiling one takes quadratic time at worst.
const MAX_SOURCE: usize = 64 << 10;

/// Steps a render may take: a fraction of a second, or thousands of messages.
const FUEL: u64 = 1_000_000;

/// Stack of a render. Values that a template nests as deep as its fuel lasts are dropped and printed by
/// recursion.
const STACK_BYTES: usize = 512 << 20;

/// Marks the end of the final message while it is rendered, to cut there what the template writes after it.
const FINAL_MESSAGE_TAG: &str = "CONTINUE_FINAL_MESSAGE_TAG ";

/// The chat template of a checkpoint: one Jinja program, or several by name (`default`, `tool_use`, `rag`).
///
/// It is compiled when it is rendered, so that a checkpoint with a broken one still serves raw prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatTemplate {
    /// Name and source; never empty.
    templates: Vec<(String, String)>,
}

/// How to render a conversation.
#[derive(Clone, Debug)]
pub struct TemplateOptions {
    /// End with the header of the assistant's turn, so that the model answers. Default: true.
    pub add_generation_prompt: bool,
    /// Leave the final message open for the model to continue, instead of starting a new turn. Default:
    /// false.
    pub continue_final_message: bool,
    /// Tools the model may call: JSON schemas as in the OpenAI protocol.
    pub tools: Vec<Value>,
    /// Documents to ground the answer on: objects with `title` and `text`.
    pub documents: Vec<Value>,
    /// Whether a model that can should think first: the variables `enable_thinking` and `thinking`. Default: as the
    /// model does by itself.
    pub thinking: Option<bool>,
    /// Further variables, such as `reasoning_effort`; they win over the special tokens
    /// and over `thinking`.
    pub kwargs: Map<String, Value>,
    /// Which of several templates; by default `tool_use` if there are tools, else `default`.
    pub template: Option<String>,
    /// What `strftime_now` takes for the present, shown in the local time zone. Default: the clock.
    pub now: Option<SystemTime>,
}

impl Default for TemplateOptions {
    fn default() -> TemplateOptions {
        TemplateOptions {
            add_generation_prompt: true,
            continue_final_message: false,
            tools: Vec::new(),
            documents: Vec::new(),
            thinking: None,
            kwargs: Map::new(),
            template: None,
            now: None,
        }
    }
}

impl ChatTemplate {
    /// A template from its Jinja source.
    pub fn new(source: impl Into<String>) -> ChatTemplate {
        ChatTemplate { templates: vec![("default".into(), source.into())] }
    }

    /// The source of the template that a plain conversation uses.
    pub fn source(&self) -> &str {
        let default = self.templates.iter().find(|(name, _)| name == "default");
        default.or(self.templates.first()).map_or("", |(_, source)| source)
    }

    /// The source of the template that a conversation with tools uses.
    pub(crate) fn source_with_tools(&self) -> &str {
        let tools = self.templates.iter().find(|(name, _)| name == "tool_use");
        tools.map_or(self.source(), |(_, source)| source)
    }

    /// Renders `messages`. `special_tokens` are variables such as `bos_token`.
    ///
    /// Fails with [`Error::Template`], naming the line, if the template does not parse, refuses the
    /// conversation (`raise_exception`) or exceeds its limits.
    pub fn render(
        &self,
        messages: &[Message],
        special_tokens: &Map<String, Value>,
        options: &TemplateOptions,
    ) -> Result<String> {
        let (name, source) = self.select(options)?;
        if source.len() > MAX_SOURCE {
            return Err(Error::Template(format!("`{name}` is longer than {MAX_SOURCE} bytes")));
        }
        let (messages, last) = prepare(messages, options)?;
        let mut context = special_tokens.clone();
        if let Some(thinking) = options.thinking {
            context.extend(["enable_thinking", "thinking"].map(|key| (key.to_owned(), thinking.into())));
        }
        context.extend(options.kwargs.clone());
        let given = [
            ("messages", Value::Array(messages)),
            ("tools", list_or_null(&options.tools)),
            ("documents", list_or_null(&options.documents)),
            ("add_generation_prompt", options.add_generation_prompt.into()),
        ];
        for (key, value) in given {
            if options.kwargs.contains_key(key) {
                return Err(Error::Template(format!(
                    "`{key}` cannot be a template argument; it has its own option"
                )));
            }
            context.insert(key.into(), value);
        }
        let text = execute(name, source, &context, options.now.unwrap_or_else(SystemTime::now))?;
        if options.continue_final_message { cut_after(text, &last) } else { Ok(text) }
    }

    fn select(&self, options: &TemplateOptions) -> Result<(&str, &str)> {
        let find = |wanted: &str| self.templates.iter().find(|(name, _)| name == wanted);
        let found = match &options.template {
            Some(name) => find(name),
            None if options.tools.is_empty() => find("default"),
            None => find("tool_use").or_else(|| find("default")),
        };
        found.map(|(name, source)| (name.as_str(), source.as_str())).ok_or_else(|| {
            let known: Vec<&str> = self.templates.iter().map(|(name, _)| name.as_str()).collect();
            let wanted = options.template.as_deref().unwrap_or("default");
            Error::Template(format!("there is none named `{wanted}`; known: {}", known.join(", ")))
        })
    }
}

/// An empty list is passed as none, which is what templates test for.
fn list_or_null(list: &[Value]) -> Value {
    if list.is_empty() { Value::Null } else { Value::Array(list.to_vec()) }
}

/// The messages as the template sees them; if the last one is to be continued, tagged, and its untagged text.
fn prepare(messages: &[Message], options: &TemplateOptions) -> Result<(Vec<Value>, String)> {
    let mut fields: Vec<_> = messages.iter().map(Message::for_template).collect();
    let Some(last) = fields.last_mut() else {
        return Err(Error::Template("the conversation is empty; give it at least one message".into()));
    };
    let mut text = String::new();
    if options.continue_final_message {
        if options.add_generation_prompt {
            let message = "a final message is either continued or followed by a generation prompt, not both";
            return Err(Error::Template(message.into()));
        }
        let slot = last
            .get_mut("content")
            .and_then(final_text)
            .ok_or_else(|| Error::Template("the final message has no text to continue".into()))?;
        text.clone_from(slot);
        slot.push_str(FINAL_MESSAGE_TAG);
    }
    Ok((fields.into_iter().map(Value::Object).collect(), text))
}

/// The string of `content`, or of its last text part.
fn final_text(content: &mut Value) -> Option<&mut String> {
    match content {
        Value::String(text) => Some(text),
        Value::Array(parts) => parts.iter_mut().rev().find_map(|part| match part.get_mut("text") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }),
        _ => None,
    }
}

/// What was rendered before the tag. A template that trims messages has eaten the tag's blank; then the text
/// before it is trimmed as well.
fn cut_after(mut rendered: String, last: &str) -> Result<String> {
    let tag = FINAL_MESSAGE_TAG.trim_end();
    let at = rendered.rfind(tag).filter(|_| rendered.contains(last.trim())).ok_or_else(|| {
        Error::Template("the template changes or drops the final message, so it cannot be continued".into())
    })?;
    let trimmed = !rendered[at..].starts_with(FINAL_MESSAGE_TAG);
    rendered.truncate(at);
    if trimmed {
        rendered.truncate(rendered.trim_end().len());
    }
    Ok(rendered)
}

/// Runs the template on a thread of its own, for the stack, and so that a panic there is an error here.
fn execute(name: &str, source: &str, context: &Map<String, Value>, now: SystemTime) -> Result<String> {
    let thread = thread::Builder::new().name("chat template".into()).stack_size(STACK_BYTES);
    thread::scope(|scope| {
        // Errors hold values of the template; they, too, are dropped there.
        let task = || run(name, source, context, now).map_err(|error| template_error(name, &error));
        let task = thread.spawn_scoped(scope, task);
        let task = task.map_err(|error| Error::Template(format!("no thread to render it: {error}")))?;
        task.join().unwrap_or_else(|_| Err(Error::Template(format!("`{name}`: the engine failed"))))
    })
}

fn run(
    name: &str,
    source: &str,
    context: &Map<String, Value>,
    now: SystemTime,
) -> Result<String, minijinja::Error> {
    let environment = environment::environment(now, FUEL);
    let source = without_generation_tags(source);
    let template = environment.template_from_named_str(name, &source)?;
    let mut output = Output::default();
    template.render_captured_to(minijinja::Value::from(Serde(context)), &mut output)?;
    Ok(output.into_text())
}

fn template_error(name: &str, error: &minijinja::Error) -> Error {
    use minijinja::ErrorKind::{OutOfFuel, WriteFailure};
    let reason = match error.kind() {
        OutOfFuel => "it takes too long".to_string(),
        WriteFailure => format!("it writes more than {MAX_OUTPUT} bytes"),
        kind => error.detail().map_or_else(|| kind.to_string(), str::to_string),
    };
    let place = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
    Error::Template(format!("`{name}`{place}: {reason}"))
}

/// Turns transformers' `{% generation %}` blocks, which only mark what to train on, into `{% with %}` blocks:
/// the same scope and whitespace rules, and no effect.
fn without_generation_tags(source: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut copied = 0;
    for (at, _) in source.match_indices("{%") {
        let tag = source[at + 2..].trim_start_matches(['-', '+']).trim_start();
        let (word, replacement) = match tag {
            _ if tag.starts_with("generation") => ("generation", "with"),
            _ if tag.starts_with("endgeneration") => ("endgeneration", "endwith"),
            _ => continue,
        };
        let rest = tag[word.len()..].trim_start().trim_start_matches(['-', '+']);
        if rest.starts_with("%}") {
            let start = source.len() - tag.len();
            text.push_str(&source[copied..start]);
            text.push_str(replacement);
            copied = start + word.len();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(source);
    }
    text.push_str(&source[copied..]);
    Cow::Owned(text)
}
