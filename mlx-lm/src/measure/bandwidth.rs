//! How fast memory can be read: the bound of decoding.

use crate::Result;
use mlx::{Array, Device, Dtype, eval, ones};
use std::{hint::black_box, thread, time::Instant};

/// Bytes of each pass; more than any cache.
const BYTES: usize = 512 << 20;
const PASSES: usize = 5;

/// Bytes per second that the default device reads, the best of a few passes over half a gigabyte.
///
/// # Errors
/// [`Error::Mlx`](crate::Error::Mlx).
pub fn read_bandwidth() -> Result<f64> {
    match Device::default_device()? {
        Device::Cpu => Ok(processor()),
        Device::Gpu => device(),
    }
}

/// All processors sum up their parts.
fn processor() -> f64 {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let words = vec![1u64; BYTES / 8];
    let pass = || {
        let start = Instant::now();
        thread::scope(|scope| {
            for part in words.chunks(words.len().div_ceil(threads)) {
                scope.spawn(move || black_box(part.iter().fold(0u64, |sum, word| sum.wrapping_add(*word))));
            }
        });
        BYTES as f64 / start.elapsed().as_secs_f64()
    };
    (0..PASSES).map(|_| pass()).fold(0.0, f64::max)
}

/// A copy reads as much as it writes, and nothing else.
fn device() -> Result<f64> {
    let from: Array = ones(&[(BYTES / 8) as i32], Dtype::F32);
    eval([&from])?;
    let mut best = 0f64;
    for _ in 0..=PASSES {
        let start = Instant::now();
        eval([&from.add(1.0)?])?;
        best = best.max(BYTES as f64 / start.elapsed().as_secs_f64());
    }
    mlx::memory::clear_cache()?;
    Ok(best)
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_read_at_some_speed() {
        let bandwidth = super::read_bandwidth().unwrap();
        assert!((1e8..1e14).contains(&bandwidth), "{bandwidth}");
    }
}
