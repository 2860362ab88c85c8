//! The configuration file: its values become the defaults of flags, below the environment and the command line.

use clap::{Arg, Args, Command, parser::ValueSource};
use mlx_lm::{Error, Result};
use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Where the file is when no variable says otherwise.
const NAME: &str = "mlx-lm/config.toml";

/// Values of the file, by command and flag.
#[derive(Default)]
pub(crate) struct Settings {
    path: Option<PathBuf>,
    values: BTreeMap<(String, String), Vec<String>>,
}

impl Settings {
    /// Reads the file that `MLX_LM_CONFIG` names, else the user's own if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML, or has what no command knows.
    pub(crate) fn load(command: &Command) -> Result<Settings> {
        let named = env::var_os("MLX_LM_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(path) = named.clone().or_else(own_path) else { return Ok(Settings::default()) };
        match fs::read_to_string(&path) {
            Ok(text) => Settings::parse(&path, &text, command),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                Ok(Settings::default())
            }
            Err(error) => Err(Error::io(path, error)),
        }
    }

    fn parse(path: &Path, text: &str, command: &Command) -> Result<Settings> {
        let table: Table = text.parse().map_err(|error| Error::config(path, error))?;
        let mut values = BTreeMap::new();
        for (name, section) in table {
            let unknown = || Error::config(path, format!("there is no command `{name}`"));
            let command =
                command.find_subcommand(&name).filter(|_| section.is_table()).ok_or_else(unknown)?;
            let Value::Table(section) = section else { continue };
            for (key, value) in section {
                if !command.get_arguments().any(|argument| is_setting(argument, &key)) {
                    return Err(Error::config(path, format!("[{name}] knows no `{key}`")));
                }
                let value = texts(&value).ok_or_else(|| {
                    Error::config(path, format!("[{name}] `{key}` must be a plain value or a list"))
                })?;
                values.insert((name.clone(), key), value);
            }
        }
        Ok(Settings { path: Some(path.to_owned()), values })
    }

    /// The command line with the file's values as defaults.
    pub(crate) fn apply(&self, mut command: Command) -> Command {
        for ((name, key), values) in &self.values {
            command = command.mut_subcommand(name, |command| {
                let id = command.get_arguments().find(|argument| is_setting(argument, key));
                let Some(id) = id.map(|argument| argument.get_id().clone()) else { return command };
                command.mut_arg(id, |argument| argument.default_values(values.clone()).required(false))
            });
        }
        command
    }
}

fn own_path() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join(NAME))
}

/// Flags are settings; keys may have `_` for `-`.
fn is_setting(argument: &Arg, key: &str) -> bool {
    argument
        .get_long()
        .is_some_and(|long| long == key.replace('_', "-") && !["help", "version"].contains(&long))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Float(number) => Some(vec![number.to_string()]),
        Value::Boolean(flag) => Some(vec![flag.to_string()]),
        Value::Array(values) => {
            values.iter().map(texts).collect::<Option<Vec<_>>>().map(|texts| texts.concat())
        }
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// The arguments of `config`.
#[derive(Args)]
#[command(
    after_help = "The file is ~/.config/mlx-lm/config.toml, or what MLX_LM_CONFIG names. It has a table for each command, with
its flags as keys:

  [serve]
  port = 11434
  model = [\"smollm2:135m\"]

Defaults come first, then the file, then the environment, then the command line."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show every setting
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Show where the file is
    Path,
}

pub(crate) fn run(arguments: &Arguments, command: &Command) -> Result<()> {
    let settings = Settings::load(command)?;
    match arguments.action {
        Action::Path => {
            let path = settings.path.or_else(own_path).unwrap_or_default();
            super::output::print(&format!("{}\n", path.display()))
        }
        Action::Show { origin } => super::output::print(&settings.show(command, origin)),
    }
}

impl Settings {
    /// All settings as a configuration file.
    fn show(&self, command: &Command, origin: bool) -> String {
        let command = self.apply(command.clone());
        let mut out = String::new();
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let lines: Vec<String> =
                sub.get_arguments().filter_map(|argument| self.line(sub, argument, origin)).collect();
            if !lines.is_empty() {
                out += &format!("[{}]\n{}\n\n", sub.get_name(), lines.join("\n"));
            }
        }
        out.trim_end().to_owned() + "\n"
    }

    fn line(&self, command: &Command, argument: &Arg, origin: bool) -> Option<String> {
        let long = argument.get_long().filter(|long| !["help", "version"].contains(long))?;
        let key = (command.get_name().to_owned(), long.to_owned());
        let (values, source) = current(command, argument)?;
        let is_secret = argument.is_hide_env_values_set();
        let value = |text: &String| match text.parse::<toml::Value>() {
            _ if is_secret => "\"***\"".to_owned(),
            Ok(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_))) => value.to_string(),
            _ => Value::String(text.clone()).to_string(),
        };
        let list = values.iter().map(value).collect::<Vec<_>>();
        let text = match list.as_slice() {
            [one] if argument.get_value_delimiter().is_none() => one.clone(),
            list => format!("[{}]", list.join(", ")),
        };
        let from = match (source, argument.get_env(), &self.path) {
            (ValueSource::EnvVariable, Some(name), _) => format!("environment {}", name.display()),
            (_, _, Some(path)) if self.values.contains_key(&key) => path.display().to_string(),
            _ => "default".to_owned(),
        };
        Some(if origin {
            format!("{:<40} # {from}", format!("{long} = {text}"))
        } else {
            format!("{long} = {text}")
        })
    }
}

/// The value of a flag that is not on the command line, and where it comes from.
fn current(command: &Command, argument: &Arg) -> Option<(Vec<String>, ValueSource)> {
    // What must be given otherwise is not asked for here.
    let mut command = command.clone().arg_required_else_help(false);
    let ids: Vec<_> = command.get_arguments().map(|argument| argument.get_id().clone()).collect();
    for id in ids {
        command = command.mut_arg(id, |argument| argument.required(false));
    }
    let matches = command.try_get_matches_from([""]).ok()?;
    let id = argument.get_id().as_str();
    let source = matches.value_source(id)?;
    let values = matches.get_raw(id)?.map(|value| value.to_string_lossy().into_owned()).collect();
    Some((values, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        Command::new("program").subcommand(
            Command::new("serve")
                .arg(Arg::new("port").long("port").default_value("8080"))
                .arg(Arg::new("model").long("model").value_delimiter(',').action(clap::ArgAction::Append))
                .arg(Arg::new("open").long("open").action(clap::ArgAction::SetTrue)),
        )
    }

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(Path::new("config.toml"), text, &command())
    }

    #[test]
    fn the_file_stands_between_defaults_and_flags() {
        let settings = parse("[serve]\nport = 9\nmodel = [\"a\", \"b\"]\nopen = true").unwrap();
        let read = |arguments: &[&str]| {
            let matches =
                settings.apply(command()).get_matches_from([&["program", "serve"], arguments].concat());
            let serve = matches.subcommand_matches("serve").unwrap();
            let models: Vec<String> = serve.get_many("model").unwrap().cloned().collect();
            (serve.get_one::<String>("port").unwrap().clone(), models, serve.get_flag("open"))
        };
        assert_eq!(read(&[]), ("9".into(), vec!["a".into(), "b".into()], true));
        assert_eq!(read(&["--port", "7", "--model", "c"]), ("7".into(), vec!["c".into()], true));
        let shown = settings.show(&command(), true);
        assert!(shown.contains("port = 9") && shown.contains("# config.toml"), "{shown}");
        assert!(Settings::default().show(&command(), true).contains("port = 8080"));
    }

    #[test]
    fn what_no_command_knows_is_refused() {
        for (text, message) in [
            ("[serv]\nport = 1", "no command `serv`"),
            ("[serve]\nprot = 1", "knows no `prot`"),
            ("[serve]\nhelp = true", "knows no `help`"),
            ("[serve]\nport = {a = 1}", "plain value"),
            ("port = 1", "no command `port`"),
            ("[serve", "config.toml"),
        ] {
            let error = parse(text).err().unwrap().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
