//! Rules applied to all parameters of a model.

use super::{
    LearningRate, Rule,
    group::{Group, Pair, Progress, unfit},
    multi::{Key, Multi},
};
use crate::{Array, Error, Loader, Module, Parameters, Path, Result, Slot, SlotMut, error::at_caller, io};
use std::{fmt, path::Path as FilePath};

/// Changes parameters by their gradients, step after step.
///
/// It is a [`Module`] over its state, so that a compiled training step can carry it, with the names that Python's
/// optimizers give: `step`, `learning_rate`, `layers.0.weight.m`, …. A state that Python saved can be
/// [loaded](Optimizer::load_state), and the other way round.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Parameters, optimizers::{Optimizer, Sgd, cosine_decay}};
/// let mut optimizer = Optimizer::new(Sgd::new().with_momentum(0.9), cosine_decay(0.1, 0.0, 100)?)?;
/// let mut parameters = Parameters::from([("x".to_owned(), Array::scalar(3.0f32))]);
/// for _ in 0..100 {
///     let gradients = parameters.clone(); // of x² / 2
///     parameters = optimizer.apply_gradients(&gradients, &parameters)?;
/// }
/// assert!(parameters["x"].item::<f32>()?.abs() < 0.02);
/// # Ok(())
/// # }
/// ```
pub struct Optimizer(Kind);

enum Kind {
    /// One rule for all parameters.
    Rule(Group),
    /// Optimizers that share the parameters out.
    Multi(Multi),
}

impl Optimizer {
    /// Applies `rule` at `learning_rate`: a number, a scalar array, a [`Schedule`](super::Schedule) or
    /// [`LearningRate::Relative`].
    ///
    /// # Errors
    /// Options that the rule does not accept, or a schedule that fails.
    #[track_caller]
    pub fn new(rule: impl Rule + 'static, learning_rate: impl Into<LearningRate>) -> Result<Optimizer> {
        Ok(Optimizer(Kind::Rule(at_caller(Group::new(Box::new(rule), learning_rate.into()))?)))
    }

    /// Applies another rule to the parameters that `filter` picks by path and gradient, unless an earlier group does.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::optimizers::{AdamW, Muon, Optimizer};
    /// let optimizer = Optimizer::new(AdamW::new(), 1e-3)?.with_group(
    ///     |path, array| path.starts_with("layers.") && array.ndim().is_ok_and(|n| n == 2),
    ///     Muon::new(),
    ///     0.02,
    /// )?;
    /// # let _ = optimizer;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The state's names are then those of Python's `MultiOptimizer`: `states.0.step`, …, group by group, and last
    /// what the rule given to [`Optimizer::new`] keeps.
    ///
    /// # Errors
    /// As [`Optimizer::new`].
    #[track_caller]
    pub fn with_group(
        self,
        filter: impl Fn(&str, &Array) -> bool + 'static,
        rule: impl Rule + 'static,
        learning_rate: impl Into<LearningRate>,
    ) -> Result<Optimizer> {
        Ok(self.with_optimizer(filter, Optimizer::new(rule, learning_rate)?))
    }

    /// Like [`Optimizer::with_group`], with an optimizer that may have groups of its own.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::optimizers::{Adam, AdamW, Lion, Optimizer};
    /// let encoder = Optimizer::new(AdamW::new(), 1e-4)?.with_group(|path, _| path.ends_with("bias"), Adam::new(), 1e-3)?;
    /// let optimizer =
    ///     Optimizer::new(Lion::new(), 1e-5)?.with_optimizer(|path, _| path.starts_with("encoder."), encoder);
    /// assert!(optimizer.state().contains_key("states.0.states.1.step"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_optimizer(
        self,
        filter: impl Fn(&str, &Array) -> bool + 'static,
        optimizer: Optimizer,
    ) -> Optimizer {
        let multi = match self.0 {
            Kind::Rule(_) => Multi::new(self),
            Kind::Multi(multi) => multi,
        };
        Optimizer(Kind::Multi(multi.with(Box::new(filter), optimizer)))
    }

    /// An optimizer whose parameters are all for `rest`, until [`Optimizer::with_optimizer`] gives it groups.
    ///
    /// Needed for the names of a state only: where Python's `MultiOptimizer` has another one in its last place, as here
    /// `rest` has groups of its own.
    #[doc(alias = "MultiOptimizer")]
    pub fn multi(rest: Optimizer) -> Optimizer {
        Optimizer(Kind::Multi(Multi::new(rest)))
    }

    /// Makes the state of `parameters`, all zeros.
    ///
    /// A step does this for what it meets first, with the gradient's dtype; a compiled step needs it done before, for
    /// the state's names must not change in it.
    #[track_caller]
    pub fn init(&mut self, parameters: &Parameters) -> Result<()> {
        let mut next = Vec::new();
        for (group, own) in self.dealt(parameters.iter().collect(), |(path, array)| (path, array)) {
            next.push(at_caller(group.initialized(&own))?);
        }
        self.set_progress(next);
        Ok(())
    }

    /// One step: changes the parameters of `model` by their gradients.
    ///
    /// # Errors
    /// A gradient for what the model does not learn, or of another shape than its parameter; a state that does not fit
    /// the parameters. Model and optimizer are then as before.
    #[track_caller]
    pub fn update(&mut self, model: &mut (impl Module + ?Sized), gradients: &Parameters) -> Result<()> {
        let (next, values) = self.advanced("update", gradients, &model.trainable_parameters())?;
        model.update(&values)?;
        self.set_progress(next);
        Ok(())
    }

    /// One step: the new values of those `parameters` that have gradients, in their dtypes.
    ///
    /// # Errors
    /// A gradient without a parameter, or of another shape; a state that does not fit the parameters. The optimizer is
    /// then as before.
    #[track_caller]
    pub fn apply_gradients(&mut self, gradients: &Parameters, parameters: &Parameters) -> Result<Parameters> {
        let (next, values) = self.advanced("apply_gradients", gradients, parameters)?;
        self.set_progress(next);
        Ok(values)
    }

    /// How many steps were done, a `U64` scalar.
    pub fn step(&self) -> &Array {
        self.last().progress().step()
    }

    /// The learning rate of the rule given to [`Optimizer::new`], a scalar: the one of the last step. None if it is
    /// [`LearningRate::Relative`].
    pub fn learning_rate(&self) -> Option<&Array> {
        self.last().progress().learning_rate()
    }

    /// Gives all rules another learning rate, in place of a schedule too.
    ///
    /// A step that is compiled already takes another number, but keeps the schedule it was traced with.
    #[track_caller]
    pub fn set_learning_rate(&mut self, learning_rate: impl Into<LearningRate>) -> Result<()> {
        let rate = learning_rate.into();
        at_caller(self.groups_mut().into_iter().try_for_each(|group| group.set_learning_rate(rate.clone())))
    }

    /// The step, the learning rate and what the rules keep, by dotted names.
    pub fn state(&self) -> Parameters {
        self.parameters()
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// A name the rules have no use for, or a missing `step` or `learning_rate`; the optimizer is then as before. Shapes
    /// are compared in the next step, when the parameters are known.
    #[track_caller]
    pub fn set_state(&mut self, state: &Parameters) -> Result<()> {
        let prefixes = self.prefixes();
        if let Some(name) = state.keys().find(|name| !prefixes.iter().any(|prefix| name.starts_with(prefix)))
        {
            let text =
                format!("`{name}` is of none of the {} groups: `{}`", prefixes.len(), prefixes.join("`, `"));
            return Err(unfit(text));
        }
        let mut next = Vec::new();
        for (group, prefix) in self.groups().into_iter().zip(&prefixes) {
            let own = state.iter().filter_map(|(name, array)| Some((name.strip_prefix(prefix)?, array)));
            next.push(at_caller(group.restored(own))?);
        }
        self.set_progress(next);
        Ok(())
    }

    /// Writes the [state](Optimizer::state) to a safetensors file.
    #[track_caller]
    pub fn save_state(&self, path: impl AsRef<FilePath>) -> Result<()> {
        self.save_weights(path)
    }

    /// Goes on from the state in a safetensors file; see [`Optimizer::set_state`].
    #[track_caller]
    pub fn load_state(&mut self, path: impl AsRef<FilePath>) -> Result<()> {
        self.set_state(&io::load_safetensors(path)?)
    }

    /// The rules at work, in the order of their states.
    fn groups(&self) -> Vec<&Group> {
        match &self.0 {
            Kind::Rule(group) => vec![group],
            Kind::Multi(multi) => multi.parts().iter().flat_map(Optimizer::groups).collect(),
        }
    }

    fn groups_mut(&mut self) -> Vec<&mut Group> {
        match &mut self.0 {
            Kind::Rule(group) => vec![group],
            Kind::Multi(multi) => multi.parts_mut().iter_mut().flat_map(Optimizer::groups_mut).collect(),
        }
    }

    /// The rule that takes what no filter picks.
    fn last(&self) -> &Group {
        match &self.0 {
            Kind::Rule(group) => group,
            Kind::Multi(multi) => multi.rest().last(),
        }
    }

    /// What the names of each group's state start with.
    fn prefixes(&self) -> Vec<String> {
        let Kind::Multi(multi) = &self.0 else { return vec![String::new()] };
        let mut prefixes = Vec::new();
        for (i, part) in multi.parts().iter().enumerate() {
            prefixes.extend(part.prefixes().iter().map(|inner| format!("states.{i}.{inner}")));
        }
        prefixes
    }

    fn set_progress(&mut self, next: Vec<Progress>) {
        self.groups_mut().into_iter().zip(next).for_each(|(group, progress)| group.set_progress(progress));
    }

    /// Deals `items`, each of which has a path and an array, to the groups they are for.
    pub(super) fn dealt<T>(&self, items: Vec<T>, key: Key<T>) -> Vec<(&Group, Vec<T>)> {
        match &self.0 {
            Kind::Rule(group) => vec![(group, items)],
            Kind::Multi(multi) => multi.dealt(items, key),
        }
    }

    /// What one step leads to: each group's progress and the new parameters.
    #[track_caller]
    fn advanced(
        &self,
        op: &'static str,
        gradients: &Parameters,
        parameters: &Parameters,
    ) -> Result<(Vec<Progress>, Parameters)> {
        let pairs = pairs(op, gradients, parameters)?;
        let (mut next, mut values) = (Vec::new(), Parameters::new());
        for (group, own) in self.dealt(pairs, |pair| (pair.path, pair.gradient)) {
            next.push(at_caller(group.advanced(&own, &mut values))?);
        }
        Ok((next, values))
    }
}

/// Each gradient with its parameter.
#[track_caller]
fn pairs<'a>(
    op: &'static str,
    gradients: &'a Parameters,
    parameters: &'a Parameters,
) -> Result<Vec<Pair<'a>>> {
    let mut pairs = Vec::with_capacity(gradients.len());
    for (path, gradient) in gradients {
        let Some(parameter) = parameters.get(path) else {
            return Err(Error::invalid(
                op,
                format!("there is a gradient, but nothing that learns at `{path}`"),
            ));
        };
        let (found, expected) = (gradient.shape()?, parameter.shape()?);
        if found != expected {
            let text =
                format!("the gradient of `{path}` has the shape {found:?}, the parameter {expected:?}");
            return Err(Error::invalid(op, text));
        }
        pairs.push(Pair { path, gradient, parameter });
    }
    Ok(pairs)
}

impl Module for Optimizer {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        match &self.0 {
            Kind::Rule(group) => group.visit(path, f),
            Kind::Multi(multi) => multi.visit(path, f),
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        match &mut self.0 {
            Kind::Rule(group) => group.visit_mut(path, f),
            Kind::Multi(multi) => multi.visit_mut(path, f),
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        match &mut self.0 {
            Kind::Rule(group) => group.load(weights),
            Kind::Multi(multi) => multi.load(weights),
        }
    }
}

/// The rules, group by group.
impl fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Optimizer ")?;
        f.debug_list().entries(self.groups().into_iter().map(Group::rule)).finish()
    }
}
