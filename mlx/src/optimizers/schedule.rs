//! Learning rates that change with the step.

use crate::{Array, Error, Result, error::at_caller};
use std::{f64::consts::PI, fmt, rc::Rc};

/// A learning rate as a function of the number of steps done, a `U64` scalar.
///
/// It is computed with array operations, so that a compiled training step follows it.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, optimizers::Schedule};
/// // 1, 1/2, 1/3, …
/// let harmonic = Schedule::new(|step| (step + 1).astype(mlx::Dtype::F32)?.reciprocal());
/// assert_eq!(harmonic.at(&Array::scalar(3u64))?.item::<f32>()?, 0.25);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Schedule(Rc<Rate>);

type Rate = dyn Fn(&Array) -> Result<Array>;

impl Schedule {
    /// A schedule of your own.
    pub fn new(rate: impl Fn(&Array) -> Result<Array> + 'static) -> Schedule {
        Schedule(Rc::new(rate))
    }

    /// The learning rate after that many steps.
    #[track_caller]
    pub fn at(&self, step: &Array) -> Result<Array> {
        at_caller((self.0)(step))
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schedule")
    }
}

/// `init · decay_rate^step`.
pub fn exponential_decay(init: f64, decay_rate: f64) -> Schedule {
    Schedule::new(move |step| powers(decay_rate, step)?.multiply(init))
}

/// `init · decay_rate^⌊step / step_size⌋`.
///
/// # Errors
/// A `step_size` of 0.
#[track_caller]
pub fn step_decay(init: f64, decay_rate: f64, step_size: u32) -> Result<Schedule> {
    at_least_one("step_decay", "step_size", step_size)?;
    Ok(Schedule::new(move |step| powers(decay_rate, &step.floor_divide(step_size)?)?.multiply(init)))
}

/// Half a cosine wave from `init` to `end` over `decay_steps` steps; `end` from then on.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, optimizers::cosine_decay};
/// let schedule = cosine_decay(0.1, 0.0, 100)?;
/// assert!((schedule.at(&Array::scalar(50u64))?.item::<f32>()? - 0.05).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `decay_steps` of 0.
#[track_caller]
pub fn cosine_decay(init: f64, end: f64, decay_steps: u32) -> Result<Schedule> {
    at_least_one("cosine_decay", "decay_steps", decay_steps)?;
    Ok(Schedule::new(move |step| {
        let angle = step.minimum(decay_steps)? * (PI / f64::from(decay_steps));
        let share = (angle.cos()? + 1.0) * 0.5;
        (share * (init - end)).add(end)
    }))
}

/// A straight line from `init` to `end` over `steps` steps; `end` from then on.
///
/// # Errors
/// `steps` of 0.
#[track_caller]
pub fn linear_schedule(init: f64, end: f64, steps: u32) -> Result<Schedule> {
    at_least_one("linear_schedule", "steps", steps)?;
    let slope = (end - init) / f64::from(steps);
    Ok(Schedule::new(move |step| (step.minimum(steps)? * slope).add(init)))
}

/// One schedule after the other: the next takes over at each of the `boundaries`, and counts its steps from there.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, optimizers::{cosine_decay, join_schedules, linear_schedule}};
/// let warmup = linear_schedule(0.0, 0.1, 10)?;
/// let schedule = join_schedules(&[warmup, cosine_decay(0.1, 0.0, 200)?], &[10])?;
/// assert_eq!(schedule.at(&Array::scalar(10u64))?.item::<f32>()?, 0.1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Not one boundary less than schedules.
#[track_caller]
pub fn join_schedules(schedules: &[Schedule], boundaries: &[u32]) -> Result<Schedule> {
    let Some((first, rest)) = schedules.split_first() else {
        return Err(Error::invalid("join_schedules", "there is no schedule to join"));
    };
    if rest.len() != boundaries.len() {
        let (schedules, boundaries) = (schedules.len(), boundaries.len());
        let text = format!("{schedules} schedules need {} boundaries, not {boundaries}", schedules - 1);
        return Err(Error::invalid("join_schedules", text));
    }
    let first = first.clone();
    let rest: Vec<_> = boundaries.iter().copied().zip(rest.iter().cloned()).collect();
    Ok(Schedule::new(move |step| {
        rest.iter().try_fold(first.at(step)?, |rate, (boundary, next)| {
            // Before the boundary the difference wraps around, and what comes of it is not chosen.
            let later = next.at(&step.subtract(*boundary)?)?;
            step.less(*boundary)?.where_(&rate, &later)
        })
    }))
}

/// `base^exponent` in `f32`.
fn powers(base: f64, exponent: &Array) -> Result<Array> {
    Array::scalar(base as f32).power(exponent)
}

#[track_caller]
fn at_least_one(op: &'static str, name: &str, value: u32) -> Result<()> {
    if value == 0 { Err(Error::invalid(op, format!("{name} must be at least 1, not 0"))) } else { Ok(()) }
}
