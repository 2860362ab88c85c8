//! What training makes small.
//!
//! The last argument says what becomes of the losses of single elements: a [`Reduction`], or, where a loss has
//! options, a struct of them that a `Reduction` converts to. The `Default` of such a struct is Python's; mind that
//! Python averages for some losses and does not reduce for others.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, nn::losses::{CrossEntropy, Reduction::Mean, cross_entropy}};
//! let logits = Array::from_slice(&[2.0f32, -1.0, -1.0, 2.0], &[2, 2]);
//! let targets = Array::from_slice(&[0u32, 1], &[2]);
//! let loss = cross_entropy(&logits, &targets, Mean)?;
//! assert!((loss.item::<f32>()? - 0.0485873).abs() < 1e-6);
//! let smoothed = CrossEntropy { label_smoothing: 0.1, ..Mean.into() };
//! assert!(cross_entropy(&logits, &targets, smoothed)?.item::<f32>()? > loss.item::<f32>()?);
//! # Ok(())
//! # }
//! ```

use super::activations::less_its_max;
use crate::{Array, Error, Result, fast, index::resolve_axis};
use std::f64::consts::{LN_2, PI};

/// What becomes of the losses of single elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// They stay as they are.
    None,
    /// Their mean, a scalar.
    Mean,
    /// Their sum, a scalar.
    Sum,
}

impl Reduction {
    #[track_caller]
    fn of(self, loss: Array) -> Result<Array> {
        match self {
            Reduction::None => {
                // An operator that failed on the way shows here.
                loss.shape()?;
                Ok(loss)
            }
            Reduction::Mean => loss.mean(..),
            Reduction::Sum => loss.sum(..),
        }
    }
}

/// Structs of options: per field its type and Python's default.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)?, $reduction:ident {
        $($(#[$field_doc:meta])* $field:ident: $ty:ty = $default:expr;)*
    })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name $(<$life>)? {
            $($(#[$field_doc])* #[doc = concat!(" Default `", stringify!($default), "`.")] pub $field: $ty,)*
            #[doc = concat!("Default [`Reduction::", stringify!($reduction), "`].")]
            pub reduction: Reduction,
        }

        impl $(<$life>)? Default for $name $(<$life>)? {
            fn default() -> Self {
                Reduction::$reduction.into()
            }
        }

        impl $(<$life>)? From<Reduction> for $name $(<$life>)? {
            fn from(reduction: Reduction) -> Self {
                $name { $($field: $default,)* reduction }
            }
        }
    )* };
}

options! {
    /// Options of [`cross_entropy`].
    CrossEntropy<'a>, None {
        /// A factor per target.
        weights: Option<&'a Array> = None;
        /// The axis of the classes.
        axis: i32 = -1;
        /// The share of each target, 0 to less than 1, that is spread over all classes.
        label_smoothing: f32 = 0.0;
    }
    /// Options of [`binary_cross_entropy`].
    BinaryCrossEntropy<'a>, Mean {
        /// A factor per target.
        weights: Option<&'a Array> = None;
        /// Whether the inputs are logits; otherwise they are probabilities.
        with_logits: bool = true;
    }
    /// Options of [`nll_loss`].
    Nll, None {
        /// The axis of the classes.
        axis: i32 = -1;
    }
    /// Options of [`gaussian_nll_loss`].
    GaussianNll, Mean {
        /// Whether to add the constant `log(2π) / 2`.
        full: bool = false;
        /// The least variance.
        eps: f32 = 1e-6;
    }
    /// Options of [`kl_div_loss`].
    KlDiv, None {
        /// The axis of the distributions.
        axis: i32 = -1;
    }
    /// Options of [`smooth_l1_loss`].
    SmoothL1, Mean {
        /// The distance where the loss turns from square to straight.
        beta: f32 = 1.0;
    }
    /// Options of [`huber_loss`].
    Huber, None {
        /// The distance where the loss turns from square to straight.
        delta: f32 = 1.0;
    }
    /// Options of [`triplet_loss`].
    Triplet, None {
        /// The axis of the vectors.
        axis: i32 = -1;
        /// The degree of the norm.
        p: f32 = 2.0;
        /// How much farther the negatives should be.
        margin: f32 = 1.0;
        /// Added under the root, so that it has a gradient at zero.
        eps: f32 = 1e-6;
    }
    /// Options of [`cosine_similarity_loss`].
    CosineSimilarity, None {
        /// The axis of the vectors.
        axis: i32 = 1;
        /// The least product of norms to divide by.
        eps: f32 = 1e-8;
    }
    /// Options of [`margin_ranking_loss`].
    MarginRanking, None {
        /// How much higher the one should score.
        margin: f32 = 0.0;
    }
}

/// The negative logarithm of the probability that `softmax(logits)` gives the targets.
///
/// `targets` are class indices (integers, of the shape of `logits` without the axis; out of range they are clamped),
/// or probabilities (of the shape of `logits`).
#[track_caller]
pub fn cross_entropy<'a>(
    logits: &Array,
    targets: &Array,
    options: impl Into<CrossEntropy<'a>>,
) -> Result<Array> {
    let CrossEntropy { weights, axis, label_smoothing, reduction } = options.into();
    if !(0.0..1.0).contains(&label_smoothing) {
        let text = format!("label_smoothing is {label_smoothing}, not in 0 to less than 1");
        return Err(Error::invalid("cross_entropy", text));
    }
    let probabilities = targets.ndim()? == logits.ndim()?;
    let last = resolve_axis("cross_entropy", axis, logits.shape()?)? + 1 == logits.ndim()?;
    let loss = if last && !probabilities && label_smoothing == 0.0 && logits.dtype()?.is_float() {
        check_classes("cross_entropy", logits, targets, axis)?;
        fast::cross_entropy(logits, targets)?.astype(logits.dtype()?)?
    } else {
        let logits = less_its_max(logits, axis)?;
        let score = if probabilities {
            same_shapes("cross_entropy", &[("logits", &logits), ("targets", targets)])?;
            logits.multiply(targets)?.sum(axis)?
        } else {
            pick("cross_entropy", &logits, targets, axis)?
        };
        let mean = logits.mean(axis)? * label_smoothing;
        logits.logsumexp(axis)? - (score * (1.0 - label_smoothing) + mean)
    };
    reduction.of(weighted("cross_entropy", loss, weights)?)
}

/// The cross entropy of yes-or-no targets, 0 to 1: `-(t · log(p) + (1 - t) · log(1 - p))`.
///
/// The inputs are logits, which is precise everywhere, or probabilities, whose logarithms are kept above -100.
#[track_caller]
pub fn binary_cross_entropy<'a>(
    inputs: &Array,
    targets: &Array,
    options: impl Into<BinaryCrossEntropy<'a>>,
) -> Result<Array> {
    let BinaryCrossEntropy { weights, with_logits, reduction } = options.into();
    same_shapes("binary_cross_entropy", &[("inputs", inputs), ("targets", targets)])?;
    let loss = if with_logits {
        inputs.logaddexp(0.0)?.subtract(inputs.multiply(targets)?)?
    } else {
        let (yes, no) = (inputs.log()?.maximum(-100.0)?, (1.0 - inputs).log()?.maximum(-100.0)?);
        (targets * yes + (1 - targets) * no).negative()?
    };
    reduction.of(weighted("binary_cross_entropy", loss, weights)?)
}

/// `|predictions - targets|`. Python averages by default.
#[track_caller]
pub fn l1_loss(predictions: &Array, targets: &Array, reduction: Reduction) -> Result<Array> {
    same_shapes("l1_loss", &[("predictions", predictions), ("targets", targets)])?;
    reduction.of((predictions - targets).abs()?)
}

/// `(predictions - targets)²`. Python averages by default.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn::losses::{Reduction, mse_loss}};
/// let (x, y) = (Array::from_slice(&[1.0f32, 2.0], &[2]), Array::from_slice(&[1.0f32, 4.0], &[2]));
/// assert_eq!(mse_loss(&x, &y, Reduction::Mean)?.item::<f32>()?, 2.0);
/// assert_eq!(mse_loss(&x, &y, Reduction::None)?.to_vec::<f32>()?, [0.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn mse_loss(predictions: &Array, targets: &Array, reduction: Reduction) -> Result<Array> {
    same_shapes("mse_loss", &[("predictions", predictions), ("targets", targets)])?;
    reduction.of((predictions - targets).square()?)
}

/// The negative of `inputs`, log-probabilities, at the class indices `targets`, of the shape of `inputs` without the
/// axis; out of range they are clamped.
#[track_caller]
pub fn nll_loss(inputs: &Array, targets: &Array, options: impl Into<Nll>) -> Result<Array> {
    let Nll { axis, reduction } = options.into();
    reduction.of(pick("nll_loss", inputs, targets, axis)?.negative()?)
}

/// The negative log-likelihood of `targets` under normal distributions with means `inputs` and variances `vars`:
/// `(log(v) + (inputs - targets)² / v) / 2` with `v = max(vars, eps)`.
#[track_caller]
pub fn gaussian_nll_loss(
    inputs: &Array,
    targets: &Array,
    vars: &Array,
    options: impl Into<GaussianNll>,
) -> Result<Array> {
    let GaussianNll { full, eps, reduction } = options.into();
    same_shapes("gaussian_nll_loss", &[("inputs", inputs), ("targets", targets), ("vars", vars)])?;
    let vars = vars.maximum(eps)?;
    let loss = (vars.log()? + (targets - inputs).square()? / &vars) * 0.5;
    reduction.of(if full { loss + 0.5 * (2.0 * PI).ln() } else { loss })
}

/// The Kullback–Leibler divergence of the distributions `inputs` from `targets`, both as log-probabilities:
/// `exp(targets) · (targets - inputs)`, summed along the axis.
#[track_caller]
pub fn kl_div_loss(inputs: &Array, targets: &Array, options: impl Into<KlDiv>) -> Result<Array> {
    let KlDiv { axis, reduction } = options.into();
    reduction.of((targets.exp()? * (targets - inputs)).sum(axis)?)
}

/// `d² / (2 beta)` for distances `d = |predictions - targets|` below `beta`, else `d - beta / 2`
/// ([Girshick, 2015](https://arxiv.org/abs/1504.08083)).
#[track_caller]
pub fn smooth_l1_loss(predictions: &Array, targets: &Array, options: impl Into<SmoothL1>) -> Result<Array> {
    let SmoothL1 { beta, reduction } = options.into();
    same_shapes("smooth_l1_loss", &[("predictions", predictions), ("targets", targets)])?;
    let distance = (predictions - targets).abs()?;
    let square = distance.square()? * 0.5 / beta;
    reduction.of(distance.less(beta)?.where_(square, &(&distance - 0.5 * beta))?)
}

/// `max(|anchors - positives| - |anchors - negatives| + margin, 0)` with norms along the axis
/// ([Schroff et al., 2015](https://arxiv.org/abs/1503.03832)).
#[track_caller]
pub fn triplet_loss(
    anchors: &Array,
    positives: &Array,
    negatives: &Array,
    options: impl Into<Triplet>,
) -> Result<Array> {
    let options = options.into();
    let (near, far) = (distance(anchors, positives, &options)?, distance(anchors, negatives, &options)?);
    options.reduction.of((near - far + options.margin).maximum(0)?)
}

#[track_caller]
fn distance(x: &Array, y: &Array, options: &Triplet) -> Result<Array> {
    let Triplet { axis, p, eps, .. } = *options;
    (x.subtract(y)?.abs()?.power(p)?.sum(axis)? + eps).power(1.0 / p)
}

/// `max(1 - inputs · targets, 0)`, for targets of -1 or 1. Python does not reduce by default.
#[track_caller]
pub fn hinge_loss(inputs: &Array, targets: &Array, reduction: Reduction) -> Result<Array> {
    reduction.of((1 - inputs * targets).maximum(0)?)
}

/// `d² / 2` for distances `d = |inputs - targets|` up to `delta`, else `delta · (d - delta / 2)`
/// ([Huber, 1964](https://doi.org/10.1214/aoms/1177703732)).
#[track_caller]
pub fn huber_loss(inputs: &Array, targets: &Array, options: impl Into<Huber>) -> Result<Array> {
    let Huber { delta, reduction } = options.into();
    let distance = (inputs - targets).abs()?;
    let near = distance.minimum(delta)?;
    reduction.of(near.square()? * 0.5 + (distance - near) * delta)
}

/// `log(cosh(inputs - targets))`, without overflow. Python does not reduce by default.
#[track_caller]
pub fn log_cosh_loss(inputs: &Array, targets: &Array, reduction: Reduction) -> Result<Array> {
    let errors = inputs - targets;
    reduction.of(errors.logaddexp(-&errors)? - LN_2)
}

/// The cosine of the angle between vectors along the axis: 1 for the same direction. As Python's, it grows with the
/// likeness: subtract it from one to make it a loss.
#[track_caller]
pub fn cosine_similarity_loss(x1: &Array, x2: &Array, options: impl Into<CosineSimilarity>) -> Result<Array> {
    let CosineSimilarity { axis, eps, reduction } = options.into();
    let norm = |x: &Array| x.square()?.sum(axis)?.sqrt();
    reduction.of((x1 * x2).sum(axis)? / (norm(x1)? * norm(x2)?).maximum(eps)?)
}

/// `max(-targets · (inputs1 - inputs2) + margin, 0)`: targets of 1 want `inputs1` to score higher, -1 `inputs2`.
#[track_caller]
pub fn margin_ranking_loss(
    inputs1: &Array,
    inputs2: &Array,
    targets: &Array,
    options: impl Into<MarginRanking>,
) -> Result<Array> {
    let MarginRanking { margin, reduction } = options.into();
    let all = [("inputs1", inputs1), ("inputs2", inputs2), ("targets", targets)];
    same_shapes("margin_ranking_loss", &all)?;
    reduction.of((targets * (inputs2 - inputs1) + margin).maximum(0)?)
}

/// The elements at the class indices `targets` of the axis, which disappears.
#[track_caller]
fn pick(op: &'static str, x: &Array, targets: &Array, axis: i32) -> Result<Array> {
    check_classes(op, x, targets, axis)?;
    x.take_along_axis(&targets.expand_dims(axis)?, axis)?.squeeze(axis)
}

/// Refuses targets that are not one class for each line of `x` along the axis.
#[track_caller]
fn check_classes(op: &'static str, x: &Array, targets: &Array, axis: i32) -> Result<()> {
    let mut expected = x.shape()?.to_vec();
    expected.remove(resolve_axis(op, axis, &expected)?);
    if targets.shape()? == expected {
        return Ok(());
    }
    let text = format!("targets have the shape {:?}, not {expected:?} as classes", targets.shape()?);
    Err(Error::invalid(op, text))
}

#[track_caller]
fn weighted(op: &'static str, loss: Array, weights: Option<&Array>) -> Result<Array> {
    let Some(weights) = weights else { return Ok(loss) };
    same_shapes(op, &[("losses", &loss), ("weights", weights)])?;
    loss.multiply(weights)
}

#[track_caller]
fn same_shapes(op: &'static str, named: &[(&str, &Array)]) -> Result<()> {
    for pair in named.windows(2) {
        if let [(name, x), (other, y)] = pair
            && x.shape()? != y.shape()?
        {
            let text = format!("{name} have the shape {:?}, {other} {:?}", x.shape()?, y.shape()?);
            return Err(Error::invalid(op, text));
        }
    }
    Ok(())
}
