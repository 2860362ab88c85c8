//! Stochastic gradient descent.

use super::rule::{Rule, State, Step, rules};
use crate::{Array, Error, Result};

rules! {
    /// Stochastic gradient descent, with momentum.
    ///
    /// `v ← μ v + (1 - τ) g` and `w ← w - λ v`, where `λ` is the learning rate; without momentum `w ← w - λ g`.
    /// Keeps `v`.
    #[doc(alias = "SGD")]
    Sgd {
        /// The momentum `μ`; default 0.
        with_momentum(momentum: f64) = 0.0;
        /// The weight decay (an L2 penalty), times which the parameter is added to its gradient; default 0.
        with_weight_decay(weight_decay: f64) = 0.0;
        /// The dampening `τ` of the momentum; default 0.
        with_dampening(dampening: f64) = 0.0;
        /// Nesterov momentum, `w ← w - λ (g + μ v)`, which needs a momentum and no dampening; default off.
        with_nesterov(nesterov: bool) = false;
    }
}

impl Rule for Sgd {
    fn names(&self) -> &'static [&'static str] {
        &["v"]
    }

    fn check(&self) -> Result<()> {
        let has_momentum = self.momentum > 0.0 && self.dampening == 0.0;
        if self.nesterov && !has_momentum {
            let (momentum, dampening) = (self.momentum, self.dampening);
            let text = format!(
                "Nesterov needs a momentum and no dampening, not the momentum {momentum} and the dampening {dampening}"
            );
            return Err(Error::invalid("Sgd", text));
        }
        Ok(())
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let gradient = decayed(gradient, parameter, self.weight_decay);
        let rate = step.learning_rate(&gradient)?;
        if self.momentum <= 0.0 {
            return parameter.subtract(rate * gradient);
        }
        let fresh = if self.dampening > 0.0 { &gradient * (1.0 - self.dampening) } else { gradient.clone() };
        let v = state.get("v")? * self.momentum + fresh;
        let change = if self.nesterov { gradient + &v * self.momentum } else { v.clone() };
        state.set("v", v)?;
        parameter.subtract(rate * change)
    }
}

/// The gradient with an L2 penalty on the parameter.
pub(super) fn decayed(gradient: &Array, parameter: &Array, weight_decay: f64) -> Array {
    if weight_decay == 0.0 { gradient.clone() } else { gradient + parameter * weight_decay }
}
