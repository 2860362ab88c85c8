//! How much memory there is for models.

use crate::Result;
use mlx::{Device, Property};
use serde::Serialize;

/// The memory of the device that models run on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// What the device is called.
    pub device: String,
    /// Bytes that it has.
    pub memory: u64,
    /// Bytes that models may take: what Metal recommends, what CUDA has, or the processor's memory less an eighth, at
    /// least 1 GiB, for everything else.
    pub usable: u64,
}

impl Machine {
    /// The default device of MLX.
    ///
    /// # Errors
    /// [`Error::Mlx`](crate::Error::Mlx).
    pub fn detect() -> Result<Machine> {
        let device = Device::default_device()?;
        let properties = device.info(0).unwrap_or_default();
        let bytes = |key: &str| match properties.get(key) {
            Some(Property::Number(bytes)) => Some(*bytes as u64),
            _ => None,
        };
        let name = match properties.get("device_name") {
            Some(Property::Text(name)) => name.clone(),
            _ => format!("{device:?}"),
        };
        let memory = bytes("memory_size").or(bytes("total_memory")).or_else(processor_memory);
        let memory = match memory {
            Some(memory) => memory,
            None => mlx::memory::memory_limit()? as u64,
        };
        let usable = match device {
            Device::Cpu => memory.saturating_sub((memory / 8).max(1 << 30)),
            Device::Gpu => bytes("max_recommended_working_set_size").unwrap_or(memory - memory / 16),
        };
        Ok(Machine { device: name, memory, usable })
    }
}

/// What the machine has, or what the container may use of it.
fn processor_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
    Some((kib << 10).min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_memory_and_not_all_is_for_models() {
        let machine = Machine::detect().unwrap();
        assert!(machine.memory > 1 << 30 && machine.usable < machine.memory, "{machine:?}");
    }
}
