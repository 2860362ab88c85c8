//! The shapes of a convolution, checked before MLX computes with them.

use crate::{Array, Dtype, Error, Result, ops::create::check_shape};

/// From the first to the last of `count` positions that lie `distance` apart, both included.
pub(super) fn reach(count: i32, distance: i32) -> i64 {
    1 + (i64::from(count) - 1) * i64::from(distance)
}

/// The shapes of a convolution over `N` spatial axes.
pub(super) struct Sizes<const N: usize> {
    batch: i32,
    pub(super) space: [i32; N],
    channels: i32,
    pub(super) window: [i32; N],
    out_channels: i32,
    dtype: Dtype,
}

impl<const N: usize> Sizes<N> {
    /// MLX divides by the groups and the channels, and its matrix product ends the process for an empty window.
    #[track_caller]
    pub(super) fn of(op: &'static str, x: &Array, weight: &Array, groups: i32) -> Result<Sizes<N>> {
        let (shape, weights) = (x.shape()?, weight.shape()?);
        let (&[batch, ref space @ .., channels], &[out_channels, ref window @ .., per_group]) =
            (shape, weights)
        else {
            return Err(wrong_rank(op, N, shape, weights));
        };
        let (Ok(space), Ok(window)) = (<[i32; N]>::try_from(space), <[i32; N]>::try_from(window)) else {
            return Err(wrong_rank(op, N, shape, weights));
        };
        if weights.contains(&0) || space.contains(&0) || channels == 0 {
            let text = format!("an extent is zero in the input {shape:?} or the weight {weights:?}");
            return Err(Error::invalid(op, text));
        }
        let fits = groups >= 1
            && out_channels % groups == 0
            && i64::from(per_group) * i64::from(groups) == i64::from(channels);
        if !fits {
            let text = format!("the input {shape:?} and the weight {weights:?} do not fit {groups} groups");
            return Err(Error::invalid(op, text));
        }
        let dtype = x.dtype()?;
        if !dtype.is_float() {
            return Err(Error::invalid(op, format!("needs floating-point numbers, not {dtype}")));
        }
        Ok(Sizes { batch, space, channels, window, out_channels, dtype })
    }

    /// Refuses sizes that are negative, or that overflow in the input with its zeros, in the output, or in the
    /// matrix of all windows that MLX builds between them.
    #[track_caller]
    pub(super) fn check(&self, op: &'static str, padded: [i64; N], out: [i64; N]) -> Result<()> {
        if out.iter().any(|&extent| extent < 1) {
            let (space, window) = (self.space, self.window);
            let text =
                format!("the window {window:?} does not fit into the space {space:?} with its padding");
            return Err(Error::invalid(op, text));
        }
        let windows = [&self.window[..], &[self.channels]].concat();
        for (space, last) in
            [(padded, &[self.channels][..]), (out, &[self.out_channels][..]), (out, &windows[..])]
        {
            let space = space.map(|extent| i32::try_from(extent).unwrap_or(-1));
            check_shape(op, &[&[self.batch], &space[..], last].concat(), self.dtype)?;
        }
        Ok(())
    }
}

#[track_caller]
fn wrong_rank(op: &'static str, axes: usize, x: &[i32], weight: &[i32]) -> Error {
    let rank = axes + 2;
    Error::invalid(op, format!("needs {rank} dimensions each, the input is {x:?} and the weight {weight:?}"))
}
