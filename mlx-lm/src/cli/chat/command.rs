//! The commands of `mlx-lm chat`.

/// A line that begins with a slash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Command<'l> {
    Help,
    System(&'l str),
    Set(&'l str),
    Show(&'l str),
    Load(&'l str),
    Save(&'l str),
    Retry,
    Undo,
    Clear,
    Stats,
    Exit,
}

/// Names, argument, what the command does.
const HELP: [(&str, &str, &str); 11] = [
    ("/help", "", "this list"),
    ("/system", "[TEXT]", "set what stands above the conversation, or show it; `/system none` removes it"),
    ("/set", "[NAME VALUE]", "change a setting, or show all: temperature, top-p, seed, max-tokens, think, …"),
    ("/show", "[model|messages|template]", "show the model, the conversation or the chat template"),
    ("/load", "FILE", "continue the conversation in a file"),
    ("/save", "FILE", "write the conversation to a file, as JSON"),
    ("/retry", "", "answer the last message again"),
    ("/undo", "", "take back the last message and its answer"),
    ("/clear", "", "forget the conversation"),
    ("/stats", "", "counts and times of the last answer"),
    ("/exit", "", "leave; so do Ctrl-D and, pressed twice, Ctrl-C"),
];

impl Command<'_> {
    /// The command on `line`, or what is wrong with it.
    pub(super) fn parse(line: &str) -> Result<Command<'_>, String> {
        let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = argument.trim();
        let file = |command: fn(&str) -> Command<'_>| match argument {
            "" => Err(format!("{name} needs the name of a file")),
            file => Ok(command(file)),
        };
        Ok(match name {
            "/help" | "/?" => Command::Help,
            "/system" => Command::System(argument),
            "/set" => Command::Set(argument),
            "/show" => Command::Show(argument),
            "/load" => return file(|file| Command::Load(file)),
            "/save" => return file(|file| Command::Save(file)),
            "/retry" => Command::Retry,
            "/undo" => Command::Undo,
            "/clear" => Command::Clear,
            "/stats" => Command::Stats,
            "/exit" | "/quit" | "/bye" => Command::Exit,
            _ => {
                let similar = |other: &str| strsim::jaro(other, name);
                let names = HELP.iter().map(|(name, ..)| *name).filter(|other| similar(other) > 0.8);
                let close = names.max_by(|a, b| similar(a).total_cmp(&similar(b)));
                return Err(match close {
                    Some(close) => format!("no command {name}; did you mean {close}?"),
                    None => format!("no command {name}; /help lists them"),
                });
            }
        })
    }
}

/// All commands, a line each.
pub(super) fn help() -> String {
    let lines =
        HELP.iter().map(|(name, argument, text)| format!("  {:<34}{text}\n", format!("{name} {argument}")));
    lines.collect::<String>()
        + "\nA message of several lines stands between lines of `\"\"\"`. Ctrl-C stops an answer.\n"
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn commands_are_read_with_their_arguments() {
        assert_eq!(Command::parse("/help"), Ok(Command::Help));
        assert_eq!(Command::parse("/system  Be brief. "), Ok(Command::System("Be brief.")));
        assert_eq!(Command::parse("/set top-p 0.9"), Ok(Command::Set("top-p 0.9")));
        assert_eq!(Command::parse("/bye"), Ok(Command::Exit));
        assert!(Command::parse("/save").unwrap_err().contains("name of a file"));
        assert!(Command::parse("/retri").unwrap_err().contains("/retry"));
    }
}
