//! Llama 3's calls, which may stand without markers: `{"name": "f", "parameters": {…}}` at the answer's beginning.

use serde_json::Value;

use super::super::json_scan::JsonScan;
use super::{ParsedCall, Tools, json};

/// The text at the beginning of an answer, or behind a call there.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Candidate {
    text: String,
    scan: JsonScan,
    /// How far the text is scanned.
    scanned: usize,
}

/// What the text is.
#[derive(Debug, PartialEq)]
pub(in super::super) enum Decision {
    /// That is open yet.
    Open,
    /// No call.
    Text,
    /// A call; the text behind it is left.
    Call(ParsedCall),
}

/// The keys that a call can begin with.
const KEYS: [&str; 5] = ["name", "type", "function", "parameters", "arguments"];

impl Candidate {
    pub(in super::super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What is not part of a call.
    pub(in super::super) fn take_text(&mut self) -> String {
        std::mem::take(self).text
    }

    /// Only a call of one of `tools` counts: anything else may be the JSON that was asked for.
    pub(in super::super) fn decide(&mut self, tools: &[Value], ended: bool) -> Decision {
        let open = if ended { Decision::Text } else { Decision::Open };
        let start = self.text.len() - self.text.trim_start_matches([' ', '\n', '\r', '\t', ';']).len();
        match begins_call(&self.text[start..]) {
            None => return open,
            Some(false) => return Decision::Text,
            Some(true) => self.scanned = self.scanned.max(start),
        }
        let end = self.scan.feed(&self.text[self.scanned..]).map(|end| self.scanned + end);
        self.scanned = self.text.len();
        let Some(end) = end else { return open };
        let known = |call: &ParsedCall| {
            let name =
                |tool: &Value| Some(tool.get("function").unwrap_or(tool).get("name")? == call.name.as_str());
            tools.iter().any(|tool| name(tool) == Some(true))
        };
        match json::calls(&self.text[start..end], &Tools(tools)).ok().and_then(|mut calls| calls.pop()) {
            Some(call) if known(&call) => {
                *self = Candidate { text: self.text.split_off(end), ..Candidate::default() };
                Decision::Call(call)
            }
            _ => Decision::Text,
        }
    }
}

/// Whether `text` begins like a call; none while that is open.
fn begins_call(text: &str) -> Option<bool> {
    let Some(text) = text.strip_prefix('{') else { return if text.is_empty() { None } else { Some(false) } };
    let text = text.trim_start();
    let Some(key) = text.strip_prefix('"') else { return if text.is_empty() { None } else { Some(false) } };
    match key.split_once('"') {
        Some((key, _)) => Some(KEYS.contains(&key)),
        None if KEYS.iter().any(|known| known.starts_with(key)) => None,
        None => Some(false),
    }
}
