//! AdaDelta.

use super::rule::{Rule, State, Step, check, rules};
use crate::{Array, Result};

rules! {
    /// AdaDelta with a learning rate: `v ← ρ v + (1 - ρ) g²`, `d = √(u + ε) / √(v + ε) · g`, `u ← ρ u + (1 - ρ) d²` and
    /// `w ← w - λ d`. Keeps `u` and `v`.
    ///
    /// Zeiler, [*ADADELTA: An Adaptive Learning Rate Method*](https://arxiv.org/abs/1212.5701), 2012.
    AdaDelta {
        /// The coefficient `ρ` of the running averages, at least 0; default 0.9.
        with_rho(rho: f64) = 0.9;
        /// `ε`, above 0; default 1e-6.
        with_eps(eps: f64) = 1e-6;
    }
}

impl Rule for AdaDelta {
    fn names(&self) -> &'static [&'static str] {
        &["u", "v"]
    }

    fn check(&self) -> Result<()> {
        check(
            "AdaDelta",
            &[("rho", self.rho, self.rho >= 0.0, "at least 0"), ("eps", self.eps, self.eps > 0.0, "above 0")],
        )
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let v = state.get("v")? * self.rho + gradient.square()? * (1.0 - self.rho);
        let u = state.get("u")?;
        let change = (u + self.eps).sqrt()? / (&v + self.eps).sqrt()? * gradient;
        let u = u * self.rho + change.square()? * (1.0 - self.rho);
        state.set("u", u)?;
        state.set("v", v)?;
        parameter.subtract(step.learning_rate(gradient)? * change)
    }
}
