//! Text between markers, without the blanks that only set the markers apart.

use super::answer::AnswerEvent;

/// Collects events. Blanks at the end of a text are held back: before a marker they are dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    events: Vec<AnswerEvent>,
    /// Blanks after the text so far.
    blanks: String,
    /// Whether a marker stands before the text, so that blanks at its beginning are dropped.
    after_marker: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    Reasoning,
    Content,
}

impl Writer {
    pub(super) fn text(&mut self, part: Part, text: &str) {
        let text = if self.after_marker { text.trim_start() } else { text };
        let shown = text.trim_end();
        if !shown.is_empty() {
            let blanks = std::mem::take(&mut self.blanks);
            self.emit(part, blanks + shown);
            self.after_marker = false;
        }
        self.blanks += &text[shown.len()..];
    }

    /// A marker stands here.
    pub(super) fn marker(&mut self) {
        self.blanks.clear();
        self.after_marker = true;
    }

    /// Something else than text.
    pub(super) fn event(&mut self, event: AnswerEvent) {
        self.events.push(event);
    }

    /// Ends the answer inside `part`.
    pub(super) fn finish(&mut self, part: Part) {
        let blanks = std::mem::take(&mut self.blanks);
        if part == Part::Content && !blanks.is_empty() {
            self.emit(part, blanks);
        }
    }

    pub(super) fn take(&mut self) -> Vec<AnswerEvent> {
        std::mem::take(&mut self.events)
    }

    fn emit(&mut self, part: Part, text: String) {
        match (part, self.events.last_mut()) {
            (Part::Reasoning, Some(AnswerEvent::Reasoning(last)))
            | (Part::Content, Some(AnswerEvent::Content(last))) => last.push_str(&text),
            (Part::Reasoning, _) => self.events.push(AnswerEvent::Reasoning(text)),
            (Part::Content, _) => self.events.push(AnswerEvent::Content(text)),
        }
    }
}
