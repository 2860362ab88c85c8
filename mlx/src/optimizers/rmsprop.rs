//! RMSprop.

use super::rule::{Rule, State, Step, check, rules};
use crate::{Array, Result};

rules! {
    /// RMSprop: `v ← α v + (1 - α) g²` and `w ← w - λ g / (√v + ε)`. Keeps `v`.
    ///
    /// Tieleman and Hinton, *Lecture 6.5 of Neural Networks for Machine Learning*, 2012.
    #[doc(alias = "RMSprop")]
    RmsProp {
        /// The smoothing constant `α`, at least 0; default 0.99.
        with_alpha(alpha: f64) = 0.99;
        /// `ε`, above 0; default 1e-8.
        with_eps(eps: f64) = 1e-8;
    }
}

impl Rule for RmsProp {
    fn names(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn check(&self) -> Result<()> {
        check(
            "RmsProp",
            &[
                ("alpha", self.alpha, self.alpha >= 0.0, "at least 0"),
                ("eps", self.eps, self.eps > 0.0, "above 0"),
            ],
        )
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let v = state.get("v")? * self.alpha + gradient.square()? * (1.0 - self.alpha);
        let change = step.learning_rate(gradient)? * gradient / (v.sqrt()? + self.eps);
        state.set("v", v)?;
        parameter.subtract(change)
    }
}
