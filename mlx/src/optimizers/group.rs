//! One rule at work on the parameters given to it.

use super::{LearningRate, Rule, Schedule, State, Step};
use crate::{Array, Dtype, Error, ErrorKind, Module, Parameters, Result};
use std::collections::BTreeMap;

/// A rule and how far it came.
#[derive(Module)]
pub(super) struct Group {
    #[module(skip)]
    rule: Box<dyn Rule>,
    #[module(skip)]
    schedule: Option<Schedule>,
    #[module(flatten)]
    progress: Progress,
}

/// What changes from step to step; as a module it has the names that Python's optimizers use.
#[derive(Clone, Module)]
pub(super) struct Progress {
    step: Array,
    learning_rate: Option<Array>,
    #[module(flatten)]
    states: BTreeMap<String, State>,
}

/// A parameter and its gradient, of one shape.
pub(super) struct Pair<'a> {
    pub(super) path: &'a str,
    pub(super) gradient: &'a Array,
    pub(super) parameter: &'a Array,
}

impl Group {
    pub(super) fn new(rule: Box<dyn Rule>, rate: LearningRate) -> Result<Group> {
        rule.check()?;
        let step = Array::scalar(0u64);
        let learning_rate = initial(&rate, &step)?;
        let progress = Progress { step, learning_rate, states: BTreeMap::new() };
        Ok(Group { rule, schedule: rate.into_schedule(), progress })
    }

    pub(super) fn rule(&self) -> &dyn Rule {
        &*self.rule
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Goes on from there.
    pub(super) fn set_progress(&mut self, progress: Progress) {
        self.progress = progress;
    }

    pub(super) fn set_learning_rate(&mut self, rate: LearningRate) -> Result<()> {
        self.progress.learning_rate = initial(&rate, &self.progress.step)?;
        self.schedule = rate.into_schedule();
        Ok(())
    }

    /// The state that the parameter at `path` has or starts with.
    fn state(&self, path: &str, like: &Array) -> Result<State> {
        match self.progress.states.get(path) {
            Some(state) if state.is_restored() => state.checked_like(&self.rule.init(like)?, path),
            Some(state) => Ok(state.clone()),
            None => self.rule.init(like),
        }
    }

    /// The progress with a state for each of `parameters`.
    pub(super) fn initialized(&self, parameters: &[(&String, &Array)]) -> Result<Progress> {
        let mut next = self.progress.clone();
        for (path, parameter) in parameters {
            next.states.insert((*path).clone(), self.state(path, parameter)?);
        }
        Ok(next)
    }

    /// The progress after one step, and the parameters it leads to, which go to `values`.
    pub(super) fn advanced(&self, pairs: &[Pair<'_>], values: &mut Parameters) -> Result<Progress> {
        let mut next = self.progress.clone();
        if let Some(schedule) = &self.schedule {
            next.learning_rate = Some(scalar("learning_rate", &schedule.at(&next.step)?)?);
        }
        next.step = next.step.add(1)?;
        let step = Step::new(&next.step, next.learning_rate.as_ref());
        for Pair { path, gradient, parameter } in pairs {
            let mut state = self.state(path, gradient)?;
            let value = self.rule.apply(gradient, parameter, &mut state, &step)?;
            values.insert((*path).to_owned(), like_parameter(path, value, parameter)?);
            next.states.insert((*path).to_owned(), state);
        }
        Ok(next)
    }

    /// The progress that `arrays`, by their names in this group, tell of. Whether a state fits its parameter is seen
    /// when that comes by.
    pub(super) fn restored<'a>(
        &self,
        arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    ) -> Result<Progress> {
        let (mut step, mut learning_rate) = (None, None);
        let mut states = BTreeMap::<String, Parameters>::new();
        for (key, array) in arrays {
            let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
            match key {
                "step" => step = Some(scalar("step", array)?.astype(Dtype::U64)?),
                "learning_rate" => learning_rate = Some(scalar("learning_rate", array)?),
                _ if self.rule.names().contains(&name) => {
                    states.entry(path.to_owned()).or_default().insert(name.to_owned(), array.clone());
                }
                _ => return Err(unfit(format!("`{key}` is nothing that {:?} keeps", self.rule))),
            }
        }
        let step = step.ok_or_else(|| unfit("`step` is missing".to_owned()))?;
        match (learning_rate.is_some(), self.progress.learning_rate.is_some()) {
            (false, true) => return Err(unfit("`learning_rate` is missing".to_owned())),
            (true, false) => return Err(unfit("it has a learning rate, the optimizer has none".to_owned())),
            _ => {}
        }
        let states = states.into_iter().map(|(path, arrays)| (path, State::restored(arrays))).collect();
        Ok(Progress { step, learning_rate, states })
    }
}

impl Progress {
    pub(super) fn step(&self) -> &Array {
        &self.step
    }

    pub(super) fn learning_rate(&self) -> Option<&Array> {
        self.learning_rate.as_ref()
    }
}

/// The learning rate at `step`, a scalar.
fn initial(rate: &LearningRate, step: &Array) -> Result<Option<Array>> {
    rate.at(step)?.map(|rate| scalar("learning_rate", &rate)).transpose()
}

fn scalar(name: &str, array: &Array) -> Result<Array> {
    match array.shape()? {
        [] => Ok(array.clone()),
        shape => Err(unfit(format!("`{name}` must be a scalar, not of the shape {shape:?}"))),
    }
}

/// The new value in the parameter's dtype, which a gradient of another one must not change behind the model's back.
fn like_parameter(path: &str, value: Array, parameter: &Array) -> Result<Array> {
    let (found, expected) = (value.shape()?, parameter.shape()?);
    if found != expected {
        return Err(unfit(format!("the rule made `{path}`, of the shape {expected:?}, into {found:?}")));
    }
    let dtype = parameter.dtype()?;
    if value.dtype()? == dtype { Ok(value) } else { value.astype(dtype) }
}

/// An optimizer and what it was given do not go together.
#[track_caller]
pub(super) fn unfit(text: String) -> Error {
    Error::new(ErrorKind::Weights, "optimizer", text)
}
