//! Adagrad.

use super::rule::{Rule, State, Step, check, rules};
use crate::{Array, Result};

rules! {
    /// Adagrad: `v ← v + g²` and `w ← w - λ g / (√v + ε)`. Keeps `v`.
    ///
    /// Duchi, Hazan and Singer, *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*, 2011.
    Adagrad {
        /// `ε`, above 0; default 1e-8.
        with_eps(eps: f64) = 1e-8;
    }
}

impl Rule for Adagrad {
    fn names(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn check(&self) -> Result<()> {
        check("Adagrad", &[("eps", self.eps, self.eps > 0.0, "above 0")])
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let v = state.get("v")? + gradient.square()?;
        let change = step.learning_rate(gradient)? * gradient / (v.sqrt()? + self.eps);
        state.set("v", v)?;
        parameter.subtract(change)
    }
}
