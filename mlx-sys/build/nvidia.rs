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
    let requirements = requirements(wheel).join("' '");
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
/// its `crt/mma.h`.
fn requirements(wheel: &Path) -> Vec<String> {
    let folders = fs::read_dir(wheel).into_iter().flatten().flatten();
    let metadata = folders.filter_map(|folder| fs::read_to_string(folder.path().join("METADATA")).ok());
    let required = |line: &str| line.strip_prefix("Requires-Dist: ").map(str::to_owned);
    let mut names: Vec<_> =
        metadata.flat_map(|text| text.lines().filter_map(required).collect::<Vec<_>>()).collect();
    let runtime = names.iter().find_map(|name| name.strip_prefix("nvidia-cuda-runtime=="));
    if let Some(version) = runtime {
        names.push(format!("nvidia-cuda-crt=={version}"));
    }
    names
}
