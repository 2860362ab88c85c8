//! Taking an answer apart while it is written.

use serde_json::Value;

use super::answer::{AnswerEvent, ToolCall, ToolCallDelta};
use super::format::AnswerFormat;
use super::headers::Route;
use super::json_scan::JsonScan;
use super::markers::{self, Next};
use super::tools::bare::{self, Decision};
use super::tools::{self, Head, ParsedCall, ToolFormat, Tools};
use super::writer::{Part, Writer};

/// Splits the text of an answer, as it arrives, into reasoning, content and tool calls.
///
/// The pieces may be cut anywhere, the parts are the same. Markers are dropped, and so are blanks around them. Text
/// that could become a marker is held back until that is decided. Special tokens must be in the text, as
/// [`Detokenizer`](crate::Detokenizer) leaves them by default.
#[derive(Clone, Debug)]
pub struct AnswerParser {
    format: AnswerFormat,
    tools: Vec<Value>,
    state: State,
    /// Text that may yet become a marker.
    pending: String,
    writer: Writer,
    /// How many calls have begun.
    calls: usize,
}

/// Where in the answer the parser is.
#[derive(Clone, Debug)]
enum State {
    /// At the beginning, where a tool call without markers may stand; the text so far.
    Start(bare::Candidate),
    Content,
    Reasoning,
    /// Between the calls of a section; the text there.
    Section(String),
    Call(Box<Call>),
    /// In a message's header; its text so far.
    Header(String),
}

/// A tool call being written.
#[derive(Clone, Debug)]
struct Call {
    body: Body,
    /// The text from the marker on that opens the call.
    raw: String,
    /// Where in it the payload begins, what stands between the markers.
    payload: usize,
    json: JsonScan,
    deltas: Deltas,
}

#[derive(Clone, Debug)]
enum Body {
    Format(&'static ToolFormat),
    /// The arguments of this tool, which a header has named.
    Arguments(String),
}

/// The arguments that are given while the call is written.
#[derive(Clone, Debug)]
enum Deltas {
    /// The beginning of the call is not read yet.
    Waiting,
    /// Arguments were given up to this byte of the payload.
    Running { given: usize, scan: JsonScan },
    /// All were given.
    Complete,
    /// None are given before the call is complete.
    Never,
}

/// What a marker does.
#[derive(Clone, Copy)]
enum Action {
    /// Only framing.
    Skip,
    Think,
    EndThinking,
    OpenSection,
    CloseSection,
    OpenCall(&'static ToolFormat),
    CloseCall,
    /// A message ends, and a header may follow.
    EndMessage,
}

/// A call's beginning is looked for in so many characters.
const MAX_HEAD: usize = 1024;

impl AnswerParser {
    /// A parser at the beginning of an answer. Without [`AnswerParser::tools`] nothing is taken for a tool call that
    /// is marked by a pair of markers.
    pub fn new(format: AnswerFormat) -> AnswerParser {
        let state = if format.headers.is_some() { State::Header(String::new()) } else { State::Content };
        AnswerParser {
            format,
            tools: Vec::new(),
            state,
            pending: String::new(),
            writer: Writer::default(),
            calls: 0,
        }
    }

    /// The tools that the model was told of, as in the OpenAI protocol; their schemas type the arguments of formats
    /// that write them as plain text.
    #[must_use]
    pub fn tools(mut self, tools: &[Value]) -> AnswerParser {
        self.tools = tools.to_vec();
        let bare = self.format.tools.is_some_and(|format| format.bare);
        if bare && !tools.is_empty() && matches!(self.state, State::Content) {
            self.state = State::Start(bare::Candidate::default());
        }
        self
    }

    /// Begins in the reasoning if the rendered `prompt` has opened it, as many templates do.
    #[must_use]
    pub fn after_prompt(mut self, prompt: &str) -> AnswerParser {
        if self.format.thinking.is_some_and(|(open, _)| prompt.trim_end().ends_with(open)) {
            self.state = State::Reasoning;
            self.writer.marker();
        }
        self
    }

    /// Begins where `text`, a message that the model is to continue, has ended; its own parts are not given.
    #[must_use]
    pub fn continuing(mut self, text: &str) -> AnswerParser {
        self.push(text);
        self
    }

    /// Takes the next piece of text.
    pub fn push(&mut self, text: &str) -> Vec<AnswerEvent> {
        self.pending.push_str(text);
        self.run(false);
        self.writer.take()
    }

    /// Ends the answer: gives what was held back. A tool call that lacks its end is given if it is complete all the
    /// same, else as [`AnswerEvent::Malformed`].
    pub fn finish(&mut self) -> Vec<AnswerEvent> {
        self.run(true);
        match std::mem::replace(&mut self.state, State::Content) {
            State::Reasoning => self.writer.finish(Part::Reasoning),
            State::Call(call) => self.complete(*call, ""),
            State::Section(text) => self.end_section_text(&text),
            // A header without its message says nothing.
            State::Start(_) | State::Content | State::Header(_) => self.writer.finish(Part::Content),
        }
        self.writer.take()
    }

    /// Reads what is pending as far as it is decided.
    fn run(&mut self, ended: bool) {
        while match &self.state {
            State::Start(_) => self.read_start(ended),
            State::Header(_) => self.read_header(ended),
            _ => self.read_text(ended),
        } {}
    }

    /// Whether there is more to read.
    fn read_start(&mut self, ended: bool) -> bool {
        let State::Start(candidate) = &mut self.state else { return true };
        candidate.push(&std::mem::take(&mut self.pending));
        match candidate.decide(&self.tools, ended) {
            Decision::Open => return false,
            Decision::Text => {
                self.pending = candidate.take_text();
                self.state = State::Content;
            }
            Decision::Call(call) => {
                self.pending = candidate.take_text();
                self.writer.marker();
                self.give(vec![call], false);
            }
        }
        true
    }

    fn read_header(&mut self, ended: bool) -> bool {
        let (Some(headers), State::Header(header)) = (self.format.headers, &mut self.state) else {
            return true;
        };
        let begins = if header.is_empty() { headers.begins(&self.pending) } else { Some(true) };
        if begins.is_none() && !ended {
            return false;
        }
        if begins != Some(true) {
            self.state = State::Content;
            return true;
        }
        match markers::next(&self.pending, &[headers.message], ended) {
            Next::None { decided } => {
                header.extend(self.pending.drain(..decided));
                false
            }
            Next::Marker { start, .. } => {
                header.push_str(&self.pending[..start]);
                self.pending.drain(..start + headers.message.len());
                let raw = std::mem::take(header) + headers.message;
                self.writer.marker();
                self.state = match (headers.route)(&raw) {
                    Route::Reasoning => State::Reasoning,
                    Route::Content => State::Content,
                    Route::Call(tool) => State::Call(Call::new(Body::Arguments(tool), raw)),
                };
                true
            }
        }
    }

    fn read_text(&mut self, ended: bool) -> bool {
        let actions = self.markers();
        let markers: Vec<&str> = actions.iter().map(|(marker, _)| *marker).collect();
        match markers::next(&self.pending, &markers, ended) {
            Next::None { decided } => {
                let text: String = self.pending.drain(..decided).collect();
                self.text(&text);
                false
            }
            Next::Marker { which, start } => {
                let text: String = self.pending.drain(..start).collect();
                self.pending.drain(..markers[which].len());
                self.text(&text);
                self.act(actions[which].1, markers[which]);
                true
            }
        }
    }

    /// The markers that count here.
    fn markers(&self) -> Vec<(&'static str, Action)> {
        let mut markers = Vec::new();
        let tools = self.format.tools.filter(|_| !self.tools.is_empty());
        match (&self.state, tools) {
            (State::Content, tools) => {
                markers.extend(self.format.frames.iter().map(|frame| (*frame, Action::Skip)));
                markers.extend(self.format.thinking.map(|(open, _)| (open, Action::Think)));
                markers.extend(tools.map(|tools| match tools.section {
                    Some((open, _)) => (open, Action::OpenSection),
                    None => (tools.open, Action::OpenCall(tools)),
                }));
            }
            (State::Reasoning, _) => {
                markers.extend(self.format.thinking.map(|(_, close)| (close, Action::EndThinking)));
            }
            (State::Section(_), Some(tools)) => {
                markers.push((tools.open, Action::OpenCall(tools)));
                markers.extend(tools.section.map(|(_, close)| (close, Action::CloseSection)));
            }
            (State::Call(call), _) => match call.body {
                Body::Arguments(_) => (),
                Body::Format(tools) => match tools.close {
                    Some(close) => return vec![(close, Action::CloseCall)],
                    // Where calls have no end, the next one is it.
                    None => return vec![(tools.open, Action::OpenCall(tools))],
                },
            },
            _ => (),
        }
        if !matches!(self.state, State::Section(_)) {
            let ends = self.format.headers.iter().flat_map(|headers| headers.ends);
            markers.extend(ends.map(|end| (*end, Action::EndMessage)));
        }
        markers
    }

    /// Text in which no marker is left.
    fn text(&mut self, text: &str) {
        match &mut self.state {
            State::Content => self.writer.text(Part::Content, text),
            State::Reasoning => self.writer.text(Part::Reasoning, text),
            State::Section(between) => between.push_str(text),
            State::Call(call) => {
                call.raw.push_str(text);
                call.json.feed_all(text);
                for delta in call.deltas(self.calls) {
                    self.writer.event(AnswerEvent::ToolCallDelta(delta));
                }
            }
            State::Start(_) | State::Header(_) => (),
        }
    }

    fn act(&mut self, action: Action, marker: &'static str) {
        if matches!(&self.state, State::Call(call) if call.is_json() && call.json.in_string()) {
            return self.text(marker);
        }
        let state = std::mem::replace(&mut self.state, State::Content);
        self.writer.marker();
        match (action, state) {
            (Action::CloseCall, State::Call(call)) => self.complete(*call, marker),
            (_, State::Call(call)) => self.complete(*call, ""),
            (_, State::Section(between)) => self.end_section_text(&between),
            _ => (),
        }
        self.state = match action {
            Action::Skip | Action::EndThinking | Action::CloseSection => State::Content,
            Action::Think => State::Reasoning,
            Action::OpenSection => State::Section(String::new()),
            Action::OpenCall(format) => State::Call(Call::new(Body::Format(format), marker.to_owned())),
            Action::CloseCall => match self.format.tools.and_then(|tools| tools.section) {
                Some(_) => State::Section(String::new()),
                None => State::Content,
            },
            Action::EndMessage => {
                let opens = self.format.headers.is_some_and(|headers| headers.opens.contains(&marker));
                State::Header(if opens { marker.to_owned() } else { String::new() })
            }
        };
    }

    /// Gives the call that ends with `close`.
    fn complete(&mut self, call: Call, close: &str) {
        let begun = matches!(call.deltas, Deltas::Running { .. } | Deltas::Complete);
        let payload = &call.raw[call.payload..];
        let calls = match &call.body {
            Body::Format(format) => (format.parse)(payload, &Tools(&self.tools)),
            Body::Arguments(tool) => tools::named(tool, payload).map(|call| vec![call]),
        };
        match calls {
            Ok(calls) => self.give(calls, begun),
            Err(error) => {
                let index = begun.then_some(self.calls);
                self.calls += usize::from(begun);
                self.writer.event(AnswerEvent::Malformed { text: call.raw + close, error, index });
            }
        }
    }

    /// Text between the calls of a section: blanks, or a call that lacks its own markers.
    fn end_section_text(&mut self, text: &str) {
        let Some(format) = self.format.tools.filter(|_| !text.trim().is_empty()) else { return };
        match (format.parse)(text, &Tools(&self.tools)) {
            Ok(calls) => self.give(calls, false),
            Err(error) => {
                self.writer.event(AnswerEvent::Malformed {
                    text: text.trim().to_owned(),
                    error,
                    index: None,
                });
            }
        }
    }

    /// Gives complete calls; the first one's deltas may have been given.
    fn give(&mut self, calls: Vec<ParsedCall>, mut begun: bool) {
        for ParsedCall { id, name, arguments } in calls {
            let call = ToolCall { index: self.calls, id, name, arguments };
            self.calls += 1;
            if !std::mem::take(&mut begun) {
                self.writer.event(AnswerEvent::ToolCallDelta(ToolCallDelta {
                    index: call.index,
                    id: call.id.clone(),
                    name: Some(call.name.clone()),
                    arguments: call.arguments_json(),
                }));
            }
            self.writer.event(AnswerEvent::ToolCall(call));
        }
    }
}

impl Call {
    fn new(body: Body, raw: String) -> Box<Call> {
        let payload = raw.len();
        Box::new(Call { body, raw, payload, json: JsonScan::default(), deltas: Deltas::Waiting })
    }

    /// Whether markers inside of JSON strings are text.
    fn is_json(&self) -> bool {
        match &self.body {
            Body::Format(format) => format.json,
            Body::Arguments(_) => true,
        }
    }

    /// What can be given of the arguments since the last time.
    fn deltas(&mut self, index: usize) -> Vec<ToolCallDelta> {
        let mut deltas = Vec::new();
        let payload = &self.raw[self.payload..];
        if matches!(self.deltas, Deltas::Waiting) {
            let limit = payload.char_indices().nth(MAX_HEAD).map(|(at, _)| at);
            let text = &payload[..limit.unwrap_or(payload.len())];
            let head = match &self.body {
                Body::Format(format) => format.head.and_then(|head| head(text)),
                Body::Arguments(tool) => tools::named_head(tool, text),
            };
            match head {
                Some(Head { id, name, arguments }) => {
                    deltas.push(ToolCallDelta { index, id, name: Some(name), arguments: String::new() });
                    self.deltas = Deltas::Running { given: arguments, scan: JsonScan::default() };
                }
                None if limit.is_none() => (),
                None => self.deltas = Deltas::Never,
            }
        }
        if let Deltas::Running { given, scan } = &mut self.deltas {
            let new = &payload[*given..];
            let end = scan.feed(new);
            let arguments = new[..end.unwrap_or(new.len())].to_owned();
            *given = payload.len();
            if end.is_some() {
                self.deltas = Deltas::Complete;
            }
            if !arguments.is_empty() {
                deltas.push(ToolCallDelta { index, id: None, name: None, arguments });
            }
        }
        deltas
    }
}
