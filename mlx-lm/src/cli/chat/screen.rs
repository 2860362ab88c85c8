//! Showing an answer: reasoning dimmed, nothing that would steer the terminal.

use std::env;
use std::io::{IsTerminal, Write};

use mlx_lm::chat::AnswerEvent;
use mlx_lm::{Error, Result};

const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Where answers are shown. On a terminal reasoning is part of the picture; elsewhere it goes to stderr.
pub(super) struct Screen {
    terminal: bool,
    colors: bool,
    part: Part,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Nothing,
    Reasoning,
    Content,
}

impl Screen {
    pub(super) fn new() -> Screen {
        let terminal = std::io::stdout().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        Screen { terminal, colors: terminal && !set("NO_COLOR") && !dumb, part: Part::Nothing }
    }

    pub(super) fn show(&mut self, events: &[AnswerEvent]) -> Result<()> {
        for event in events {
            match event {
                AnswerEvent::Reasoning(text) => self.write(Part::Reasoning, text)?,
                AnswerEvent::Content(text) | AnswerEvent::Malformed { text, .. } => {
                    self.write(Part::Content, text)?
                }
                AnswerEvent::ToolCall(call) => {
                    self.write(Part::Content, &format!("{}({})\n", call.name, call.arguments_json()))?;
                }
                AnswerEvent::ToolCallDelta(_) => (),
            }
        }
        Ok(())
    }

    /// Ends the answer.
    pub(super) fn end(&mut self) -> Result<()> {
        let part = std::mem::replace(&mut self.part, Part::Nothing);
        if self.colors && part == Part::Reasoning {
            self.put(Part::Reasoning, PLAIN)?;
        }
        self.put(Part::Content, "\n")
    }

    fn write(&mut self, part: Part, text: &str) -> Result<()> {
        let before = std::mem::replace(&mut self.part, part);
        let (opens, closes) = (part == Part::Reasoning, before == Part::Reasoning);
        if opens && !closes {
            self.put(part, if self.colors { DIM } else { "Thinking: " })?;
        } else if closes && !opens {
            self.put(before, if self.colors { PLAIN } else { "" })?;
            self.put(before, "\n\n")?;
        }
        match self.terminal {
            true => self.put(part, &harmless(text)),
            false => self.put(part, text),
        }
    }

    fn put(&self, part: Part, text: &str) -> Result<()> {
        let stderr = !self.terminal && part == Part::Reasoning;
        let result = match stderr {
            true => std::io::stderr().write_all(text.as_bytes()),
            false => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
        };
        result.map_err(|error| Error::io("stdout", error))
    }
}

/// Text without control characters but for line breaks and tabs.
fn harmless(text: &str) -> String {
    let safe = |c: char| if c.is_control() && !"\n\t".contains(c) { '\u{fffd}' } else { c };
    text.chars().map(safe).collect()
}
