//! Optimizers: how gradients change parameters.
//!
//! A [`Rule`] is the formula of one method, such as [`AdamW`]: from a gradient, a parameter and what the rule keeps for
//! that parameter it makes the new parameter. An [`Optimizer`] applies rules to all parameters by path, counts the
//! steps and holds the [`LearningRate`], a number or a [`Schedule`]. Nothing is computed or read on the host in a step.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, nn::{self, Linear}, optimizers::{AdamW, Optimizer, clip_grad_norm}};
//! let mut model = Linear::new(2, 1);
//! let mut optimizer = Optimizer::new(AdamW::new().with_weight_decay(0.1), 1e-2)?;
//! let x = Array::from_slice(&[1.0f32, 2.0], &[1, 2]);
//! for _ in 0..3 {
//!     let loss = |model: &Linear| (model.forward(&x)? - 1.0).square()?.sum(..);
//!     let (_, gradients) = nn::value_and_grad(&mut model, loss)?;
//!     let (gradients, _norm) = clip_grad_norm(&gradients, 1.0)?;
//!     optimizer.update(&mut model, &gradients)?;
//! }
//! assert_eq!(optimizer.step().item::<u64>()?, 3);
//! assert_eq!(optimizer.state().into_keys().collect::<Vec<_>>(), ["learning_rate", "step", "weight.m", "weight.v"]);
//! # Ok(())
//! # }
//! ```
//!
//! To compile such a step, hand model and optimizer to
//! [`compile_with_state`](crate::transforms::compile_with_state), after [`Optimizer::init`].

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod clip;
mod group;
mod learning_rate;
mod lion;
mod multi;
mod muon;
mod optimizer;
mod rmsprop;
mod rule;
mod schedule;
mod sgd;

pub use adadelta::AdaDelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW, Adamax};
pub use clip::clip_grad_norm;
pub(crate) use clip::clip_grad_norm_by;
pub use learning_rate::LearningRate;
pub use lion::Lion;
pub use muon::Muon;
pub use optimizer::Optimizer;
pub use rmsprop::RmsProp;
pub use rule::{Rule, State, Step};
pub use schedule::{Schedule, cosine_decay, exponential_decay, join_schedules, linear_schedule, step_decay};
pub use sgd::Sgd;
