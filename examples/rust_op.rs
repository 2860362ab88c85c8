//! An operation in Rust, with its gradient: `cargo run --release -p examples --example rust_op`

use mlx::{
    Array, Dtype, Result, arange,
    kernels::{Operation, Spec, View, ViewMut, apply},
    transforms::grad,
};
use std::sync::Arc;

/// The smooth step `x / (1 + |x|)`.
struct Softsign;

impl Operation for Softsign {
    fn name(&self) -> &str {
        "softsign"
    }

    // Asked when the operation is recorded: one output, like the input.
    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        Ok(inputs.to_vec())
    }

    // Called on a thread of MLX when the result is needed.
    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let x = inputs[0].as_slice::<f32>()?;
        for (y, x) in outputs[0].as_mut_slice::<f32>()?.iter_mut().zip(x) {
            *y = x / (1.0 + x.abs());
        }
        Ok(())
    }

    // Called when a function is differentiated: records arrays. The derivative is 1 / (1 + |x|)².
    fn vjp(&self, inputs: &[Array], _outputs: &[Array], cotangents: &[Array]) -> Result<Vec<Array>> {
        let slope = 1.0 / (inputs[0].abs()? + 1.0).square()?;
        Ok(vec![slope * &cotangents[0]])
    }
}

fn main() -> Result<()> {
    let operation = Arc::new(Softsign);
    let softsign = |x: &Array| apply(&operation, &[x]).map(|[y]| y);

    let x = arange(-2.0, 3.0, 1.0, Dtype::F32)?;
    println!("softsign {:?}", softsign(&x)?.to_vec::<f32>()?);
    println!("gradient {:?}", grad(|x: &Array| softsign(x)?.sum(..))(&x)?.to_vec::<f32>()?);
    Ok(())
}
