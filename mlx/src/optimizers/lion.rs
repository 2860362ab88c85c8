//! Lion.

use super::rule::{Rule, State, Step, check_betas, rules};
use crate::{Array, Result};

rules! {
    /// Lion: `c = β₁ m + (1 - β₁) g`, `m ← β₂ m + (1 - β₂) g` and `w ← w - λ (sign(c) + κ w)`. Keeps `m`.
    ///
    /// All elements move by the same amount, further than with Adam: take a learning rate 3 to 10 times smaller than
    /// for [`AdamW`](super::AdamW), and a weight decay larger by as much.
    ///
    /// Chen et al., [*Symbolic Discovery of Optimization Algorithms*](https://arxiv.org/abs/2302.06675), 2023.
    Lion {
        /// The coefficients `β₁` of the direction and `β₂` of the momentum, in `0..1`; default 0.9 and 0.99.
        with_betas(betas: [f64; 2]) = [0.9, 0.99];
        /// The weight decay `κ`; default 0.
        with_weight_decay(weight_decay: f64) = 0.0;
    }
}

impl Rule for Lion {
    fn names(&self) -> &'static [&'static str] {
        &["m"]
    }

    fn check(&self) -> Result<()> {
        check_betas("Lion", self.betas)
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let [beta_1, beta_2] = self.betas;
        let rate = step.learning_rate(gradient)?;
        let m = state.get("m")?;
        let direction = m * beta_1 + gradient * (1.0 - beta_1);
        let m = m * beta_2 + gradient * (1.0 - beta_2);
        state.set("m", m)?;
        let kept = if self.weight_decay > 0.0 {
            parameter * (1 - &rate * self.weight_decay)
        } else {
            parameter.clone()
        };
        kept.subtract(rate * direction.sign()?)
    }
}
