//! The kernels for CUDA, run on a CPU: this says whether they compute what they should, on machines without a GPU too.

use std::{env, error::Error, path::Path, process::Command};

#[test]
fn kernels_compute_what_they_should() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/cuda_on_cpu");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda_on_cpu");
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut compile = Command::new(&compiler);
    compile
        .args(["-std=c++20", "-O1", "-pthread", "-w", "-I"])
        .arg(root.join("src/gpu"))
        .arg("-I")
        .arg(&folder);
    let status = compile.arg(folder.join("kernels.cpp")).arg("-o").arg(&program).status()?;
    assert!(status.success(), "`{compiler}` does not compile the kernels");
    let output = Command::new(&program).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
