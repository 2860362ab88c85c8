//! What fits: one formula prices weights, keys and values, and scratch, for loading, admission and messages alike.

use crate::{
    serve::failure::{Failure, Kind},
    source::Location,
};
use std::path::Path;

/// Left to the rest of the machine and to MLX's temporary arrays.
const RESERVE: u64 = 1 << 30;

/// The least context a model is loaded for.
const LEAST_CONTEXT: u64 = 2048;

/// Bytes that a model needs with `tokens` of context in memory.
pub(in crate::serve) fn need(weight_bytes: u64, token_bytes: u64, tokens: u64) -> u64 {
    weight_bytes.saturating_add(token_bytes.saturating_mul(tokens))
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

/// Bytes that models may hold in all: what the device recommends, or three quarters of the machine's memory.
pub(in crate::serve) fn budget(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| recommended().or_else(|| total().map(|bytes| bytes / 4 * 3)).unwrap_or(u64::MAX))
}

/// Metal's recommendation, or the memory of a CUDA card.
fn recommended() -> Option<u64> {
    let device = mlx::Device::default_device().ok().filter(|device| *device == mlx::Device::Gpu)?;
    let info = device.info(0).ok()?;
    let number = |name: &str| match info.get(name) {
        Some(mlx::Property::Number(bytes)) => u64::try_from(*bytes).ok(),
        _ => None,
    };
    number("max_recommended_working_set_size").or_else(|| number("total_memory"))
}

fn total() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Whether a model of `weights` bytes fits beside models that hold `loaded` bytes.
pub(super) fn fits(weights: u64, loaded: u64, budget: u64) -> bool {
    let least = need(weights, 64 << 10, LEAST_CONTEXT).saturating_add(RESERVE);
    loaded.saturating_add(least) <= budget
}

pub(super) fn refuse(name: &str, weights: u64, loaded: u64, budget: u64) -> Failure {
    let gib = |bytes: u64| bytes as f64 / (1u64 << 30) as f64;
    Failure::new(
        Kind::Memory,
        format!(
            "`{name}` needs {:.1} GiB beside {:.1} GiB of reserve and {:.1} GiB of busy models; the limit is {:.1} GiB",
            gib(weights),
            gib(RESERVE),
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
        assert!(!fits(u64::MAX, u64::MAX, 8 * GIB), "no overflow");
        assert!(fits(u64::MAX / 2, 0, u64::MAX));
    }
}
