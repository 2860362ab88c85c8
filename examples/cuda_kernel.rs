//! A kernel of your own on NVIDIA's GPUs: `MLX_BACKEND=cuda12 cargo run --release -p examples --example cuda_kernel`
//!
//! It computes `silu(gate) · up`, the middle of the feed-forward of many language models, in one pass over memory.
//! Without CUDA the program says so. `metal_kernel.rs` is its sibling.
//!
//! A formula like this needs no kernel in earnest: `compile` fuses it too. A kernel is for what is not elementwise.

use mlx::kernels::{CudaKernel, CudaOptions, Launch};
use mlx::{Array, Device, Dtype, Result, cuda, nn, random};

/// The body of the kernel. MLX writes its signature, with the names and types of the arrays, and the template: `T`, `N`.
///
/// CUDA starts whole groups of threads, so the last ones may have nothing to do.
const SOURCE: &str = "
    auto i = cooperative_groups::this_grid().thread_rank();
    if (i < N) {
        float x = static_cast<float>(gate[i]);
        y[i] = static_cast<T>(x / (1.0f + expf(-x)) * static_cast<float>(up[i]));
    }
";

struct SwiGlu(CudaKernel);

impl SwiGlu {
    fn new() -> Result<SwiGlu> {
        // SAFETY: a thread reads and writes the elements at its own position, below `N`, which `forward` makes the
        // number of elements of all three arrays.
        let kernel =
            unsafe { CudaKernel::new("swiglu", &["gate", "up"], &["y"], SOURCE, CudaOptions::default())? };
        Ok(SwiGlu(kernel))
    }

    /// `silu(gate) · up` for arrays of one shape and dtype.
    fn forward(&self, gate: &Array, up: &Array) -> Result<Array> {
        let (shape, dtype) = (gate.shape()?, gate.dtype()?);
        // The kernel trusts both inputs to be alike.
        let up = up.broadcast_to(shape)?.astype(dtype)?;
        let count = shape.iter().product();
        let launch = Launch::new([count, 1, 1], [256, 1, 1]).output(shape, dtype);
        let [y] = self.0.call(&[gate, &up], &launch.template("T", dtype).template("N", count))?;
        Ok(y)
    }
}

fn main() -> Result<()> {
    if !cuda::is_available()? || !Device::Gpu.is_available()? {
        println!("there is no CUDA here: this example needs an NVIDIA GPU and MLX_BACKEND=cuda12 or cuda13");
        return Ok(());
    }
    let [a, b] = random::split(&random::key(0)?)?;
    let gate = random::normal(&[512, 1000], Dtype::F16, &a)?;
    let up = random::normal(&[512, 1000], Dtype::F16, &b)?;

    let ours = SwiGlu::new()?.forward(&gate, &up)?; // compiled when it is computed
    let theirs = nn::silu(&gate)? * &up;
    println!("ours   {:?}", ours.at((0, ..4))?.to_vec::<f32>()?);
    println!("MLX's  {:?}", theirs.at((0, ..4))?.to_vec::<f32>()?);
    println!("largest difference {}", (ours - theirs).abs()?.max(..)?.item::<f32>()?);
    Ok(())
}
