//! Random values for weights to start from. Each function draws an `F32` array of `shape` from a `key`.
//!
//! Weights are shaped `[outputs, ..., inputs]`, with the extents of a convolution's kernel between: a weight's *fan
//! in* and *fan out* are its inputs and outputs times the size of the kernel.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{nn::init::{self, Fan}, random};
//! let weight = init::he_normal(&[64, 256], Fan::In, 1.0, &random::key(0)?)?;
//! assert!((weight.std(.., 0)?.item::<f32>()? - 1.0 / 16.0).abs() < 1e-3);
//! # Ok(())
//! # }
//! ```

use super::merged;
use crate::{Array, Dtype, Error, Result, eye, full, linalg, ops::create::check_shape, random};

/// `value` in every place.
#[track_caller]
pub fn constant(shape: &[i32], value: f32) -> Result<Array> {
    check_shape("constant", shape, Dtype::F32)?;
    Ok(full(shape, value, Dtype::F32))
}

/// The normal distribution with `mean` and standard deviation `std`. Python's are 0 and 1.
#[track_caller]
pub fn normal(shape: &[i32], mean: f32, std: f32, key: &Array) -> Result<Array> {
    random::normal_with(mean, std, shape, Dtype::F32, key)
}

/// The uniform distribution from `low` to `high`. Python's are 0 and 1.
#[track_caller]
pub fn uniform(shape: &[i32], low: f32, high: f32, key: &Array) -> Result<Array> {
    random::uniform(low, high, shape, Dtype::F32, key)
}

/// The identity matrix; `shape` is square.
#[track_caller]
pub fn identity(shape: &[i32]) -> Result<Array> {
    match shape {
        [rows, columns] if rows == columns => {
            check_shape("identity", shape, Dtype::F32)?;
            Ok(eye(*rows, Dtype::F32))
        }
        _ => Err(Error::invalid("identity", format!("{shape:?} is not the shape of a square matrix"))),
    }
}

/// The normal distribution with standard deviation `gain · sqrt(2 / (fan in + fan out))`
/// ([Glorot and Bengio, 2010](https://proceedings.mlr.press/v9/glorot10a.html)). Python's `gain` is 1.
#[doc(alias = "xavier")]
#[track_caller]
pub fn glorot_normal(shape: &[i32], gain: f32, key: &Array) -> Result<Array> {
    let std = glorot_std("glorot_normal", shape, gain)?;
    normal(shape, 0.0, std as f32, key)
}

/// The uniform distribution with the variance of [`glorot_normal`].
#[doc(alias = "xavier")]
#[track_caller]
pub fn glorot_uniform(shape: &[i32], gain: f32, key: &Array) -> Result<Array> {
    let limit = glorot_std("glorot_uniform", shape, gain)? * f64::sqrt(3.0);
    uniform(shape, -limit as f32, limit as f32, key)
}

/// Which side of a weight decides its scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fan {
    /// The inputs: activations keep their scale. Python's default.
    #[default]
    In,
    /// The outputs: gradients keep their scale.
    Out,
}

/// The normal distribution with standard deviation `gain / sqrt(fan)`
/// ([He et al., 2015](https://arxiv.org/abs/1502.01852)). Python's `gain` is 1; √2 suits layers before a `relu`.
#[doc(alias = "kaiming")]
#[track_caller]
pub fn he_normal(shape: &[i32], fan: Fan, gain: f32, key: &Array) -> Result<Array> {
    let std = he_std("he_normal", shape, fan, gain)?;
    normal(shape, 0.0, std as f32, key)
}

/// The uniform distribution with the variance of [`he_normal`].
#[doc(alias = "kaiming")]
#[track_caller]
pub fn he_uniform(shape: &[i32], fan: Fan, gain: f32, key: &Array) -> Result<Array> {
    let limit = he_std("he_uniform", shape, fan, gain)? * f64::sqrt(3.0);
    uniform(shape, -limit as f32, limit as f32, key)
}

/// The normal distribution with `mean` and standard deviation `std`, and zero in a share `sparsity`, 0 to 1, of each
/// row of the matrix ([Martens, 2010](https://icml.cc/Conferences/2010/papers/458.pdf)). Python's `mean` and `std`
/// are 0 and 1.
#[track_caller]
pub fn sparse(shape: &[i32], sparsity: f32, mean: f32, std: f32, key: &Array) -> Result<Array> {
    let (rows, columns) = matrix("sparse", shape)?;
    if !(0.0..=1.0).contains(&sparsity) {
        return Err(Error::invalid("sparse", format!("the sparsity is {sparsity}, not in 0 to 1")));
    }
    let [for_order, for_values] = random::split(key)?;
    let zeros = (f64::from(sparsity) * f64::from(columns)).ceil() as i32;
    let order = uniform(shape, 0.0, 1.0, &for_order)?.argsort(1)?;
    let values = normal(shape, mean, std, &for_values)?;
    values.put_along_axis(&order.slice(&[0, 0], &[rows, zeros])?, 0, 1)
}

/// A matrix whose rows or columns, whichever are fewer, are orthogonal to each other and `gain` long
/// ([Saxe et al., 2013](https://arxiv.org/abs/1312.6120)). Python's `gain` is 1.
#[track_caller]
pub fn orthogonal(shape: &[i32], gain: f32, key: &Array) -> Result<Array> {
    let (rows, columns) = matrix("orthogonal", shape)?;
    let size = rows.max(columns);
    let drawn = normal(&[size, size], 0.0, 1.0, key)?;
    let (q, r) = linalg::qr(&drawn)?;
    // The signs make the result uniform among orthogonal matrices; QR alone leaves them to the algorithm.
    let signs = r.diagonal(0, [0, 1])?.sign()?;
    (q * signs).slice(&[0, 0], &[rows, columns])?.multiply(gain)
}

#[track_caller]
fn glorot_std(op: &'static str, shape: &[i32], gain: f32) -> Result<f64> {
    let (inputs, outputs) = fans(op, shape)?;
    Ok(f64::from(gain) * (2.0 / (inputs + outputs)).sqrt())
}

#[track_caller]
fn he_std(op: &'static str, shape: &[i32], fan: Fan, gain: f32) -> Result<f64> {
    let (inputs, outputs) = fans(op, shape)?;
    let fan = if fan == Fan::In { inputs } else { outputs };
    Ok(f64::from(gain) / fan.sqrt())
}

/// Fan in and fan out.
#[track_caller]
fn fans(op: &'static str, shape: &[i32]) -> Result<(f64, f64)> {
    match shape {
        [outputs, kernel @ .., inputs] if shape.iter().all(|&extent| extent > 0) => {
            let kernel = f64::from(merged(op, kernel)?);
            Ok((f64::from(*inputs) * kernel, f64::from(*outputs) * kernel))
        }
        _ => {
            Err(Error::invalid(op, format!("{shape:?} is not the shape [outputs, ..., inputs] of a weight")))
        }
    }
}

#[track_caller]
fn matrix(op: &'static str, shape: &[i32]) -> Result<(i32, i32)> {
    check_shape(op, shape, Dtype::F32)?;
    match *shape {
        [rows, columns] => Ok((rows, columns)),
        _ => Err(Error::invalid(op, format!("{shape:?} is not the shape of a matrix"))),
    }
}

/// The usual size of a layer's first weights: `1 / sqrt(inputs)`.
#[track_caller]
pub(super) fn scale(inputs: i32) -> Result<f32> {
    if inputs < 1 {
        return Err(Error::invalid("init", format!("a layer of {inputs} inputs has no scale to start from")));
    }
    Ok(f64::from(inputs).recip().sqrt() as f32)
}

/// What linear layers start from: uniform in ±`1 / sqrt(inputs)`.
#[track_caller]
pub(super) fn by_inputs(shape: &[i32], inputs: i32, key: &Array) -> Result<Array> {
    let limit = scale(inputs)?;
    uniform(shape, -limit, limit, key)
}
