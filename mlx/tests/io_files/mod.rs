//! What the tests of files share.

#![allow(dead_code, reason = "each test uses some of it")]

use mlx::{Array, Device, Dtype, Stream, with_stream};
use std::path::PathBuf;

/// A file that `xtask/golden/io_files.py` wrote.
pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/io").join(name)
}

pub(crate) fn golden_bytes(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

/// What nearly all golden arrays hold: 0 to 5 as two rows. On the CPU, for GPUs have no `float64`.
pub(crate) fn numbers(dtype: Dtype) -> Array {
    let numbers = || Array::from_slice(&[0i32, 1, 2, 3, 4, 5], &[2, 3]).astype(dtype).unwrap();
    with_stream(&Stream::default_of(Device::Cpu).unwrap(), numbers)
}

/// Fails unless `array` is `numbers(dtype)`.
#[track_caller]
pub(crate) fn assert_numbers(array: &Array, dtype: Dtype) {
    assert_eq!((array.dtype().unwrap(), array.shape().unwrap()), (dtype, &[2, 3][..]));
    let expected =
        if dtype == Dtype::Bool { [0.0, 1.0, 1.0, 1.0, 1.0, 1.0] } else { [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] };
    // Two parts for each complex number.
    let (array, step) = match dtype {
        Dtype::C64 => (array.view(Dtype::F32).unwrap(), 2),
        _ => (array.clone(), 1),
    };
    let parts: Vec<f64> = array.to_vec().unwrap();
    assert_eq!(parts.iter().copied().step_by(step).collect::<Vec<_>>(), expected, "{dtype}");
    assert_eq!(parts.iter().sum::<f64>(), expected.iter().sum::<f64>(), "{dtype}");
}

/// Where a test writes files that `io_files.py check` shall read, if `MLX_IO_FOLDER` says so; else they go with `temporary`.
pub(crate) fn output_folder(temporary: &tempfile::TempDir) -> PathBuf {
    std::env::var_os("MLX_IO_FOLDER").map_or_else(|| temporary.path().to_owned(), PathBuf::from)
}

/// Calls `f` with `rounds` damaged copies of `bytes`, always the same ones.
pub(crate) fn damaged(bytes: &[u8], rounds: u64, mut f: impl FnMut(&[u8])) {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for _ in 0..rounds {
        let mut copy = bytes.to_vec();
        for _ in 0..=random(3) {
            // Headers stand at the start and, in archives, at the end.
            let at = match random(3) {
                0 => random(copy.len().min(200)),
                1 => copy.len() - 1 - random(copy.len().min(300)),
                _ => random(copy.len()),
            };
            let number = match random(4) {
                0 => 1u64 << random(64),
                1 => u64::MAX >> random(64),
                2 => random(300) as u64,
                _ => random(usize::MAX) as u64,
            };
            let width = [1, 1, 2, 4, 8][random(5)].min(copy.len() - at);
            match random(8) {
                0 => copy.truncate(at.max(1)),
                1 => drop(copy.splice(at..at, number.to_string().bytes())),
                2 => drop(copy.splice(at..at + width, [])),
                3 => copy[at] ^= 1 << random(8),
                _ => copy[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]),
            }
            if copy.is_empty() {
                copy.push(0);
            }
        }
        f(&copy);
    }
}

/// Evaluates what a damaged file still gave.
pub(crate) fn exercise<'a>(arrays: impl IntoIterator<Item = &'a Array>) {
    for array in arrays {
        assert!(array.nbytes().unwrap() < 1 << 26, "a small file gave {array:?}");
        array.eval().unwrap();
    }
}
