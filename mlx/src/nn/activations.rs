//! Activation functions, and the layer that is one of them.

use crate::{Array, Axes, Dtype, Error, Module, Param, Result, axes, cpu, full, module::without_parameters};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, SQRT_2};

/// `max(0, x) + alpha · min(0, exp(x / alpha) - 1)`
/// ([Barron, 2017](https://arxiv.org/abs/1704.07483)). Python's `alpha` is 1.
#[track_caller]
pub fn celu(x: &Array, alpha: f32) -> Result<Array> {
    let negative = ((x.minimum(0.0)? / alpha).exp()? - 1) * alpha;
    x.maximum(0.0)?.add(negative)
}

/// `x` where positive, else `alpha · (exp(x) - 1)` ([Clevert et al., 2015](https://arxiv.org/abs/1511.07289)).
/// Python's `alpha` is 1.
#[track_caller]
pub fn elu(x: &Array, alpha: f32) -> Result<Array> {
    x.greater(0)?.where_(x, &((x.exp()? - 1) * alpha))
}

/// `x · Φ(x)` with the cumulative distribution `Φ` of the standard normal
/// ([Hendrycks and Gimpel, 2016](https://arxiv.org/abs/1606.08415)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn};
/// let x = Array::from_slice(&[-1.0f32, 0.0, 1.0], &[3]);
/// let exact = nn::gelu(&x)?;
/// let error = |approximation: Array| (approximation - &exact).abs()?.max(..)?.item::<f32>();
/// assert!(error(nn::gelu_approx(&x)?)? < 0.0005);
/// assert!(error(nn::gelu_fast_approx(&x)?)? < 0.015);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn gelu(x: &Array) -> Result<Array> {
    (x * ((x / SQRT_2).erf()? + 1)).divide(2)
}

/// [`gelu`] by `tanh`, within 0.0005 for `x` in -6 to 6.
#[track_caller]
pub fn gelu_approx(x: &Array) -> Result<Array> {
    // √(2/π), as Φ's derivative at zero asks for.
    let inner = (x + x.power(3)? * 0.044715) * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2);
    (x * 0.5).multiply(inner.tanh()? + 1)
}

/// [`gelu`] as `x · sigmoid(1.702 x)`, within 0.015 for `x` in -6 to 6.
#[track_caller]
pub fn gelu_fast_approx(x: &Array) -> Result<Array> {
    x.multiply((x * 1.702).sigmoid()?)
}

/// `a · sigmoid(b)` of the halves `a` and `b` of `axis` ([Dauphin et al., 2016](https://arxiv.org/abs/1612.08083)).
/// Python's `axis` is -1.
#[track_caller]
pub fn glu(x: &Array, axis: i32) -> Result<Array> {
    match x.split(2, axis)?.as_slice() {
        [a, b] => a.multiply(b.sigmoid()?),
        parts => Err(Error::invalid("glu", format!("MLX split into {} parts, not 2", parts.len()))),
    }
}

/// `x` where `|x|` is larger than `lambda`, else 0. Python's `lambda` is 0.5.
#[track_caller]
pub fn hard_shrink(x: &Array, lambda: f32) -> Result<Array> {
    x.abs()?.less_equal(lambda)?.where_(0, x)
}

/// `x` limited to `low` to `high`. Python's limits are -1 and 1.
#[track_caller]
pub fn hard_tanh(x: &Array, low: f32, high: f32) -> Result<Array> {
    x.maximum(low)?.minimum(high)
}

/// `x · min(max(x + 3, 0), 6) / 6` ([Howard et al., 2019](https://arxiv.org/abs/1905.02244)).
#[track_caller]
pub fn hardswish(x: &Array) -> Result<Array> {
    (x * (x + 3).maximum(0)?.minimum(6)?).divide(6)
}

/// `x` where positive, else `slope · x`; for slopes up to 1. Python's `slope` is 0.01.
#[track_caller]
pub fn leaky_relu(x: &Array, slope: f32) -> Result<Array> {
    (x * slope).maximum(x)
}

/// `log(sigmoid(x))`, without overflow.
#[track_caller]
pub fn log_sigmoid(x: &Array) -> Result<Array> {
    softplus(&x.negative()?)?.negative()
}

/// `log(softmax(x))` along the axis, without overflow. Python's axis is -1.
#[track_caller]
pub fn log_softmax(x: &Array, axis: i32) -> Result<Array> {
    let shifted = less_its_max(x, axis)?;
    shifted.subtract(shifted.logsumexp(axes(axis).keep())?)
}

/// `x` less its largest element along the axis, so that no exponential overflows. The shift cancels in what follows,
/// so no gradient flows through it.
#[track_caller]
pub(super) fn less_its_max(x: &Array, axis: i32) -> Result<Array> {
    x.subtract(x.max(axes(axis).keep())?.stop_gradient()?)
}

/// `x · tanh(softplus(x))` ([Misra, 2019](https://arxiv.org/abs/1908.08681)).
#[track_caller]
pub fn mish(x: &Array) -> Result<Array> {
    x.multiply(softplus(x)?.tanh()?)
}

/// `x` where positive, else `alpha · x`, with an `alpha` for all or per feature
/// ([He et al., 2015](https://arxiv.org/abs/1502.01852)).
#[track_caller]
pub fn prelu(x: &Array, alpha: &Array) -> Result<Array> {
    x.maximum(0)?.add(x.minimum(0)? * alpha)
}

/// `max(x, 0)`.
#[track_caller]
pub fn relu(x: &Array) -> Result<Array> {
    x.maximum(0)
}

/// `max(x, 0)²` ([So et al., 2021](https://arxiv.org/abs/2109.08668)).
#[track_caller]
pub fn relu2(x: &Array) -> Result<Array> {
    x.maximum(0)?.square()
}

/// `min(max(x, 0), 6)`.
#[track_caller]
pub fn relu6(x: &Array) -> Result<Array> {
    x.maximum(0)?.minimum(6.0)
}

/// [`elu`] scaled so that activations keep zero mean and unit variance
/// ([Klambauer et al., 2017](https://arxiv.org/abs/1706.02515)).
#[track_caller]
pub fn selu(x: &Array) -> Result<Array> {
    elu(x, 1.67326)?.multiply(1.0507)
}

/// `1 / (1 + exp(-x))`.
#[track_caller]
pub fn sigmoid(x: &Array) -> Result<Array> {
    x.sigmoid()
}

/// `silu(gate) · up`, the product in gated feed-forward layers ([Shazeer, 2020](https://arxiv.org/abs/2002.05202)).
#[track_caller]
pub fn swiglu(gate: &Array, up: &Array) -> Result<Array> {
    match cpu::swiglu(gate, up)? {
        Some(y) => Ok(y),
        None => silu(gate)?.multiply(up),
    }
}

/// `x · sigmoid(x)` ([Elfwing et al., 2017](https://arxiv.org/abs/1702.03118)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::Array::from_slice(&[0.0f32, 100.0], &[2]);
/// assert_eq!(mlx::nn::silu(&x)?.to_vec::<f32>()?, [0.0, 100.0]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "swish")]
#[track_caller]
pub fn silu(x: &Array) -> Result<Array> {
    x.multiply(x.sigmoid()?)
}

/// `exp(x)` scaled to sum to one along the axes. Python's axis is -1.
#[track_caller]
pub fn softmax(x: &Array, axes: impl Into<Axes>) -> Result<Array> {
    x.softmax(axes)
}

/// `softmax(-x)` along the axes. Python's axis is -1.
#[track_caller]
pub fn softmin(x: &Array, axes: impl Into<Axes>) -> Result<Array> {
    x.negative()?.softmax(axes)
}

/// `log(1 + exp(x))`, without overflow.
#[track_caller]
pub fn softplus(x: &Array) -> Result<Array> {
    x.logaddexp(0)
}

/// `x` moved by `lambda` towards zero, and 0 where it would pass. Python's `lambda` is 0.5.
#[track_caller]
pub fn softshrink(x: &Array, lambda: f32) -> Result<Array> {
    x.abs()?.less_equal(lambda)?.where_(0, &(x - x.sign()? * lambda))
}

/// `x / (1 + |x|)`.
#[track_caller]
pub fn softsign(x: &Array) -> Result<Array> {
    x.divide(x.abs()? + 1)
}

/// 1 where `x` is at least `threshold`, else 0; `I32`. Python's `threshold` is 0.
#[track_caller]
pub fn step(x: &Array, threshold: f32) -> Result<Array> {
    x.greater_equal(threshold)?.astype(Dtype::I32)
}

/// The hyperbolic tangent.
#[track_caller]
pub fn tanh(x: &Array) -> Result<Array> {
    x.tanh()
}

macro_rules! activations {
    ($($(#[$doc:meta])* $variant:ident $(($($option:ident: $ty:ty),+))? => $function:ident;)*) => {
        /// An activation function as a layer without parameters, for [`Sequential`](super::Sequential) and for
        /// layers that let their user choose one.
        ///
        /// ```
        /// # fn main() -> mlx::Result<()> {
        /// use mlx::{Array, nn::Activation};
        /// let x = Array::from_slice(&[-2.0f32, 3.0], &[2]);
        /// assert_eq!(Activation::Relu.forward(&x)?.to_vec::<f32>()?, [0.0, 3.0]);
        /// assert_eq!(Activation::LeakyRelu(0.5).forward(&x)?.to_vec::<f32>()?, [-1.0, 3.0]);
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Activation { $(
            $(#[$doc])*
            #[doc = concat!("[`", stringify!($function), "`]" $(, " of `x", $(", ", stringify!($option),)+ "`")?, ".")]
            $variant $(($($ty),+))?,
        )* }

        impl Activation {
            /// The function of `x`.
            #[track_caller]
            pub fn forward(&self, x: &Array) -> Result<Array> {
                match *self { $(
                    Activation::$variant $(($($option),+))? => $function(x $($(, $option)+)?),
                )* }
            }
        }
    };
}

activations! {
    #[doc(alias = "nn.CELU")]
    Celu(alpha: f32) => celu;
    #[doc(alias = "nn.ELU")]
    Elu(alpha: f32) => elu;
    #[doc(alias = "nn.GELU")]
    Gelu => gelu;
    GeluApprox => gelu_approx;
    GeluFastApprox => gelu_fast_approx;
    #[doc(alias = "nn.GLU")]
    Glu(axis: i32) => glu;
    #[doc(alias = "nn.HardShrink")]
    HardShrink(lambda: f32) => hard_shrink;
    #[doc(alias = "nn.HardTanh")]
    HardTanh(low: f32, high: f32) => hard_tanh;
    #[doc(alias = "nn.Hardswish")]
    Hardswish => hardswish;
    #[doc(alias = "nn.LeakyReLU")]
    LeakyRelu(slope: f32) => leaky_relu;
    #[doc(alias = "nn.LogSigmoid")]
    LogSigmoid => log_sigmoid;
    #[doc(alias = "nn.LogSoftmax")]
    LogSoftmax(axis: i32) => log_softmax;
    #[doc(alias = "nn.Mish")]
    Mish => mish;
    #[doc(alias = "nn.ReLU")]
    Relu => relu;
    #[doc(alias = "nn.ReLU2")]
    Relu2 => relu2;
    #[doc(alias = "nn.ReLU6")]
    Relu6 => relu6;
    #[doc(alias = "nn.SELU")]
    Selu => selu;
    #[doc(alias = "nn.Sigmoid")]
    Sigmoid => sigmoid;
    #[doc(alias = "nn.SiLU")]
    Silu => silu;
    #[doc(alias = "nn.Softmax")]
    Softmax(axis: i32) => softmax;
    #[doc(alias = "nn.Softmin")]
    Softmin(axis: i32) => softmin;
    #[doc(alias = "nn.Softplus")]
    Softplus => softplus;
    #[doc(alias = "nn.Softshrink")]
    Softshrink(lambda: f32) => softshrink;
    #[doc(alias = "nn.Softsign")]
    Softsign => softsign;
    #[doc(alias = "nn.Step")]
    Step(threshold: f32) => step;
    #[doc(alias = "nn.Tanh")]
    Tanh => tanh;
}

without_parameters!(Activation);

/// [`prelu`] with a learned slope for negative numbers.
#[doc(alias = "nn.PReLU")]
#[derive(Clone, Debug, Module)]
pub struct PRelu {
    weight: Param,
}

impl PRelu {
    /// `count` slopes of 0.25: one for all features, or one for each.
    #[track_caller]
    pub fn new(count: i32) -> PRelu {
        PRelu { weight: full(&[count], 0.25, Dtype::F32).into() }
    }

    /// The function of `x` `[..., features]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        prelu(x, &self.weight)
    }
}
