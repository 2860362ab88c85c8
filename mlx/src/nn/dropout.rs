//! Zeroing at random in training, so that nothing relies on any one number.

use crate::{Array, Error, Module, Result, Training, random};

macro_rules! dropouts {
    ($($(#[$doc:meta])* $name:ident, $spatial:literal axes as one, of $ranks:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        pub struct $name {
            p: f32,
            training: Training,
        }

        impl $name {
            /// Zeroes with the probability `p`, 0 to less than 1; Python's is 0.5.
            pub fn new(p: f32) -> $name {
                $name { p, training: Training::default() }
            }

            /// `x`, thinned out in training by random numbers from `key`; in inference `x` itself, and `None` will do.
            ///
            /// One key gives one choice: take another at each call.
            ///
            /// ```
            /// # fn main() -> mlx::Result<()> {
            /// use mlx::{Dtype, Module, nn::Dropout, ones, random};
            /// let mut dropout = Dropout::new(0.5);
            /// let x = ones(&[4], Dtype::F32);
            /// let thinned = dropout.forward(&x, &random::key(0)?)?; // zeros and twos
            /// dropout.set_training(false);
            /// assert_eq!(dropout.forward(&x, None)?.to_vec::<f32>()?, [1.0; 4]);
            /// # Ok(())
            /// # }
            /// ```
            #[track_caller]
            pub fn forward<'a>(&self, x: &Array, key: impl Into<Option<&'a Array>>) -> Result<Array> {
                const NAME: &str = stringify!($name);
                let shape = x.shape()?;
                if !$ranks.contains(&shape.len()) {
                    return Err(Error::invalid(NAME, format!("cannot tell the channels of the shape {shape:?}")));
                }
                if !(0.0..1.0).contains(&self.p) {
                    return Err(Error::invalid(NAME, format!("p is {}, not in 0 to less than 1", self.p)));
                }
                match key.into() {
                    _ if self.p == 0.0 || !self.training.is_on() => Ok(x.clone()),
                    Some(key) => thin_out(x, self.p, $spatial, key),
                    None => Err(Error::invalid(NAME, "in training it needs a key to draw random numbers from")),
                }
            }
        }
    )* };
}

dropouts! {
    /// Zeroes elements with a probability in training, and scales the others by `1 / (1 - p)`
    /// ([Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)).
    ///
    /// The random key is an argument of `forward`, so that a step of training depends on nothing but its inputs: it
    /// can be differentiated, compiled and repeated.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, Module, nn::Dropout, ones, random};
    /// let x = ones(&[1000], Dtype::F32);
    /// let mut dropout = Dropout::new(0.25);
    /// let kept = dropout.forward(&x, &random::key(7)?)?.count_nonzero(..)?.item::<i32>()?;
    /// assert!((700..800).contains(&kept));
    /// dropout.set_training(false);
    /// assert_eq!(dropout.forward(&x, None)?.sum(..)?.item::<f32>()?, 1000.0);
    /// # Ok(())
    /// # }
    /// ```
    Dropout, 0 axes as one, of (0usize..);
    /// [`Dropout`] of whole channels of images `[batch, height, width, channels]` or `[height, width, channels]`
    /// ([Tompson et al., 2014](https://arxiv.org/abs/1411.4280)).
    Dropout2d, 2 axes as one, of (3usize..=4);
    /// [`Dropout`] of whole channels of volumes `[batch, depth, height, width, channels]` or
    /// `[depth, height, width, channels]`.
    Dropout3d, 3 axes as one, of (4usize..=5);
}

/// `x / (1 - p)`, or zero with the probability `p`; the `spatial` axes before the last share their fate.
#[track_caller]
fn thin_out(x: &Array, p: f32, spatial: usize, key: &Array) -> Result<Array> {
    let mut shape = x.shape()?.to_vec();
    shape.iter_mut().rev().skip(1).take(spatial).for_each(|extent| *extent = 1);
    let kept = 1.0 - p;
    // MLX has no gradient of random numbers by their key, and a checkpoint differentiates by all it is given.
    random::bernoulli(kept, &shape, &key.stop_gradient()?)?.multiply(x)?.multiply(1.0 / kept)
}
