//! `mlx-lm chat`.

mod command;
mod input;
mod interrupt;
mod screen;
mod settings;

use std::fs;
use std::io::IsTerminal;
use std::ops::ControlFlow;

use clap::Args;
use mlx::Engine;
use mlx_lm::chat::{Reply, Session};
use mlx_lm::source::{DEFAULT_MODEL, SourceOptions, resolve};
use mlx_lm::{Error, Finish, Lm, Message, Result, TemplateOptions};
use serde_json::{Value, json};

use super::generate::summarize;
use super::kv::KvArguments;
use command::Command;
use input::{Input, Reader};
use interrupt::Answering;
use screen::Screen;
use settings::Settings;

/// The arguments of `chat`.
#[derive(Args)]
#[command(after_help = "Examples:
  mlx-lm chat --model llama3.2:3b --system \"Be brief.\"
  printf '%s\\n' 'What is the capital of France?' 'And of Italy?' | mlx-lm chat

At the prompt, /help lists the commands. Earlier input is kept in mlx-lm/history in the state folder (XDG_STATE_HOME or
~/.local/state), unless MLX_LM_NO_HISTORY is set. NO_COLOR turns colours off.")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// A system message above the conversation
    #[arg(long)]
    system: Option<String>,
    /// Continue the conversation in a file that /save wrote
    #[arg(long, value_name = "FILE")]
    load: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    kv: KvArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let location = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let note = std::io::stderr().is_terminal();
    if note {
        eprint!("loading {} … ", arguments.model);
    }
    let engine = Engine::start("mlx-lm", move || Lm::open(&location))?;
    if note {
        eprintln!("done");
    }
    engine.run(move |lm| Chat::new(lm, arguments)?.run())?
}

struct Chat<'m> {
    lm: &'m Lm,
    model: String,
    settings: Settings,
    kv: KvArguments,
    session: Session,
    screen: Screen,
    /// How many answers there were.
    answers: u64,
    last: Option<Reply>,
}

impl<'m> Chat<'m> {
    fn new(lm: &'m Lm, arguments: Arguments) -> Result<Chat<'m>> {
        for warning in lm.warnings() {
            eprintln!("warning: {warning}");
        }
        if lm.tokenizer().chat_template().is_none() {
            let text = "this model has none and cannot chat; `mlx-lm generate --raw` continues text";
            return Err(Error::Template(text.into()));
        }
        let Arguments { model, system, load, settings, kv } = arguments;
        let (session, screen) = (Session::default(), Screen::new());
        let mut chat = Chat { lm, model, settings, kv, session, screen, answers: 0, last: None };
        if let Some(file) = load {
            chat.load(&file)?;
        }
        if let Some(system) = system {
            chat.set_system(Some(system));
        }
        Ok(chat)
    }

    fn run(mut self) -> Result<()> {
        interrupt::install()?;
        let mut reader = Reader::new()?;
        if reader.is_terminal() {
            eprintln!("/help lists the commands, /exit leaves.");
        }
        let mut leaving = false;
        loop {
            let input = reader.next()?;
            let again = std::mem::take(&mut leaving);
            match input {
                Input::End => return Ok(()),
                Input::Interrupt if again => interrupt::leave(),
                Input::Interrupt => {
                    leaving = true;
                    eprintln!("Ctrl-C once more leaves, and so does /exit.");
                }
                Input::Text(text) if text.trim().is_empty() => (),
                Input::Text(text) => {
                    let result = match text.starts_with('/') {
                        true => self.command(text.trim()),
                        false => self.say(text).map(|()| ControlFlow::Continue(())),
                    };
                    match result {
                        Ok(ControlFlow::Continue(())) => (),
                        Ok(ControlFlow::Break(())) => return Ok(()),
                        // A script must learn of it; a person can go on.
                        Err(error) if reader.is_terminal() => eprintln!("error: {error}"),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    fn command(&mut self, line: &str) -> Result<ControlFlow<()>> {
        match Command::parse(line).map_err(Error::Invalid)? {
            Command::Help => eprint!("{}", command::help()),
            Command::System("") => eprintln!("{}", self.system().unwrap_or("no system message")),
            Command::System("none") => self.set_system(None),
            Command::System(text) => self.set_system(Some(text.to_owned())),
            Command::Set("") => self.settings.explain(self.lm),
            Command::Set(text) => self.settings.set(self.lm, text)?,
            Command::Show(what) => self.show(what)?,
            Command::Load(file) => self.load(file)?,
            Command::Save(file) => self.save(file)?,
            Command::Retry => self.retry()?,
            Command::Undo => self.undo(),
            Command::Clear => self.session.messages.retain(|message| message.role() == "system"),
            Command::Stats => match &self.last {
                Some(reply) => summarize(&reply.stats),
                None => eprintln!("no answer yet"),
            },
            Command::Exit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Adds the user's message and answers it; without an answer the message is taken back.
    fn say(&mut self, text: String) -> Result<()> {
        let before = self.session.messages.len();
        self.session.messages.push(Message::user(text));
        let result = self.answer();
        if self.session.messages.len() < before + 2 {
            self.session.messages.truncate(before);
        }
        result
    }

    fn answer(&mut self) -> Result<()> {
        self.session.options =
            TemplateOptions { thinking: self.settings.think, ..TemplateOptions::default() };
        let answering = Answering::begin();
        let Chat { lm, settings, kv, session, screen, answers, .. } = self;
        let lm = *lm;
        let mut failed = None;
        let reply = session.answer(
            lm,
            |request| settings.apply(lm, kv.apply(request), *answers),
            |events| {
                failed = screen.show(events).err();
                if failed.is_some() || answering.is_stopped() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        drop(answering);
        screen.end()?;
        let reply = reply?;
        if let Some(error) = failed {
            return Err(error);
        }
        *answers += 1;
        match reply.finish {
            None => eprintln!("(stopped)"),
            Some(Finish::Length) => eprintln!("(cut off after {} tokens)", reply.stats.generated_tokens),
            Some(_) => (),
        }
        self.last = Some(reply);
        Ok(())
    }

    fn retry(&mut self) -> Result<()> {
        let Some(at) = self.last_user() else {
            return Err(Error::Invalid("there is nothing to retry".into()));
        };
        let taken: Vec<Message> = self.session.messages.drain(at + 1..).collect();
        let result = self.answer();
        if self.session.messages.len() == at + 1 {
            self.session.messages.extend(taken);
        }
        result
    }

    fn undo(&mut self) {
        match self.last_user() {
            Some(at) => self.session.messages.truncate(at),
            None => eprintln!("there is nothing to undo"),
        }
    }

    fn last_user(&self) -> Option<usize> {
        self.session.messages.iter().rposition(|message| message.role() == "user")
    }

    fn system(&self) -> Option<&str> {
        self.session.messages.first().filter(|message| message.role() == "system")?.content()
    }

    fn set_system(&mut self, text: Option<String>) {
        self.session.messages.retain(|message| message.role() != "system");
        if let Some(text) = text {
            self.session.messages.insert(0, Message::system(text));
        }
    }

    fn show(&self, what: &str) -> Result<()> {
        match what {
            "" | "model" => {
                let config = self.lm.config();
                let kind = &config.model_type;
                let context =
                    self.lm.context_length().map_or("unknown".to_owned(), |length| length.to_string());
                let gib = self.lm.weight_bytes()? as f64 / f64::from(1 << 30);
                eprintln!("model      {} ({kind}), {gib:.2} GiB", self.model);
                eprintln!("context    {} of {context} tokens", self.session.cached_tokens());
                eprintln!("messages   {}", self.session.messages.len());
            }
            "messages" => {
                for message in &self.session.messages {
                    eprintln!("{}: {}", message.role(), message.content().unwrap_or_default());
                }
            }
            "template" => {
                eprintln!("{}", self.lm.tokenizer().chat_template().map_or("", |template| template.source()));
            }
            _ => {
                return Err(Error::Invalid(format!(
                    "cannot show `{what}`; known: model, messages, template"
                )));
            }
        }
        Ok(())
    }

    fn save(&self, file: &str) -> Result<()> {
        let document = json!({ "model": self.model, "messages": self.session.messages });
        fs::write(file, format!("{document:#}\n")).map_err(|error| Error::io(file, error))?;
        eprintln!("wrote {} messages to {file}", self.session.messages.len());
        Ok(())
    }

    /// Reads what [`Chat::save`] wrote, or a bare list of messages.
    fn load(&mut self, file: &str) -> Result<()> {
        let text = fs::read_to_string(file).map_err(|error| Error::io(file, error))?;
        let document: Value = serde_json::from_str(&text).map_err(|error| Error::config(file, error))?;
        let messages = document.get("messages").unwrap_or(&document).clone();
        self.session.messages =
            serde_json::from_value(messages).map_err(|error| Error::config(file, error))?;
        eprintln!("read {} messages from {file}", self.session.messages.len());
        Ok(())
    }
}
