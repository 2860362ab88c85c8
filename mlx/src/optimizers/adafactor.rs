//! Adafactor.

use super::rule::{Rule, State, Step, rules};
use crate::{Array, Operand, Result, axes, zeros};

rules! {
    /// Adafactor: Adam's second moment of a matrix, kept as its row and column means.
    ///
    /// With [`LearningRate::Relative`](super::LearningRate::Relative) step `t` has the size `min(10⁻², 1/√t)`; a number
    /// or a schedule replaces it. Keeps `exp_avg_sq_row` and `exp_avg_sq_col` for parameters of two dimensions and
    /// more, `exp_avg_sq` for others, and `exp_avg` if there is a `beta_1`.
    ///
    /// Shazeer and Stern, [*Adafactor: Adaptive Learning Rates with Sublinear Memory
    /// Cost*](https://arxiv.org/abs/1804.04235), 2018.
    Adafactor {
        /// `ε₁`, added to squared gradients, and `ε₂`, the least scale of a parameter; default 1e-30 and 1e-3.
        with_eps(eps: [f64; 2]) = [1e-30, 1e-3];
        /// The root mean square that a step is scaled down to; default 1.
        with_clip_threshold(clip_threshold: f64) = 1.0;
        /// The power `c` in `β₂ = 1 - tᶜ`, the coefficient of the second moment in step `t`; default -0.8.
        with_decay_rate(decay_rate: f64) = -0.8;
        /// The coefficient of the first moment; with 0, the default, none is kept.
        with_beta_1(beta_1: f64) = 0.0;
        /// The weight decay; default 0.
        with_weight_decay(weight_decay: f64) = 0.0;
        /// Multiplies the step size by the root mean square of the parameter; default on.
        with_scale_parameter(scale_parameter: bool) = true;
        /// Starts small: relative step sizes of at most `10⁻⁶ t` in step `t`; default off.
        with_warmup_init(warmup_init: bool) = false;
    }
}

const ROW: &str = "exp_avg_sq_row";
const COLUMN: &str = "exp_avg_sq_col";
const WHOLE: &str = "exp_avg_sq";
const FIRST: &str = "exp_avg";

impl Rule for Adafactor {
    fn names(&self) -> &'static [&'static str] {
        &[ROW, COLUMN, WHOLE, FIRST]
    }

    fn init(&self, parameter: &Array) -> Result<State> {
        let (shape, dtype) = (parameter.shape()?, parameter.dtype()?);
        let state = match shape {
            [outer @ .., rows, columns] => State::default()
                .with(ROW, zeros(&[outer, &[*rows]].concat(), dtype))?
                .with(COLUMN, zeros(&[outer, &[*columns]].concat(), dtype))?,
            _ => State::default().with(WHOLE, zeros(shape, dtype))?,
        };
        if self.beta_1 == 0.0 { Ok(state) } else { state.with(FIRST, zeros(shape, dtype)) }
    }

    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array> {
        let scale = rms(parameter)?;
        let size = self.step_size(&scale, step)?;
        let beta_2 = 1 - step.number().power(self.decay_rate)?.astype(scale.dtype()?)?;
        let change = self.normalized(gradient, &beta_2, state)?;
        let excess = (rms(&change)? / self.clip_threshold).maximum(1.0)?;
        let mut change = change / excess * &size;
        if self.beta_1 != 0.0 {
            change = state.get(FIRST)? * self.beta_1 + change * (1.0 - self.beta_1);
            state.set(FIRST, change.clone())?;
        }
        if self.weight_decay == 0.0 {
            return parameter.subtract(change);
        }
        (parameter + parameter * (size * -self.weight_decay)).subtract(change)
    }
}

impl Adafactor {
    /// How far a normalized gradient moves the parameter.
    fn step_size(&self, scale: &Array, step: &Step) -> Result<Array> {
        let size = if step.is_relative() {
            let falling = step.number().rsqrt()?;
            let most =
                if self.warmup_init { step.number() * 1e-6 } else { 1e-2.into_array(falling.dtype()?)? };
            most.minimum(falling)?.astype(scale.dtype()?)?
        } else {
            step.learning_rate(scale)?
        };
        if self.scale_parameter { scale.maximum(self.eps[1])?.multiply(size) } else { Ok(size) }
    }

    /// The gradient divided by the root of its second moment, which is brought up to date.
    fn normalized(&self, gradient: &Array, beta_2: &Array, state: &mut State) -> Result<Array> {
        let squares = gradient.square()? + self.eps[0];
        let average = |old: &Array, new: Array| beta_2 * old + (1 - beta_2) * new;
        if gradient.ndim()? < 2 {
            let whole = average(state.get(WHOLE)?, squares);
            state.set(WHOLE, whole.clone())?;
            return whole.rsqrt()?.multiply(gradient);
        }
        let rows = average(state.get(ROW)?, squares.mean(-1)?);
        let columns = average(state.get(COLUMN)?, squares.mean(-2)?);
        state.set(ROW, rows.clone())?;
        state.set(COLUMN, columns.clone())?;
        let row_factor = (&rows / rows.mean(axes(-1).keep())?).rsqrt()?;
        (row_factor.expand_dims(-1)? * columns.rsqrt()?.expand_dims(-2)?).multiply(gradient)
    }
}

/// The root of the mean of the squares.
fn rms(x: &Array) -> Result<Array> {
    x.square()?.mean(..)?.sqrt()
}
