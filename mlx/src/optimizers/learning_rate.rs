//! What may be given as a learning rate.

use super::Schedule;
use crate::{Array, Result};

/// A learning rate: `1e-3`, an array, or a [`Schedule`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LearningRate {
    /// The same in each step, a scalar.
    Constant(Array),
    /// A function of the number of steps done.
    Scheduled(Schedule),
    /// None: the rule finds its own step sizes, as [`Adafactor`](super::Adafactor) can.
    Relative,
}

impl LearningRate {
    /// The learning rate after so many steps.
    #[track_caller]
    pub(super) fn at(&self, step: &Array) -> Result<Option<Array>> {
        match self {
            LearningRate::Constant(rate) => Ok(Some(rate.clone())),
            LearningRate::Scheduled(schedule) => schedule.at(step).map(Some),
            LearningRate::Relative => Ok(None),
        }
    }

    /// The schedule, if it is one.
    pub(super) fn into_schedule(self) -> Option<Schedule> {
        match self {
            LearningRate::Scheduled(schedule) => Some(schedule),
            LearningRate::Constant(_) | LearningRate::Relative => None,
        }
    }
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> LearningRate {
        LearningRate::Constant(Array::scalar(rate as f32))
    }
}

impl From<f32> for LearningRate {
    fn from(rate: f32) -> LearningRate {
        LearningRate::Constant(Array::scalar(rate))
    }
}

impl From<Array> for LearningRate {
    fn from(rate: Array) -> LearningRate {
        LearningRate::Constant(rate)
    }
}

impl From<Schedule> for LearningRate {
    fn from(schedule: Schedule) -> LearningRate {
        LearningRate::Scheduled(schedule)
    }
}
