//! Lines from a terminal, with editing and history, or from a pipe.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::{env, fs};

use mlx_lm::{Error, Result};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

/// What the user says next.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
    /// A message or a command.
    Text(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D, or the end of the file.
    End,
}

/// Where lines come from.
pub(super) enum Reader {
    Terminal { editor: Box<Editor<(), FileHistory>>, history: Option<PathBuf> },
    Pipe,
}

const QUOTES: &str = "\"\"\"";

impl Reader {
    /// Edits lines if both ends are terminals.
    pub(super) fn new() -> Result<Reader> {
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            return Ok(Reader::Pipe);
        }
        let config = Config::builder().auto_add_history(false).bracketed_paste(true).build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        let history = history_file();
        if let Some(file) = &history {
            // There is none at first.
            let _ = editor.load_history(file);
        }
        Ok(Reader::Terminal { editor: Box::new(editor), history })
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Reader::Terminal { .. })
    }

    /// The next message: a line, or the lines between two of `"""`.
    pub(super) fn next(&mut self) -> Result<Input> {
        let first = match self.line(">>> ")? {
            Input::Text(line) => line,
            other => return Ok(other),
        };
        let Some(rest) = first.trim_start().strip_prefix(QUOTES) else { return self.done(first) };
        let mut text = rest.to_owned();
        // A closing mark may stand on the first line.
        while !text.trim_end().ends_with(QUOTES) {
            match self.line("... ")? {
                Input::Text(line) => text = text + "\n" + &line,
                Input::End => return self.done(text.trim_matches('\n').to_owned()),
                Input::Interrupt => return Ok(Input::Interrupt),
            }
        }
        let text = text.trim_end().trim_end_matches(QUOTES).trim_matches('\n').to_owned();
        self.done(text)
    }

    /// Keeps `text` in the history.
    fn done(&mut self, text: String) -> Result<Input> {
        if let Reader::Terminal { editor, history } = self
            && !text.trim().is_empty()
        {
            editor.add_history_entry(text.as_str()).map_err(failed)?;
            if let Some(file) = history {
                // A history that cannot be written is no reason to stop talking.
                let _ = editor.append_history(file);
            }
        }
        Ok(Input::Text(text))
    }

    fn line(&mut self, prompt: &str) -> Result<Input> {
        match self {
            Reader::Terminal { editor, .. } => match editor.readline(prompt) {
                Ok(line) => Ok(Input::Text(line)),
                Err(ReadlineError::Interrupted) => Ok(Input::Interrupt),
                Err(ReadlineError::Eof) => Ok(Input::End),
                Err(error) => Err(failed(error)),
            },
            Reader::Pipe => {
                let mut line = String::new();
                let count = std::io::stdin().lock().read_line(&mut line);
                match count.map_err(|error| Error::io("stdin", error))? {
                    0 => Ok(Input::End),
                    _ => Ok(Input::Text(line.trim_end_matches(['\n', '\r']).to_owned())),
                }
            }
        }
    }
}

/// `mlx-lm/history` in the user's state folder; none if `MLX_LM_NO_HISTORY` is set.
fn history_file() -> Option<PathBuf> {
    if env::var_os("MLX_LM_NO_HISTORY").is_some_and(|value| !value.is_empty()) {
        return None;
    }
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?.join("mlx-lm");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

fn failed(error: ReadlineError) -> Error {
    Error::io("the terminal", std::io::Error::other(error))
}
