//! What an answer must be, as arguments.

use clap::Args;
use mlx_lm::{Error, Grammar, Lm, Request, Result, Structure};
use std::path::{Path, PathBuf};

#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
#[command(next_help_heading = "Structure of the answer")]
pub(crate) struct ConstraintArguments {
    /// Answer with JSON that the schema in this file describes
    #[arg(long, value_name = "FILE")]
    json_schema: Option<PathBuf>,
    /// Answer with a JSON object
    #[arg(long)]
    json_object: bool,
    /// Answer with text that matches this regular expression as a whole
    #[arg(long)]
    regex: Option<String>,
    /// Answer with text of the grammar in this file, in Lark's notation
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
}

impl ConstraintArguments {
    pub(crate) fn apply<'m>(&self, lm: &Lm, request: Request<'m>) -> Result<Request<'m>> {
        Ok(match self.grammar(lm)? {
            Some(grammar) => request.grammar(grammar),
            None => request,
        })
    }

    pub(crate) fn grammar(&self, lm: &Lm) -> Result<Option<Grammar>> {
        self.structure()?.map(|structure| lm.grammar(&structure)).transpose()
    }

    fn structure(&self) -> Result<Option<Structure>> {
        if let Some(path) = &self.json_schema {
            let schema = serde_json::from_str(&read(path)?).map_err(|error| Error::config(path, error))?;
            return Ok(Some(Structure::JsonSchema(schema)));
        }
        if let Some(path) = &self.grammar {
            return Ok(Some(Structure::Lark(read(path)?)));
        }
        let object = self.json_object.then_some(Structure::JsonObject);
        Ok(self.regex.clone().map(Structure::Regex).or(object))
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::io(path, error))
}
