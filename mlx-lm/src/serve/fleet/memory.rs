//! What fits: one formula prices weights, keys and values, and scratch, for loading, admission and messages alike.

use crate::{
    Machine,
    serve::failure::{Failure, Kind},
    source::Location,
    summary::memory,
};
use std::path::Path;

/// The least context a model is loaded for, in tokens, and what a token takes where the model is not known yet.
const LEAST_CONTEXT: u64 = 2048;
const TOKEN_BYTES: u64 = 64 << 10;

/// Bytes that a model with `weights` bytes of weights needs at least.
fn need(weights: u64) -> u64 {
    memory(weights, LEAST_CONTEXT * TOKEN_BYTES)
}

/// Bytes of a model's weight files: what it will hold at least.
pub(super) fn file_bytes(location: &Location) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    match location {
        Location::Gguf(file) => size(file),
        Location::Folder(folder) => {
            let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
            let weights = entries.flatten().map(|entry| entry.path());
            weights
                .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
                .map(|path| size(&path))
                .sum()
        }
    }
}

/// Bytes that models may hold in all: what was asked for, or what the machine has for models.
pub(in crate::serve) fn budget(asked: Option<u64>) -> u64 {
    asked.or_else(|| Machine::detect().ok().map(|machine| machine.usable)).unwrap_or(u64::MAX)
}

/// Whether a model of `weights` bytes fits beside models that hold `loaded` bytes.
pub(super) fn fits(weights: u64, loaded: u64, budget: u64) -> bool {
    loaded.saturating_add(need(weights)) <= budget
}

pub(super) fn refuse(name: &str, weights: u64, loaded: u64, budget: u64) -> Failure {
    let gib = |bytes: u64| bytes as f64 / (1u64 << 30) as f64;
    Failure::new(
        Kind::Memory,
        format!(
            "`{name}` needs {:.1} GiB beside {:.1} GiB of busy models; the limit is {:.1} GiB",
            gib(need(weights)),
            gib(loaded),
            gib(budget)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        const GIB: u64 = 1 << 30;
        assert!(fits(4 * GIB, 0, 8 * GIB));
        assert!(!fits(4 * GIB, 4 * GIB, 8 * GIB), "the other model is in the way");
        assert!(!fits(1 << 60, u64::MAX, 8 * GIB), "no overflow");
        assert!(!fits(4 * GIB, 0, 4 * GIB), "weights are not all");
    }
}
