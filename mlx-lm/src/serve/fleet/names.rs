//! Names of models in requests: hostile input that must never become a path.

use crate::serve::failure::Failure;
use crate::source::catalog;

const MAX_NAME: usize = 256;

/// The one name of a model, of the several that clients use; refuses what could lead out of the store.
///
/// A name is one of the catalogue (`llama3.2:3b`), a repository (`org/name`, `org/name@revision`,
/// `org/name/file.gguf`), or one that the server was started with. `:latest`, which clients of Ollama add, is dropped.
pub(in crate::serve) fn canonical(name: &str) -> Result<String, Failure> {
    let refuse = |why: &str| Err(Failure::invalid("model", format!("`model` {why}")));
    if name.is_empty() || name.len() > MAX_NAME {
        return refuse(&format!("must have 1 to {MAX_NAME} bytes"));
    }
    let name = name.strip_suffix(":latest").unwrap_or(name);
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:@/-".contains(&byte)) {
        return refuse("may have letters, digits and `_ . : @ / -` only");
    }
    let word =
        |part: &str| part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let escapes = name.contains("..") || name.contains(":/") || name.contains('@') && !name.contains('/');
    if escapes || !name.split(['/', '@', ':']).all(word) {
        return refuse("is no model's name: each part starts with a letter, a digit or `_`");
    }
    Ok(catalog::find(name).map_or_else(|| name.to_owned(), |(full, _)| full.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_clients_have_one_form() {
        for (name, expected) in [
            ("smollm2:135m", "smollm2:135m"),
            ("SmolLM2:135M", "smollm2:135m"),
            ("org/name", "org/name"),
            ("org/name@v1.0", "org/name@v1.0"),
            ("org/name/file-Q4_0.gguf", "org/name/file-Q4_0.gguf"),
            ("org/name:latest", "org/name"),
            ("my-model", "my-model"),
        ] {
            assert_eq!(canonical(name).unwrap(), expected);
        }
    }

    #[test]
    fn names_that_are_paths_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "./model",
            "~/model",
            "a//b",
            "C:\\x",
            "C:/x",
            "a\0b",
            "a b",
            "%2e%2e/x",
            "a/.hidden",
            "http://169.254.169.254/x",
            "org/name@../x",
            "org/name@/x",
            "a/b/",
            "@x",
            ":x",
            "é",
        ] {
            assert!(canonical(name).is_err(), "{name:?}");
        }
        assert!(canonical(&"x".repeat(257)).is_err());
    }

    proptest! {
        #[test]
        fn no_name_has_a_part_that_climbs(name in "[a-z./:@\\\\~%-]{0,24}") {
            if let Ok(name) = canonical(&name) {
                prop_assert!(!name.starts_with('/') && !name.contains(".."));
                prop_assert!(name.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
            }
        }
    }
}
