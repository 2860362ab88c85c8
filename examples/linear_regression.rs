//! Linear regression: the gradient of a function of plain arrays, and gradient descent by hand.
//!
//! `cargo run --release -p examples --example linear_regression`
//!
//! Numbers are drawn around a known line, and the line is found again.

use mlx::{Array, Dtype, Result, Tree, eval, random, transforms::value_and_grad, zeros};

const POINTS: i32 = 1000;
const FEATURES: i32 = 10;
const STEPS: usize = 100;
const LEARNING_RATE: f32 = 0.05;

/// What is learned. Any struct of arrays that derives `Tree` can be differentiated by; gradients come as the same struct.
#[derive(Tree)]
struct Line {
    slopes: Array,
    offset: Array,
}

impl Line {
    fn at(&self, x: &Array) -> Result<Array> {
        x.matmul(&self.slopes)?.add(&self.offset)
    }
}

fn main() -> Result<()> {
    let mut keys = random::Keys::new(0)?;
    let truth = Line {
        slopes: random::normal(&[FEATURES], Dtype::F32, &keys.next_key()?)?,
        offset: Array::scalar(3.0f32),
    };
    let x = random::normal(&[POINTS, FEATURES], Dtype::F32, &keys.next_key()?)?;
    let noise = random::normal(&[POINTS], Dtype::F32, &keys.next_key()?)? * 0.01;
    let y = truth.at(&x)? + noise;

    // The function takes what to differentiate by; the data it captures are constants.
    let step = value_and_grad(|line: &Line| (line.at(&x)? - &y).square()?.mean(..));

    let mut line = Line { slopes: zeros(&[FEATURES], Dtype::F32), offset: Array::scalar(0.0f32) };
    for i in 1..=STEPS {
        let (loss, gradient) = step(&line)?;
        line.slopes -= gradient.slopes * LEARNING_RATE;
        line.offset -= gradient.offset * LEARNING_RATE;
        // Computing each step keeps the recording short.
        eval([&line.slopes, &line.offset])?;
        if i % 20 == 0 {
            println!("step {i:3}: loss {:.6}", loss.item::<f32>()?);
        }
    }

    let error = (&line.slopes - &truth.slopes).abs()?.max(..)?.item::<f32>()?;
    println!("offset {:.4}, in truth 3", line.offset.item::<f32>()?);
    println!("slopes off by at most {error:.4}");
    Ok(())
}
