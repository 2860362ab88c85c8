//! The gated delta rule of linear attention.

use crate::{Array, Dtype, Error, Result, ffi::ops};

/// What a layer of [`gated_delta_update`] goes on from and leaves out.
///
/// `GatedDelta::default()` begins with a state of zeros and leaves nothing out.
#[derive(Clone, Copy, Debug, Default)]
pub struct GatedDelta<'a> {
    /// The state to begin with, `[batch, value heads, value dim, key dim]`.
    pub state: Option<&'a Array>,
    /// `[batch, length]`, `Bool`: positions where it is false leave the state as it is.
    pub mask: Option<&'a Array>,
}

/// Runs the gated delta rule over a sequence; gives the outputs `[batch, length, value heads, value dim]` and the
/// state after it ([Yang et al., 2024](https://arxiv.org/abs/2412.06464)).
///
/// At each position the state of each head decays by `gates`, and what it holds under the key is moved towards the
/// value by the fraction `beta`: `S ← g S`, `S ← S + β (v - S k) kᵀ`, and the output is `S q`.
///
/// `q` and `k` are `[batch, length, key heads, key dim]`, `v` is `[batch, length, value heads, value dim]` with a
/// multiple of the key heads, `beta` is `[batch, length, value heads]`, and `gates` is the same, or has one more axis
/// of the key dim. The key dim is a multiple of 32 on a GPU.
#[track_caller]
pub fn gated_delta_update(
    q: &Array,
    k: &Array,
    v: &Array,
    gates: &Array,
    beta: &Array,
    options: GatedDelta<'_>,
) -> Result<(Array, Array)> {
    check_shapes([q, k, v, gates, beta], options)?;
    let GatedDelta { state, mask } = options;
    let outputs = ops::gated_delta_update(q, k, v, gates, beta, state, mask)?;
    match <[Array; 2]>::try_from(outputs) {
        Ok([output, state]) => Ok((output, state)),
        Err(list) => Err(Error::invalid("gated_delta_update", format!("MLX gave {} arrays", list.len()))),
    }
}

/// MLX divides by the number of key heads, and its kernels trust the shapes.
#[track_caller]
fn check_shapes(inputs: [&Array; 5], options: GatedDelta<'_>) -> Result<()> {
    let op = "gated_delta_update";
    let [q, k, v, gates, beta] = inputs.map(|x| x.shape().map(<[i32]>::to_vec));
    let (q, k, v, gates, beta) = (q?, k?, v?, gates?, beta?);
    let (&[batch, length, heads, dim], &[.., value_heads, value_dim]) = (&q[..], &v[..]) else {
        let text = format!("q {q:?} and v {v:?} are not [batch, length, heads, dim]");
        return Err(Error::invalid(op, text));
    };
    if length == 0 || heads == 0 || value_heads % heads != 0 {
        let text = format!(
            "{length} positions, {heads} key heads and {value_heads} value heads: needs one or more \
                            positions and key heads, and a multiple of these as value heads"
        );
        return Err(Error::invalid(op, text));
    }
    let per_head = vec![batch, length, value_heads];
    let state = vec![batch, value_heads, value_dim, dim];
    let mut expected = vec![
        ("k", k, q.clone()),
        ("v", v, vec![batch, length, value_heads, value_dim]),
        ("beta", beta, per_head.clone()),
    ];
    let gated = if gates.len() == 4 { [&per_head[..], &[dim]].concat() } else { per_head };
    expected.push(("gates", gates, gated));
    if let Some(given) = options.state {
        expected.push(("the state", given.shape()?.to_vec(), state));
    }
    if let Some(given) = options.mask {
        if given.dtype()? != Dtype::Bool {
            return Err(Error::invalid(op, format!("the mask must be bool, not {}", given.dtype()?)));
        }
        expected.push(("the mask", given.shape()?.to_vec(), vec![batch, length]));
    }
    match expected.into_iter().find(|(_, given, wanted)| given != wanted) {
        Some((name, given, wanted)) => {
            Err(Error::invalid(op, format!("{name} has the shape {given:?} where {wanted:?} is needed")))
        }
        None => Ok(()),
    }
}
