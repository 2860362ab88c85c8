//! All instruction sets.

use mlx_cpu::simd::Level;
use std::{env, process::Command};

/// Runs the other tests of this program once for each instruction set, with six threads: both are settled once per process.
pub(crate) fn pass_with_all() {
    const INNER: &str = "MLX_RS_CPU_TEST_INNER";
    if env::var_os(INNER).is_some() {
        return;
    }
    for level in Level::available() {
        let mut tests = Command::new(env::current_exe().expect("this program"));
        tests.env(INNER, "1").env("MLX_RS_CPU_SIMD", format!("{level:?}")).env("MLX_RS_CPU_THREADS", "6");
        let output = tests.output().expect("it runs");
        assert!(output.status.success(), "{level:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
