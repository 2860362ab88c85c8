//! NVIDIA's libraries, which MLX for CUDA loads when a program starts.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What to do when the loader would not find NVIDIA's libraries for the wheel unpacked in `wheel`; none if it
/// would.
pub(crate) fn advice(wheel: &Path) -> Option<String> {
    // The place that the run path of the wheel's libmlx leads to.
    if wheel.join("nvidia").is_dir() || loader_knows("libcudnn.so.9") {
        return None;
    }
    let requirements = requirements(wheel).unwrap_or_default().join("' '");
    Some(format!(
        "MLX for CUDA needs NVIDIA's libraries (cuDNN, cuBLAS, NCCL, ...) at run time, and this system's \
         loader does not know them.\n\
         To put them beside MLX: python3 -m pip install --target {} '{requirements}'",
        wheel.display()
    ))
}

/// Whether the system's loader finds `library` by name.
fn loader_knows(library: &str) -> bool {
    let listed = Command::new("ldconfig").arg("-p").output();
    listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(library))
}

/// The packages of NVIDIA that the wheel's metadata asks for, and one that it forgets: some kernels that MLX compiles include
/// its `crt/mma.h`. None if the wheel has no metadata.
pub(crate) fn requirements(wheel: &Path) -> Option<Vec<String>> {
    let mut folders = fs::read_dir(wheel).ok()?.flatten();
    let metadata = folders.find_map(|folder| fs::read_to_string(folder.path().join("METADATA")).ok())?;
    let required = metadata.lines().filter_map(|line| line.strip_prefix("Requires-Dist: "));
    let runtime = required.clone().find_map(|name| name.strip_prefix("nvidia-cuda-runtime=="));
    let crt = runtime.map(|version| format!("nvidia-cuda-crt=={version}"));
    Some(required.map(str::to_owned).chain(crt).collect())
}
