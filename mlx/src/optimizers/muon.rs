//! Muon.

use super::{
    rule::{Rule, State, Step, rules},
    sgd::decayed,
};
use crate::{Array, Result, axes};

rules! {
    /// Muon: momentum, made orthogonal by Newton-Schulz iterations.
    ///
    /// `v ← μ v + (1 - μ) g` and `w ← w - λ √max(1, rows / columns) · orthogonal(v)`, where rows and columns are the
    /// last two dimensions. Keeps `v`.
    ///
    /// Meant for the matrices of hidden layers; a convolution's filters are made orthogonal as a matrix with a row per
    /// output channel. Embeddings, the last layer and vectors learn better with another rule, such as
    /// [`AdamW`](super::AdamW): see [`Optimizer::with_group`](super::Optimizer::with_group). Vectors and scalars move
    /// by `λ v`, not orthogonalized.
    ///
    /// Jordan, [*Muon: An optimizer for hidden layers in neural networks*](https://kellerjordan.github.io/posts/muon/),
    /// 2024.
    Muon {
        /// The momentum `μ`; default 0.95.
        with_momentum(momentum: f64) = 0.95;
        /// The weight decay (an L2 penalty), times which the parameter is added to its gradient; default 0.01.
        with_weight_decay(weight_decay: f64) = 0.01;
        /// Nesterov momentum: `(1 - μ) g + μ v` in place of `v`; default on.
        with_nesterov(nesterov: bool) = true;
        /// The number of Newton-Schulz iterations; default 5.
        with_ns_steps(ns_steps: u32) = 5;
    }
}

impl Rule for Muon {
    fn names(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let gradient = decayed(gradient, parameter, self.weight_decay);
        let fresh = &gradient * (1.0 - self.momentum);
        let v = state.get("v")? * self.momentum + &fresh;
        let change = if self.nesterov { fresh + &v * self.momentum } else { v.clone() };
        state.set("v", v)?;
        let rate = step.learning_rate(&gradient)?;
        let shape = parameter.shape()?;
        let [.., rows, columns] = shape else { return parameter.subtract(rate * change) };
        let stretch = (f64::from(*rows) / f64::from(*columns)).max(1.0).sqrt();
        let orthogonal = orthogonal(&change.flatten(1, -1)?, self.ns_steps)?.reshape(shape)?;
        parameter.subtract(rate * stretch * orthogonal)
    }
}

/// The nearest matrix with orthonormal rows or columns, about: its singular values lie near one.
///
/// Iterates `X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X`, whose coefficients are chosen to lift small singular values fast.
fn orthogonal(x: &Array, iterations: u32) -> Result<Array> {
    const A: f64 = 3.4445;
    const B: f64 = -4.7750;
    const C: f32 = 2.0315;
    let [rows, columns] = x.dims()?;
    let wide = if rows > columns { x.t()? } else { x.clone() };
    let norm = wide.square()?.sum(axes([0, 1]).keep())?.sqrt()?;
    let mut x = wide / (norm + 1e-7);
    for _ in 0..iterations {
        let gram = x.matmul(&x.t()?)?;
        let polynomial = (&gram * B).addmm_scaled(&gram, &gram, C, 1.0)?;
        x = (&x * A).addmm(&polynomial, &x)?;
    }
    if rows > columns { x.t() } else { Ok(x) }
}
