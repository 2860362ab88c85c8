//! A kernel of your own on Apple's GPUs: `cargo run --release -p examples --example metal_kernel`
//!
//! It computes `silu(gate) · up`, the middle of the feed-forward of many language models, in one pass over memory.
//! Without Metal the program says so. `cuda_kernel.rs` is its sibling.
//!
//! A formula like this needs no kernel in earnest: `compile` fuses it too. A kernel is for what is not elementwise.

use mlx::kernels::{Launch, MetalKernel, MetalOptions};
use mlx::{Array, Device, Dtype, Result, metal, nn, random};

/// The body of the kernel. MLX writes its signature, with the names and types of the arrays, and `T`.
const SOURCE: &str = "
    uint i = thread_position_in_grid.x;
    float x = static_cast<float>(gate[i]);
    y[i] = static_cast<T>(x / (1.0f + metal::exp(-x)) * static_cast<float>(up[i]));
";

struct SwiGlu(MetalKernel);

impl SwiGlu {
    fn new() -> Result<SwiGlu> {
        // SAFETY: a thread reads and writes the elements at its own position, and `forward` starts one per element.
        let kernel =
            unsafe { MetalKernel::new("swiglu", &["gate", "up"], &["y"], SOURCE, MetalOptions::default())? };
        Ok(SwiGlu(kernel))
    }

    /// `silu(gate) · up` for arrays of one shape and dtype.
    fn forward(&self, gate: &Array, up: &Array) -> Result<Array> {
        let (shape, dtype) = (gate.shape()?, gate.dtype()?);
        // The kernel trusts both inputs to be alike.
        let up = up.broadcast_to(shape)?.astype(dtype)?;
        // Metal starts exactly as many threads as the grid has.
        let launch = Launch::new([shape.iter().product(), 1, 1], [256, 1, 1]).output(shape, dtype);
        let [y] = self.0.call(&[gate, &up], &launch.template("T", dtype))?;
        Ok(y)
    }
}

fn main() -> Result<()> {
    if !metal::is_available()? || !Device::Gpu.is_available()? {
        println!("there is no Metal here: this example needs a Mac with Apple silicon");
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
