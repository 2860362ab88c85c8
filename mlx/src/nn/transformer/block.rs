//! What layers of encoders and of decoders are made of.

use super::TransformerOptions;
use crate::{
    Array, Module, Result, Tree,
    fast::Mask,
    nn::{Activation, Dropout, Linear},
    random::{self, Keys},
};

/// Two linear layers with an activation between, for each position.
#[derive(Clone, Debug, Module)]
pub(super) struct FeedForward {
    linear1: Linear,
    linear2: Linear,
    activation: Activation,
    dropout: Dropout,
}

impl FeedForward {
    #[track_caller]
    pub(super) fn new(options: TransformerOptions) -> FeedForward {
        FeedForward {
            linear1: Linear::new(options.dims, options.hidden()).with_bias(true),
            linear2: Linear::new(options.hidden(), options.dims).with_bias(true),
            activation: options.activation,
            dropout: Dropout::new(options.dropout),
        }
    }

    #[track_caller]
    pub(super) fn init(self, key: &Array) -> Result<FeedForward> {
        let [first, second] = random::split(key)?;
        let (linear1, linear2) = (self.linear1.init(&first)?, self.linear2.init(&second)?);
        Ok(FeedForward { linear1, linear2, ..self })
    }

    #[track_caller]
    pub(super) fn forward(&self, x: &Array, key: &Option<Array>) -> Result<Array> {
        let hidden = self.activation.forward(&self.linear1.forward(x)?)?;
        self.linear2.forward(&self.dropout.forward(&hidden, key)?)
    }
}

/// Puts the result of `f` beside `x`, with the normalization before or after.
macro_rules! residual {
    ($x:expr, $norm:expr, $norm_first:expr, |$y:ident| $f:expr) => {
        if $norm_first {
            let $y = $norm.forward(&$x)?;
            $x.add($f)?
        } else {
            let $y = $x.clone();
            $norm.forward(&$x.add($f)?)?
        }
    };
}
pub(super) use residual;

/// As many keys, drawn from the one there is, if there is one.
#[track_caller]
pub(super) fn keys<const N: usize>(key: Option<&Array>) -> Result<[Option<Array>; N]> {
    match key {
        Some(key) => Ok(random::split::<N>(key)?.map(Some)),
        None => Ok([const { None }; N]),
    }
}

/// The next of a sequence of keys, if there is one.
#[track_caller]
pub(super) fn next_key(left: &mut Option<Keys>) -> Result<Option<Array>> {
    match left {
        Some(left) => left.next_key().map(Some),
        None => Ok(None),
    }
}

/// A mask that a checkpoint can keep.
#[derive(Tree)]
pub(super) struct KeptMask {
    array: Option<Array>,
    causal: bool,
}

impl KeptMask {
    pub(super) fn get(&self) -> Mask<'_> {
        match &self.array {
            Some(array) => Mask::Array(array),
            None if self.causal => Mask::Causal,
            None => Mask::None,
        }
    }
}

impl From<Mask<'_>> for KeptMask {
    fn from(mask: Mask<'_>) -> KeptMask {
        match mask {
            Mask::None => KeptMask { array: None, causal: false },
            Mask::Causal => KeptMask { array: None, causal: true },
            Mask::Array(array) => KeptMask { array: Some(array.clone()), causal: false },
        }
    }
}
