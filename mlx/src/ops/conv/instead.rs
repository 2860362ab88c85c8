//! Convolutions that MLX computes wrongly, as others that it does not.
//!
//! On CUDA it takes those with reversed windows for gradients by the input, of steps of one, in which groups mix, and keeps plans by
//! all that makes them up but how far the elements of the input are pulled apart. On any device its gradient by an input that is
//! pulled apart is cut short if a window can lie beside it.

use super::options::Convolution;
use crate::{Array, Result, ops::on_cuda::on_cuda, step};

impl<const N: usize> Convolution<N> {
    /// Another way to the same, where MLX's own, or its gradient, is wrong.
    #[track_caller]
    pub(super) fn apply_instead(&self, x: &Array, weight: &Array) -> Result<Option<Array>> {
        if on_cuda()? {
            return self.apply_on_cuda(x, weight).map(Some);
        }
        if self.has_gradient(weight)? { Ok(None) } else { self.apply_spread(x, weight).map(Some) }
    }

    #[track_caller]
    fn apply_on_cuda(&self, x: &Array, weight: &Array) -> Result<Array> {
        if self.flip && (self.stride != [1; N] || self.groups > 1) {
            return Convolution { flip: false, ..*self }.apply_on_cuda(x, &reversed::<N>(weight)?);
        }
        if self.spread == [1; N] { self.record(x, weight) } else { self.apply_spread(x, weight) }
    }

    /// Whether MLX's gradient by the input has the shape of the input.
    #[track_caller]
    fn has_gradient(&self, weight: &Array) -> Result<bool> {
        let windows = weight.shape()?;
        Ok(self.spread == [1; N]
            || (0..N).all(|i| {
                let reach = self.dilation[i] * (windows[i + 1] - 1);
                self.before[i] <= reach && self.after[i] <= reach
            }))
    }

    /// With an operation of its own that pulls the input apart.
    #[track_caller]
    fn apply_spread(&self, x: &Array, weight: &Array) -> Result<Array> {
        Convolution { spread: [1; N], ..*self }.record(&self.pulled_apart(x)?, weight)
    }

    /// The input with zeros between its elements.
    #[track_caller]
    fn pulled_apart(&self, x: &Array) -> Result<Array> {
        let mut y = x.clone();
        for (axis, &spread) in (1..).zip(&self.spread).filter(|(_, spread)| **spread > 1) {
            // `[.., n, ..]` to `[.., n, spread, ..]`, of which all but the first are zeros, and to `[.., n · spread, ..]`.
            let mut widths = vec![(0, 0); y.ndim()? + 1];
            widths[axis as usize + 1].1 = spread - 1;
            let apart = y.expand_dims(axis + 1)?.pad(widths, 0)?.flatten(axis, axis + 1)?;
            let mut stop = apart.shape()?.to_vec();
            stop[axis as usize] = (stop[axis as usize] - spread + 1).max(0);
            y = apart.slice(&vec![0; stop.len()], &stop)?;
        }
        Ok(y)
    }
}

/// A weight with its windows reversed.
#[track_caller]
fn reversed<const N: usize>(weight: &Array) -> Result<Array> {
    let back = step(.., -1);
    match N {
        1 => weight.at((.., back)),
        2 => weight.at((.., back, back)),
        _ => weight.at((.., back, back, back)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Dtype, Stream, random, transforms::grad, with_stream};

    fn agrees<const N: usize>(convolution: &Convolution<N>) -> Result<()> {
        let normal = |shape: &[i32], seed| random::normal(shape, Dtype::F32, &random::key(seed)?);
        let x = normal(&[&[2][..], &[7; N], &[4]].concat(), 1)?;
        let weight = normal(&[&[6][..], &[3; N], &[4 / convolution.groups]].concat(), 2)?;
        let (found, expected) = (convolution.apply_on_cuda(&x, &weight)?, convolution.record(&x, &weight)?);
        assert!(off(&found, &expected)? < 1e-4);
        Ok(())
    }

    /// A convolution is linear in its input: its gradient, times an input, is what the convolution of that gives.
    #[test]
    fn gradients_by_spread_inputs_are_slopes() -> Result<()> {
        with_stream(&Stream::default_of(Device::Cpu)?, || {
            for (window, before, after) in [(1, 0, 1), (1, 2, 0), (2, 0, 2), (2, 1, 1), (3, 3, 4)] {
                let convolution = Convolution {
                    stride: [1],
                    before: [before],
                    after: [after],
                    dilation: [1],
                    spread: [2],
                    groups: 1,
                    flip: false,
                };
                let normal = |shape: &[i32], seed| random::normal(shape, Dtype::F32, &random::key(seed)?);
                let (x, weight) = (normal(&[1, 7, 2], 1)?, normal(&[3, window, 2], 2)?);
                let y = convolution.apply(&x, &weight)?;
                assert!(off(&y, &convolution.record(&x, &weight)?)? < 1e-5);
                let mix = normal(y.shape()?, 3)?;
                let mixed = |x: &Array| (convolution.apply(x, &weight)? * &mix).sum(..);
                let slope = grad(mixed)(&x)?;
                let along = (slope * &x).sum(..)?;
                assert!(
                    off(&along, &mixed(&x)?)? < 1e-4,
                    "a window of {window}, padding {before} and {after}"
                );
            }
            Ok(())
        })
    }

    fn off(found: &Array, expected: &Array) -> Result<f32> {
        assert_eq!(found.shape()?, expected.shape()?);
        (found - expected).abs()?.max(..)?.item()
    }

    #[test]
    fn others_give_the_same() -> Result<()> {
        with_stream(&Stream::default_of(Device::Cpu)?, || {
            for (stride, spread, dilation) in [(1, 1, 1), (2, 1, 2), (1, 2, 1), (1, 3, 2), (2, 2, 1)] {
                for (groups, flip) in [(1, false), (1, true), (2, false), (2, true)] {
                    agrees(&Convolution {
                        stride: [stride],
                        before: [1],
                        after: [2],
                        dilation: [dilation],
                        spread: [spread],
                        groups,
                        flip,
                    })?;
                    agrees(&Convolution {
                        stride: [stride, 1],
                        before: [0, 2],
                        after: [2, 1],
                        dilation: [1, dilation],
                        spread: [spread, 1],
                        groups,
                        flip,
                    })?;
                }
                agrees(&Convolution {
                    stride: [1, stride, 1],
                    before: [1; 3],
                    after: [0, 1, 2],
                    dilation: [dilation, 1, 1],
                    spread: [1, 2, spread],
                    groups: 1,
                    flip: true,
                })?;
            }
            Ok(())
        })
    }
}
