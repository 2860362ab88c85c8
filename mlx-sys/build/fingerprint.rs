//! A short name for everything that an output depends on.

use std::fs;
use std::path::Path;

use hmac_sha256::Hash;

use super::failure::{Result, cannot};

/// Collects parts; two collections are equal only if all their parts are.
#[derive(Default)]
pub(crate) struct Fingerprint(Hash);

impl Fingerprint {
    /// Adds bytes.
    pub(crate) fn add(&mut self, part: impl AsRef<[u8]>) {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        self.0.update((part.as_ref().len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// Adds the names and the content of all files in a folder, in the order of their names.
    pub(crate) fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).map_err(cannot("read", folder))?;
        let mut entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(cannot("read", folder))?;
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let path = entry.path();
            self.add(entry.file_name().as_encoded_bytes());
            if path.is_dir() {
                self.add_folder(&path)?;
            } else {
                self.add(fs::read(&path).map_err(cannot("read", &path))?);
            }
        }
        Ok(())
    }

    /// The name: 16 hexadecimal digits.
    pub(crate) fn name(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
