//! Where a checkpoint keeps its chat template.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::ChatTemplate;
use crate::error::{Error, Result};

/// One template per file of this folder, named for the file.
const ADDITIONAL: &str = "additional_chat_templates";

impl ChatTemplate {
    /// The template of the checkpoint in `folder`, whose `tokenizer_config.json` holds `config`.
    ///
    /// Looks for `chat_template.jinja` (and further ones in `additional_chat_templates/`), then
    /// `chat_template.json`, then the key `chat_template` of `config`: a string, or a list of objects with
    /// `name` and `template`.
    pub fn from_folder(
        folder: impl AsRef<Path>,
        config: &Map<String, Value>,
    ) -> Result<Option<ChatTemplate>> {
        let folder = folder.as_ref();
        let files = jinja_files(folder)?;
        if !files.is_empty() {
            return Ok(Some(ChatTemplate { templates: files }));
        }
        let json = folder.join("chat_template.json");
        if json.is_file() {
            let text = read(&json)?;
            let value: Map<String, Value> =
                serde_json::from_str(&text).map_err(|error| Error::config(&json, error))?;
            return ChatTemplate::from_config(&json, &value);
        }
        ChatTemplate::from_config(&folder.join("tokenizer_config.json"), config)
    }

    /// The template under the key `chat_template` of the configuration at `path`.
    fn from_config(path: &Path, config: &Map<String, Value>) -> Result<Option<ChatTemplate>> {
        match config.get("chat_template") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(source)) => Ok(Some(ChatTemplate::new(source))),
            Some(Value::Array(list)) if !list.is_empty() => {
                let pair = |entry: &Value| {
                    let text = |key: &str| entry.get(key)?.as_str().map(str::to_string);
                    text("name").zip(text("template"))
                };
                let templates: Option<Vec<_>> = list.iter().map(pair).collect();
                let templates = templates.ok_or_else(|| malformed(path))?;
                Ok(Some(ChatTemplate { templates }))
            }
            Some(_) => Err(malformed(path)),
        }
    }

    /// The value of the key `chat_template` that [`ChatTemplate::from_folder`] reads back as this template.
    pub(crate) fn to_config(&self) -> Value {
        match self.templates.as_slice() {
            [(name, source)] if name == "default" => Value::String(source.clone()),
            templates => templates
                .iter()
                .map(|(name, source)| serde_json::json!({ "name": name, "template": source }))
                .collect(),
        }
    }
}

fn malformed(path: &Path) -> Error {
    Error::config(path, "`chat_template` must be a string or a list of objects with `name` and `template`")
}

fn jinja_files(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut templates = Vec::new();
    let main = folder.join("chat_template.jinja");
    if main.is_file() {
        templates.push(("default".to_string(), read(&main)?));
    }
    let additional = folder.join(ADDITIONAL);
    if additional.is_dir() {
        let entries = fs::read_dir(&additional).map_err(|error| Error::io(&additional, error))?;
        for entry in entries {
            let path = entry.map_err(|error| Error::io(&additional, error))?.path();
            if let (Some(name), Some("jinja")) = (path.file_stem(), path.extension().and_then(|e| e.to_str()))
            {
                templates.push((name.to_string_lossy().into_owned(), read(&path)?));
            }
        }
        templates.sort();
    }
    Ok(templates)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::io(path, error))
}
