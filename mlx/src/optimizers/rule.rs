//! What a method is made of: its formula, what it keeps per parameter, and the step it is at.

use crate::{Array, Error, ErrorKind, Module, Parameters, Result, zeros};
use std::fmt;

/// The formula of an optimization method.
///
/// Implement it for a method of your own; [`Optimizer`](super::Optimizer) does the rest. What a rule computes with
/// must be arrays or options: a value read on the host would be frozen into a compiled step.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Parameters, Result, optimizers::{Optimizer, Rule, State, Step}};
///
/// /// Each element moves by the learning rate against its gradient's sign.
/// #[derive(Debug)]
/// struct SignDescent;
///
/// impl Rule for SignDescent {
///     fn names(&self) -> &'static [&'static str] {
///         &[]
///     }
///     fn apply(&self, gradient: &Array, parameter: &Array, _: &mut State, step: &Step) -> Result<Array> {
///         parameter.subtract(step.learning_rate(gradient)? * gradient.sign()?)
///     }
/// }
///
/// let one = |x: f32| Parameters::from([("x".to_owned(), Array::scalar(x))]);
/// let moved = Optimizer::new(SignDescent, 0.5)?.apply_gradients(&one(-3.0), &one(1.0))?;
/// assert_eq!(moved["x"].item::<f32>()?, 1.5);
/// # Ok(())
/// # }
/// ```
pub trait Rule: fmt::Debug {
    /// The names of the arrays that [`Rule::init`] may make.
    fn names(&self) -> &'static [&'static str];

    /// Whether the options make sense; asked once, before the first step.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// What is kept for a parameter before its first step; by default zeros like the parameter under each name.
    fn init(&self, parameter: &Array) -> Result<State> {
        let (shape, dtype) = (parameter.shape()?, parameter.dtype()?);
        self.names().iter().try_fold(State::default(), |state, name| state.with(name, zeros(shape, dtype)))
    }

    /// The new parameter; brings `state` up to date. `gradient` and `parameter` have one shape.
    fn apply(&self, gradient: &Array, parameter: &Array, state: &mut State, step: &Step) -> Result<Array>;
}

/// What a rule keeps for one parameter: arrays by name.
#[derive(Clone, Debug, Default, Module)]
pub struct State {
    #[module(flatten)]
    arrays: Parameters,
    /// Came from outside, and was not compared yet with what the rule keeps.
    #[module(skip)]
    restored: bool,
}

impl State {
    /// The array of that name.
    ///
    /// # Errors
    /// The state has none.
    #[track_caller]
    pub fn get(&self, name: &str) -> Result<&Array> {
        let missing = || Error::new(ErrorKind::Weights, "state", format!("the rule keeps no `{name}`"));
        self.arrays.get(name).ok_or_else(missing)
    }

    /// Puts `array` under that name.
    ///
    /// # Errors
    /// The one that `array` carries.
    #[track_caller]
    pub fn set(&mut self, name: &str, array: Array) -> Result<()> {
        array.shape()?;
        self.arrays.insert(name.to_owned(), array);
        Ok(())
    }

    /// This state with one more array.
    ///
    /// # Errors
    /// The one that `array` carries.
    #[track_caller]
    pub fn with(mut self, name: &str, array: Array) -> Result<State> {
        self.set(name, array)?;
        Ok(self)
    }

    /// The state of a parameter, of which `arrays` are said to be one.
    pub(super) fn restored(arrays: Parameters) -> State {
        State { arrays, restored: true }
    }

    pub(super) fn is_restored(&self) -> bool {
        self.restored
    }

    /// This state, if it has the names and shapes of a `fresh` one for the parameter at `path`.
    #[track_caller]
    pub(super) fn checked_like(&self, fresh: &State, path: &str) -> Result<State> {
        let error = |text: String| Err(Error::new(ErrorKind::Weights, "optimizer", text));
        if let Some(name) = fresh.arrays.keys().find(|name| !self.arrays.contains_key(*name)) {
            return error(format!("the state of `{path}` lacks `{name}`"));
        }
        for (name, array) in &self.arrays {
            let Some(expected) = fresh.arrays.get(name) else {
                return error(format!(
                    "the state of `{path}` has `{name}`, which the rule does not keep for it"
                ));
            };
            let (found, expected) = (array.shape()?, expected.shape()?);
            if found != expected {
                return error(format!(
                    "the state `{name}` of `{path}` has the shape {found:?}, the parameter asks for {expected:?}"
                ));
            }
        }
        Ok(State { arrays: self.arrays.clone(), restored: false })
    }
}

/// Where the optimization is.
#[derive(Clone, Debug)]
pub struct Step {
    number: Array,
    learning_rate: Option<Array>,
}

impl Step {
    pub(super) fn new(number: &Array, learning_rate: Option<&Array>) -> Step {
        Step { number: number.clone(), learning_rate: learning_rate.cloned() }
    }

    /// The number of this step, a `U64` scalar; the first is 1.
    pub fn number(&self) -> &Array {
        &self.number
    }

    /// The learning rate, a scalar in the dtype of `like`.
    ///
    /// # Errors
    /// The optimizer was given [`LearningRate::Relative`](super::LearningRate::Relative).
    #[track_caller]
    pub fn learning_rate(&self, like: &Array) -> Result<Array> {
        let rate = self.learning_rate.as_ref().ok_or_else(|| {
            Error::invalid("optimizer", "this rule needs a learning rate: give a number or a schedule")
        })?;
        rate.astype(like.dtype()?)
    }

    /// Whether the rule has to find its step sizes without a learning rate.
    pub fn is_relative(&self) -> bool {
        self.learning_rate.is_none()
    }
}

/// Declares rules: their options with defaults, `new`, `Default` and a builder method for each option.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$option_doc:meta])* $with:ident($option:ident: $ty:ty) = $default:expr;)*
    })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($option: $ty,)*
        }

        impl $name {
            /// The rule with its default options.
            pub fn new() -> $name {
                $name { $($option: $default,)* }
            }

            $(
                $(#[$option_doc])*
                #[must_use]
                pub fn $with(mut self, $option: $ty) -> $name {
                    self.$option = $option;
                    self
                }
            )*
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new()
            }
        }
    )* };
}
pub(super) use rules;

/// Fails unless each option that `valid` judges is.
#[track_caller]
pub(super) fn check(rule: &'static str, options: &[(&str, f64, bool, &str)]) -> Result<()> {
    match options.iter().find(|(_, _, valid, _)| !valid) {
        Some((option, value, _, range)) => {
            Err(Error::invalid(rule, format!("{option} must be {range}, not {value}")))
        }
        None => Ok(()),
    }
}

/// Fails unless both coefficients of running averages lie in `0..1`.
#[track_caller]
pub(super) fn check_betas(rule: &'static str, betas: [f64; 2]) -> Result<()> {
    let within = 0.0..1.0;
    let [first, second] = betas;
    let range = "at least 0 and below 1";
    check(
        rule,
        &[
            ("beta 1", first, within.contains(&first), range),
            ("beta 2", second, within.contains(&second), range),
        ],
    )
}
