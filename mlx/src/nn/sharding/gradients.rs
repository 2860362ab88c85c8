//! Gradients of several processes.

use crate::{Array, Parameters, Result, concatenate, distributed::Group, optimizers::clip_grad_norm_by};

/// The most bytes that one message is filled up to.
const MESSAGE: usize = 32 << 20;

/// The mean of each gradient over all processes, which must have gradients of the same paths, shapes and dtypes.
///
/// Small gradients are sent together: messages are filled up to 32 MiB.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Parameters, distributed::{Backend, Group}, nn::average_gradients};
/// let group = Group::init(Backend::Any)?;
/// let gradients = Parameters::from([("w".to_owned(), Array::from_slice(&[3.0f32, 4.0], &[2]))]);
/// assert_eq!(average_gradients(&gradients, &group)?["w"].to_vec::<f32>()?, [3.0, 4.0]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nn.average_gradients")]
#[track_caller]
pub fn average_gradients(gradients: &Parameters, group: &Group) -> Result<Parameters> {
    average_gradients_sized(gradients, MESSAGE, group)
}

/// [`average_gradients`] with a message sent when it reaches `all_reduce_size` bytes; with 0, each gradient is sent alone.
#[track_caller]
pub fn average_gradients_sized(
    gradients: &Parameters,
    all_reduce_size: usize,
    group: &Group,
) -> Result<Parameters> {
    if group.size() == 1 {
        return Ok(gradients.clone());
    }
    let mut averaged = Parameters::new();
    let (mut message, mut bytes, mut dtype) = (vec![], 0, None);
    for (path, gradient) in gradients {
        let previous = dtype.replace(gradient.dtype()?);
        if bytes >= all_reduce_size || previous != dtype {
            send(&mut message, group, &mut averaged)?;
            bytes = 0;
        }
        message.push((path, gradient));
        bytes += gradient.nbytes()?;
    }
    send(&mut message, group, &mut averaged)?;
    Ok(averaged)
}

/// Averages what is in the message and empties it.
#[track_caller]
fn send(message: &mut Vec<(&String, &Array)>, group: &Group, averaged: &mut Parameters) -> Result<()> {
    if message.is_empty() {
        return Ok(());
    }
    let (mut flat, mut ends, mut end) = (vec![], vec![], 0i32);
    for (_, gradient) in message.iter() {
        let gradient = gradient.flatten(0, -1)?;
        // Lengths beyond that `concatenate` refuses.
        end = end.saturating_add(gradient.dim(0)?);
        ends.push(end);
        flat.push(gradient);
    }
    let sum = group.all_sum(&concatenate(&flat.iter().collect::<Vec<_>>(), 0)?)?;
    let mean = sum.divide(group.size())?.astype(sum.dtype()?)?;
    ends.pop();
    for ((path, gradient), part) in message.drain(..).zip(mean.split_at(&ends, 0)?) {
        averaged.insert(path.clone(), part.reshape(gradient.shape()?)?);
    }
    Ok(())
}

/// [`clip_grad_norm`](crate::optimizers::clip_grad_norm) where each process has a share of each gradient: the norm is
/// that of all shares.
///
/// # Errors
/// A `max_norm` that is negative or NaN.
#[track_caller]
pub fn clip_grad_norm_sharded(
    gradients: &Parameters,
    max_norm: f64,
    group: &Group,
) -> Result<(Parameters, Array)> {
    clip_grad_norm_by("clip_grad_norm_sharded", gradients, max_norm, |squares| group.all_sum(&squares))
}
