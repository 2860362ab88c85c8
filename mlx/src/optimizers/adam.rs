//! Adam and its descendants.

use super::rule::{Rule, State, Step, check, check_betas, rules};
use crate::{Array, Result};

rules! {
    /// Adam: `m ← β₁ m + (1 - β₁) g`, `v ← β₂ v + (1 - β₂) g²` and `w ← w - λ m / (√v + ε)`. Keeps `m` and `v`.
    ///
    /// Kingma and Ba, [*Adam: A Method for Stochastic Optimization*](https://arxiv.org/abs/1412.6980), 2015. The
    /// correction of the paper for the zeros that the averages start from is an option here.
    Adam {
        /// The coefficients `β₁` and `β₂` of the running averages, in `0..1`; default 0.9 and 0.999.
        with_betas(betas: [f64; 2]) = [0.9, 0.999];
        /// `ε`, at least 0; default 1e-8.
        with_eps(eps: f64) = 1e-8;
        /// Divides `m` by `1 - β₁ᵗ` and `v` by `1 - β₂ᵗ` in step `t`; default off.
        with_bias_correction(bias_correction: bool) = false;
    }

    /// Adam with decoupled weight decay: `w ← w - λ κ w` comes before Adam's step. Keeps `m` and `v`.
    ///
    /// Loshchilov and Hutter, [*Decoupled Weight Decay Regularization*](https://arxiv.org/abs/1711.05101), 2019.
    AdamW {
        /// The coefficients `β₁` and `β₂` of the running averages, in `0..1`; default 0.9 and 0.999.
        with_betas(betas: [f64; 2]) = [0.9, 0.999];
        /// `ε`, at least 0; default 1e-8.
        with_eps(eps: f64) = 1e-8;
        /// The weight decay `κ`; default 0.01.
        with_weight_decay(weight_decay: f64) = 0.01;
        /// Divides `m` by `1 - β₁ᵗ` and `v` by `1 - β₂ᵗ` in step `t`; default off.
        with_bias_correction(bias_correction: bool) = false;
    }

    /// Adam with the infinity norm: `m ← β₁ m + (1 - β₁) g`, `v ← max(β₂ v, |g|)` and `w ← w - λ m / (v + ε)`, without
    /// bias correction. Keeps `m` and `v`.
    ///
    /// Kingma and Ba, [*Adam: A Method for Stochastic Optimization*](https://arxiv.org/abs/1412.6980), 2015.
    Adamax {
        /// The coefficients `β₁` of the average and `β₂` of the norm, in `0..1`; default 0.9 and 0.999.
        with_betas(betas: [f64; 2]) = [0.9, 0.999];
        /// `ε`, at least 0; default 1e-8.
        with_eps(eps: f64) = 1e-8;
    }
}

/// What all three keep.
const MOMENTS: &[&str] = &["m", "v"];

#[track_caller]
fn check_options(rule: &'static str, betas: [f64; 2], eps: f64) -> Result<()> {
    check_betas(rule, betas)?;
    check(rule, &[("eps", eps, eps >= 0.0, "at least 0")])
}

impl Rule for Adam {
    fn names(&self) -> &'static [&'static str] {
        MOMENTS
    }

    fn check(&self) -> Result<()> {
        check_options("Adam", self.betas, self.eps)
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let [beta_1, beta_2] = self.betas;
        let m = state.get("m")? * beta_1 + gradient * (1.0 - beta_1);
        let v = state.get("v")? * beta_2 + gradient.square()? * (1.0 - beta_2);
        let rate = step.learning_rate(gradient)?;
        let change = if self.bias_correction {
            let dtype = gradient.dtype()?;
            let first = (rate / remaining(beta_1, step)?).astype(dtype)?;
            let second = remaining(beta_2, step)?.rsqrt()?.astype(dtype)?;
            first * &m / (v.sqrt()? * second + self.eps)
        } else {
            rate * &m / (v.sqrt()? + self.eps)
        };
        state.set("m", m)?;
        state.set("v", v)?;
        parameter.subtract(change)
    }
}

/// `1 - βᵗ`: how much of a running average is no longer its zero start after step `t`, in `f32`.
fn remaining(beta: f64, step: &Step) -> Result<Array> {
    Ok(1 - Array::scalar(beta as f32).power(step.number())?)
}

impl Rule for AdamW {
    fn names(&self) -> &'static [&'static str] {
        MOMENTS
    }

    fn check(&self) -> Result<()> {
        check_options("AdamW", self.betas, self.eps)
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let adam = Adam { betas: self.betas, eps: self.eps, bias_correction: self.bias_correction };
        let kept = 1 - step.learning_rate(gradient)? * self.weight_decay;
        adam.apply(gradient, &(parameter * kept), state, step)
    }
}

impl Rule for Adamax {
    fn names(&self) -> &'static [&'static str] {
        MOMENTS
    }

    fn check(&self) -> Result<()> {
        check_options("Adamax", self.betas, self.eps)
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let [beta_1, beta_2] = self.betas;
        let m = state.get("m")? * beta_1 + gradient * (1.0 - beta_1);
        let v = (state.get("v")? * beta_2).maximum(gradient.abs()?)?;
        let change = step.learning_rate(gradient)? * &m / (&v + self.eps);
        state.set("m", m)?;
        state.set("v", v)?;
        parameter.subtract(change)
    }
}
