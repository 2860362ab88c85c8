//! Logistic regression: a layer, a loss and an optimizer instead of formulas by hand.
//!
//! `cargo run --release -p examples --example logistic_regression`
//!
//! Points are labeled by which side of a plane they lie on, and the plane is found again.

use mlx::nn::{
    self, Linear,
    losses::{Reduction, binary_cross_entropy},
};
use mlx::optimizers::{Optimizer, Sgd};
use mlx::{Array, Dtype, Module, Result, eval, random};

const POINTS: i32 = 2000;
const FEATURES: i32 = 20;
const STEPS: usize = 300;

fn main() -> Result<()> {
    let mut keys = random::Keys::new(0)?;
    let plane = random::normal(&[FEATURES], Dtype::F32, &keys.next_key()?)?;
    let mut points = |count: i32| -> Result<(Array, Array)> {
        let x = random::normal(&[count, FEATURES], Dtype::F32, &keys.next_key()?)?;
        let y = x.matmul(&plane)?.greater(0.0)?;
        Ok((x, y.astype(Dtype::F32)?))
    };
    let (x, y) = points(POINTS)?;
    let (test_x, test_y) = points(POINTS)?;

    // One logit per point. A fresh layer is all zero, which is a good start for a single one.
    let mut model = Linear::new(FEATURES, 1);
    let logits = |model: &Linear, x: &Array| model.forward(x)?.squeeze(-1);
    let mut optimizer = Optimizer::new(Sgd::new().with_momentum(0.9), 0.5)?;

    for i in 1..=STEPS {
        let loss = |model: &Linear| binary_cross_entropy(&logits(model, &x)?, &y, Reduction::Mean);
        let (loss, gradients) = nn::value_and_grad(&mut model, loss)?;
        optimizer.update(&mut model, &gradients)?;
        eval(model.parameters().values().chain(optimizer.state().values()))?;
        if i % 50 == 0 {
            println!("step {i:3}: loss {:.4}", loss.item::<f32>()?);
        }
    }

    let guesses = logits(&model, &test_x)?.greater(0.0)?.astype(Dtype::F32)?;
    let accuracy = guesses.equal(&test_y)?.mean(..)?.item::<f32>()?;
    println!("of {POINTS} points not seen before, {:.1} % are on the right side", 100.0 * accuracy);

    // The weight is the plane's normal, up to its length.
    let weight = model.parameters()["weight"].flatten(0, -1)?;
    let norm = |x: &Array| x.square()?.sum(..)?.sqrt();
    let cosine = weight.inner(&plane)? / (norm(&weight)? * norm(&plane)?);
    println!("cosine between the plane found and the true one: {:.4}", cosine.item::<f32>()?);
    Ok(())
}
