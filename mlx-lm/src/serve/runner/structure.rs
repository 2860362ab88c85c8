//! What an answer must spell: JSON of a schema, or a call of a tool.

use crate::{
    Structure, Tokenizer,
    chat::{ANY, CallGrammar, text_until},
    serve::{
        failure::Failure,
        protocol::{Conversation, Format, Input, Job, ToolChoice},
    },
};
use serde_json::{Value, json};

/// Between two parts of JSON there are so many blanks at most: models may write them without end.
const BLANKS: &str = r"[ \n\r\t]{1,16}";

/// Whether a model's calls can be forced.
pub(super) fn can_force(tokenizer: &Tokenizer) -> bool {
    tokenizer.answer_format().spelling(tokenizer).is_some()
}

/// Whether an answer is a call or follows a format as its beginning says.
pub(super) fn can_choose(tokenizer: &Tokenizer) -> bool {
    can_force(tokenizer) && !tokenizer.answer_format().is_ambiguous()
}

/// Whether a job's conversation asks for a call.
pub(super) fn forces(conversation: &Conversation) -> bool {
    matches!(conversation.choice, ToolChoice::Required | ToolChoice::Named(_))
}

/// Whether a job's answer may be a call, though none is forced.
pub(super) fn may_call(conversation: &Conversation) -> bool {
    !conversation.tools.is_empty() && conversation.choice == ToolChoice::Auto
}

/// What the answer to `job`, behind the prompt `rendered`, must spell, if it is not free.
pub(super) fn structure(
    tokenizer: &Tokenizer,
    job: &Job,
    rendered: Option<&str>,
) -> Result<Option<Structure>, Failure> {
    let schema = match &job.format {
        Format::Text => None,
        Format::Json => Some(bounded(json!({ "type": "object" }))),
        Format::Schema(schema) => Some(bounded(schema.clone())),
    };
    let thoughts = rendered.and_then(|prompt| thoughts(tokenizer, prompt));
    let (answer, rules) = match (&job.input, schema) {
        (Input::Chat(conversation), _) if forces(conversation) => {
            let CallGrammar { around: [before, _, behind], rules } = calls(tokenizer, conversation)?;
            (format!("{before}call {behind}"), rules)
        }
        (Input::Chat(conversation), Some(schema)) if may_call(conversation) => {
            let CallGrammar { around: [before, between, behind], rules } = calls(tokenizer, conversation)?;
            let more = if conversation.one_call { String::new() } else { format!("({between}call)* ") };
            (format!("({before}call {more}{behind}| answer)"), format!("{rules}answer: %json {schema}\n"))
        }
        (_, None) => return Ok(None),
        (_, Some(schema)) if thoughts.is_none() => return Ok(Some(Structure::JsonSchema(schema))),
        (_, Some(schema)) => ("answer".into(), format!("answer: %json {schema}\n")),
    };
    let (before, more) = match thoughts {
        Some(rule) => ("thoughts \"\\n\\n\"? ", rule),
        None => ("", String::new()),
    };
    Ok(Some(Structure::Lark(format!("start: {before}{answer}\n{rules}{more}"))))
}

/// The schema with bounded blanks, and none of the client's own options for the grammar.
fn bounded(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("x-guidance".into(), json!({ "whitespace_pattern": BLANKS }));
    }
    schema
}

/// The rule `thoughts`, if the prompt has opened them: the answer is behind them.
fn thoughts(tokenizer: &Tokenizer, prompt: &str) -> Option<String> {
    let (open, close) = tokenizer.answer_format().thinking()?;
    prompt
        .trim_end()
        .ends_with(open)
        .then(|| text_until(tokenizer, "thoughts", ANY, close, [close].into_iter()))
}

/// The grammar of calls of the tools that may be called.
fn calls(tokenizer: &Tokenizer, conversation: &Conversation) -> Result<CallGrammar, Failure> {
    let may_be_called = |tool: &&Value| match &conversation.choice {
        ToolChoice::Named(name) => tool["function"]["name"] == name.as_str(),
        _ => true,
    };
    let tools: Vec<&Value> = conversation.tools.iter().filter(may_be_called).collect();
    let spelling = tokenizer.answer_format().spelling(tokenizer);
    let spelling = spelling.ok_or_else(|| Failure::unsupported("tool_choice", CANNOT_FORCE))?;
    let blanks = json!({ "whitespace_pattern": BLANKS });
    spelling.grammar(tokenizer, &tools, &blanks).map_err(|what| Failure::invalid("tools", what))
}

/// Why calls are not forced.
pub(super) const CANNOT_FORCE: &str =
    "this model's calls cannot be forced: its chat template shows no known format; use auto or none";
