//! Random numbers from explicit keys (Threefry): the same key gives the same numbers on every thread and device.
//!
//! A key gives the same numbers each time it is used, so each draw takes a key of its own: from [`split`], or from
//! [`Keys`], which hands out one after the other. There is no hidden global generator; Python's `mx.random.seed(7)`
//! and the draws after it are [`Keys::new`]`(7)` and one key per draw.
//!
//! Bounds and parameters are host scalars or arrays, which broadcast to `shape`.

use crate::{
    Array, Dtype, Error, Operand, Result, ffi::ops, index::resolve_axis, ops::create::check_shape,
    stream::Scope,
};

/// The key of a seed.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let draw = |seed| random::normal(&[3], Dtype::F32, &random::key(seed)?)?.to_vec::<f32>();
/// assert_eq!(draw(7)?, draw(7)?);
/// assert_ne!(draw(7)?, draw(8)?);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn key(seed: u64) -> Result<Array> {
    ops::key(seed)
}

/// `N` keys from one, independent of it and of each other.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let [for_weight, for_bias] = random::split(&random::key(0)?)?;
/// let weight = random::normal(&[4, 4], Dtype::F32, &for_weight)?;
/// let bias = random::normal(&[4], Dtype::F32, &for_bias)?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn split<const N: usize>(key: &Array) -> Result<[Array; N]> {
    let keys = split_num(key, i32::try_from(N).unwrap_or(i32::MAX))?;
    let mut rows = Vec::with_capacity(N);
    for row in 0..N as i32 {
        rows.push(keys.at(row)?);
    }
    rows.try_into().map_err(|_| Error::invalid("split", "too many keys"))
}

/// `count` keys from one, in the rows of an array `[count, 2]`.
#[doc(alias = "split")]
#[track_caller]
pub fn split_num(key: &Array, count: i32) -> Result<Array> {
    check_shape("split", &[count, 2], Dtype::U32)?;
    ops::split_num(key, count)
}

/// An endless sequence of independent keys: the explicit form of a seeded generator.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random::{self, Keys}};
/// let mut keys = Keys::new(7)?;
/// let weights = random::normal(&[4, 4], Dtype::F32, &keys.next_key()?)?;
/// let noise = random::uniform(0.0, 0.1, &[4], Dtype::F32, &keys.next_key()?)?;
/// # Ok(())
/// # }
/// ```
#[doc(alias("seed", "KeySequence"))]
#[derive(Clone, Debug)]
pub struct Keys(Array);

impl Keys {
    /// The sequence of a seed: the keys that Python draws with after `mx.random.seed(seed)`.
    #[track_caller]
    pub fn new(seed: u64) -> Result<Keys> {
        Ok(Keys(key(seed)?))
    }

    /// The sequence that begins with `key`.
    pub fn from_key(key: &Array) -> Keys {
        Keys(key.clone())
    }

    /// The next key.
    #[track_caller]
    pub fn next_key(&mut self) -> Result<Array> {
        let (rest, key) = ops::split_key(&self.0)?;
        self.0 = rest;
        Ok(key)
    }
}

/// Each item is a key, or the error of drawing it.
impl Iterator for Keys {
    type Item = Result<Array>;

    fn next(&mut self) -> Option<Result<Array>> {
        Some(self.next_key())
    }
}

/// Random bits in unsigned integers: `U8`, `U16` or `U32`.
#[track_caller]
pub fn bits(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("bits", shape, dtype)?;
    match dtype {
        Dtype::U8 | Dtype::U16 | Dtype::U32 => ops::bits(shape, dtype.size() as i32, Some(key)),
        _ => Err(Error::invalid("bits", format!("gives uint8, uint16 or uint32, not {dtype}"))),
    }
}

/// Draws from the standard normal distribution; a real or the complex dtype.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let x = random::normal(&[1000], Dtype::F32, &random::key(0)?)?;
/// assert!(x.mean(..)?.item::<f32>()?.abs() < 0.1);
/// assert!((x.std(.., 0)?.item::<f32>()? - 1.0).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn normal(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("normal", shape, dtype)?;
    ops::normal(shape, dtype, None, None, Some(key))
}

/// Draws from the normal distribution with mean `loc` and standard deviation `scale`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Dtype, ops::Tolerance, random};
/// let means = Array::from_slice(&[0.0f32, 100.0], &[2]);
/// let x = random::normal_with(&means, 0.5, &[1000, 2], Dtype::F32, &random::key(0)?)?;
/// assert!(x.mean(0)?.allclose(&means, Tolerance { atol: 0.1, ..Tolerance::default() })?.item::<bool>()?);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "normal")]
#[track_caller]
pub fn normal_with(
    loc: impl Operand,
    scale: impl Operand,
    shape: &[i32],
    dtype: Dtype,
    key: &Array,
) -> Result<Array> {
    check_shape("normal", shape, dtype)?;
    let [loc, scale] = parameters("normal", loc, scale, dtype, shape)?;
    ops::normal(shape, dtype, Some(&loc), Some(&scale), Some(key))
}

/// Draws vectors from the joint normal distribution with mean `[..., n]` and covariance `[..., n, n]`, whose leading
/// axes broadcast to `shape`; the result has the shape `[shape..., n]`, in `F32`.
///
/// Factorizes the covariance on the CPU: call it in a scope on a CPU stream, [`with_stream`](crate::with_stream).
#[track_caller]
pub fn multivariate_normal(mean: &Array, cov: &Array, shape: &[i32], key: &Array) -> Result<Array> {
    let op = "multivariate_normal";
    let n = match (mean.shape()?, cov.shape()?) {
        ([.., n], [.., rows, columns]) if n == rows && n == columns => *n,
        (mean, cov) => {
            let text = format!(
                "a mean of shape {mean:?} and a covariance of shape {cov:?} are not [.., n] and [.., n, n]"
            );
            return Err(Error::invalid(op, text));
        }
    };
    let mut full = shape.to_vec();
    full.push(n);
    check_shape(op, &full, Dtype::F32)?;
    check_broadcast(
        op,
        "the mean's leading axes",
        mean.shape()?.split_last().map_or(&[], |(_, lead)| lead),
        shape,
    )?;
    let lead = cov.ndim()? - 2;
    check_broadcast(op, "the covariance's leading axes", &cov.shape()?[..lead], shape)?;
    // MLX decomposes the covariance on CPUs.
    let _cpu = Scope::cpu_instead(op)?;
    ops::multivariate_normal(mean, cov, shape, Dtype::F32, Some(key))
}

/// Draws from the uniform distribution over `low..high`, `low` included.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let x = random::uniform(-1.0, 1.0, &[100], Dtype::F32, &random::key(0)?)?;
/// assert!(x.min(..)?.item::<f32>()? >= -1.0 && x.max(..)?.item::<f32>()? < 1.0);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn uniform(
    low: impl Operand,
    high: impl Operand,
    shape: &[i32],
    dtype: Dtype,
    key: &Array,
) -> Result<Array> {
    check_shape("uniform", shape, dtype)?;
    let [low, high] = parameters("uniform", low, high, dtype, shape)?;
    ops::uniform(&low, &high, shape, dtype, Some(key))
}

/// Draws integers from `low` to below `high`; `low` where `high` is not larger.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let dice = random::randint(1, 7, &[100], Dtype::I32, &random::key(0)?)?;
/// assert_eq!(dice.min(..)?.item::<i32>()?, 1);
/// assert_eq!(dice.max(..)?.item::<i32>()?, 6);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn randint(
    low: impl Operand,
    high: impl Operand,
    shape: &[i32],
    dtype: Dtype,
    key: &Array,
) -> Result<Array> {
    check_shape("randint", shape, dtype)?;
    if !dtype.is_integer() && dtype != Dtype::Bool {
        return Err(Error::invalid("randint", format!("draws integers, not {dtype}")));
    }
    let [low, high] = parameters("randint", low, high, dtype, shape)?;
    ops::randint(&low, &high, shape, dtype, Some(key))
}

/// True with probability `p`; `Bool`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::random;
/// let heads = random::bernoulli(0.5, &[1000], &random::key(0)?)?;
/// assert!((heads.mean(..)?.item::<f32>()? - 0.5).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn bernoulli(p: impl Operand, shape: &[i32], key: &Array) -> Result<Array> {
    check_shape("bernoulli", shape, Dtype::F32)?;
    let p = p.into_array(Dtype::F32)?;
    check_broadcast("bernoulli", "the probability", p.shape()?, shape)?;
    ops::bernoulli(&p, shape, Some(key))
}

/// Draws from the standard normal distribution restricted to `lower..=upper`.
#[track_caller]
pub fn truncated_normal(
    lower: impl Operand,
    upper: impl Operand,
    shape: &[i32],
    dtype: Dtype,
    key: &Array,
) -> Result<Array> {
    check_shape("truncated_normal", shape, dtype)?;
    let [lower, upper] = parameters("truncated_normal", lower, upper, dtype, shape)?;
    ops::truncated_normal(&lower, &upper, shape, dtype, Some(key))
}

/// Draws from the standard Gumbel distribution.
#[track_caller]
pub fn gumbel(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("gumbel", shape, dtype)?;
    ops::gumbel(shape, dtype, Some(key))
}

/// Draws from the Laplace distribution with mean 0 and scale 1.
#[track_caller]
pub fn laplace(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    laplace_with(0.0, 1.0, shape, dtype, key)
}

/// Draws from the Laplace distribution with mean `loc` and scale `scale`.
#[doc(alias = "laplace")]
#[track_caller]
pub fn laplace_with(loc: f32, scale: f32, shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("laplace", shape, dtype)?;
    ops::laplace(shape, dtype, loc, scale, Some(key))
}

/// One position (`U32`) per line along `axis`, drawn with the probabilities `softmax(logits)`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, random};
/// // Of one impossible and one certain outcome, in both rows the certain one.
/// let logits = Array::from_slice(&[f32::NEG_INFINITY, 0.0, 0.0, f32::NEG_INFINITY], &[2, 2]);
/// assert_eq!(random::categorical(&logits, -1, &random::key(0)?)?.to_vec::<u32>()?, [1, 0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn categorical(logits: &Array, axis: i32, key: &Array) -> Result<Array> {
    choices(logits, axis)?;
    ops::categorical(logits, axis, Some(key))
}

/// `count` positions per line along `axis`, independent of each other, in a new last axis of the result.
#[doc(alias = "categorical")]
#[track_caller]
pub fn categorical_num_samples(logits: &Array, axis: i32, count: i32, key: &Array) -> Result<Array> {
    choices(logits, axis)?;
    let shape = [logits.shape()?, &[count]].concat();
    check_shape("categorical", &shape, Dtype::F32)?;
    ops::categorical_num_samples(logits, axis, count, Some(key))
}

/// Positions in an array of `shape`, to which the shape of `logits` without `axis` broadcasts.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random, zeros};
/// let fair = zeros(&[6], Dtype::F32);
/// let dice = random::categorical_shape(&fair, -1, &[2, 100], &random::key(0)?)?;
/// assert_eq!(dice.shape()?, [2, 100]);
/// assert!(dice.max(..)?.item::<u32>()? <= 5);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "categorical")]
#[track_caller]
pub fn categorical_shape(logits: &Array, axis: i32, shape: &[i32], key: &Array) -> Result<Array> {
    let axis_index = choices(logits, axis)?;
    let mut lines = logits.shape()?.to_vec();
    let options = lines.remove(axis_index);
    check_shape("categorical", &[shape, &[options]].concat(), Dtype::F32)?;
    check_broadcast("categorical", "the shape of the logits without the axis", &lines, shape)?;
    ops::categorical_shape(logits, axis, shape, Some(key))
}

/// The parts of `x` along `axis` in random order.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, arange, random};
/// let shuffled = random::permutation(&arange(0.0, 5.0, 1.0, Dtype::I32)?, 0, &random::key(0)?)?;
/// assert_eq!(shuffled.sort(0)?.to_vec::<i32>()?, [0, 1, 2, 3, 4]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn permutation(x: &Array, axis: i32, key: &Array) -> Result<Array> {
    let axis = resolve_axis("permutation", axis, x.shape()?)?;
    if x.size()? == 0 {
        // MLX would shuffle the positions of an axis that may be very long.
        return Ok(x.clone());
    }
    ops::permutation(x, axis as i32, Some(key))
}

/// The numbers `0..n` (`U32`) in random order.
#[doc(alias = "permutation")]
#[track_caller]
pub fn permutation_arange(n: i32, key: &Array) -> Result<Array> {
    check_shape("permutation", &[n], Dtype::U32)?;
    ops::permutation_arange(n, Some(key))
}

/// Two parameters of a distribution over `dtype`, which must broadcast to `shape`.
#[track_caller]
fn parameters(
    op: &'static str,
    a: impl Operand,
    b: impl Operand,
    dtype: Dtype,
    shape: &[i32],
) -> Result<[Array; 2]> {
    let (a, b) = (a.into_array(dtype)?, b.into_array(dtype)?);
    check_broadcast(op, "the first parameter", a.shape()?, shape)?;
    check_broadcast(op, "the second parameter", b.shape()?, shape)?;
    Ok([a, b])
}

#[track_caller]
fn check_broadcast(op: &'static str, what: &str, from: &[i32], to: &[i32]) -> Result<()> {
    if crate::index::broadcast(from, to).as_deref() == Some(to) {
        return Ok(());
    }
    Err(Error::invalid(op, format!("{what}, {from:?}, do not broadcast to the shape {to:?}")))
}

/// The axis that positions are drawn from, which must have some.
#[track_caller]
fn choices(logits: &Array, axis: i32) -> Result<usize> {
    let shape = logits.shape()?;
    let axis = resolve_axis("categorical", axis, shape)?;
    if shape[axis] > 0 {
        return Ok(axis);
    }
    Err(Error::invalid("categorical", format!("axis {axis} of the shape {shape:?} has no elements")))
}
