//! The model card, `README.md`.

use crate::{Error, Result, source::Location};
use serde_json::Value;
use std::{fs, path::Path};

/// Entries of the original's card that this one has its own of.
const OWN: [&str; 4] = ["base_model", "library_name", "pipeline_tag", "tags"];

/// Writes a card that says what the model was made of, with the licence and the languages of the original's.
pub(super) fn write(source: &Location, folder: &Path, config: &Value) -> Result<()> {
    let original = match source {
        Location::Folder(from) => fs::read_to_string(from.join("README.md")).unwrap_or_default(),
        Location::Gguf(_) => String::new(),
    };
    let path = folder.join("README.md");
    let text = card(&original, repository(source.path()).as_deref(), config);
    fs::write(&path, text).map_err(|e| Error::io(&path, e))
}

fn card(original: &str, repository: Option<&str>, config: &Value) -> String {
    let mut text = String::from("---\n");
    text.push_str("library_name: mlx\npipeline_tag: text-generation\ntags:\n- mlx\n");
    if let Some(repository) = repository {
        text.push_str(&format!("base_model: {repository}\n"));
    }
    for entry in entries(original) {
        let key = entry.split(':').next().unwrap_or_default();
        if !OWN.contains(&key) {
            text.push_str(&entry);
        }
    }
    text.push_str("---\n\n");
    let from =
        repository.map_or_else(String::new, |name| format!(" from [{name}](https://huggingface.co/{name})"));
    let stored = match &config["quantization"] {
        Value::Null => String::new(),
        block => format!(
            ", {}-bit {} in groups of {}",
            block["bits"],
            block["mode"].as_str().unwrap_or("affine"),
            block["group_size"]
        ),
    };
    text.push_str(&format!("Converted to MLX{from} with `mlx-lm convert`{stored}.\n"));
    text
}

/// The entries at the top of a card's front matter, each with the lines that belong to it.
fn entries(card: &str) -> Vec<String> {
    let mut lines = card.lines();
    if lines.next().is_none_or(|line| line.trim_end() != "---") {
        return vec![];
    }
    let mut entries: Vec<String> = vec![];
    for line in lines {
        if line.trim_end() == "---" {
            return entries;
        }
        let begins = line.starts_with(|first: char| first.is_ascii_alphabetic()) && line.contains(':');
        match entries.last_mut() {
            Some(entry) if !begins => *entry += &format!("{line}\n"),
            _ if begins => entries.push(format!("{line}\n")),
            _ => {}
        }
    }
    // Without its end it is no front matter.
    vec![]
}

/// `org/name`, if the files lie in a cache of the hub.
fn repository(path: &Path) -> Option<String> {
    let folders = path.components().filter_map(|part| part.as_os_str().to_str());
    folders
        .filter_map(|folder| folder.strip_prefix("models--"))
        .next_back()
        .map(|name| name.replacen("--", "/", 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_licence_goes_along() {
        let original = "---\nlicense: other\nlicense_link: https://x/y\ntags:\n- old\n- chat\nlanguage:\n- en\n- de\n---\n# Title\n";
        let config = json!({ "quantization": { "group_size": 64, "bits": 4, "mode": "affine" } });
        let text = card(original, Some("org/model"), &config);
        let head = "---\nlibrary_name: mlx\npipeline_tag: text-generation\ntags:\n- mlx\nbase_model: org/model\n\
                    license: other\nlicense_link: https://x/y\nlanguage:\n- en\n- de\n---\n";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("4-bit affine in groups of 64"), "{text}");
        assert!(!text.contains("Title") && !text.contains("old"));
        assert!(card("no front matter", None, &json!({})).starts_with("---\nlibrary_name: mlx\n"));
    }

    #[test]
    fn repositories_are_known_by_their_folder_in_the_cache() {
        let path = Path::new("/x/hub/models--org--na--me/snapshots/0123");
        assert_eq!(repository(path).as_deref(), Some("org/na--me"));
        assert_eq!(repository(Path::new("/x/y")), None);
    }
}
