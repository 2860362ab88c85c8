//! Linear layers of which each process computes a share.

use super::{Segments, Shard, all_to_sharded, sharded_to_all};
use crate::{
    Array, Dtype, Module, Param, Result,
    distributed::Group,
    nn::{Linear, Quantized, Weight, init},
    random,
    transforms::custom_vjp,
    zeros,
};

/// `features` shared evenly; a number that gives a failed array if that cannot be.
fn share(features: i32, group: &Group) -> i32 {
    if features % group.size() == 0 { features / group.size() } else { -1 }
}

/// The share of each part of a layer.
#[track_caller]
fn cut(
    linear: &Linear,
    shard: fn(&str, &Array) -> Option<Shard>,
    segments: Segments,
    group: &Group,
) -> Result<(Weight, Option<Param>)> {
    let take = |path: &str, array: &Array| match shard(path, array) {
        Some(shard) => shard.segments(segments.clone()).take(array, group),
        None => Ok(array.clone()),
    };
    let weight = match &linear.weight {
        Weight::Dense(weight) => {
            let mut share = Param::new(take("weight", weight)?);
            share.set_frozen(weight.is_frozen());
            Weight::Dense(share)
        }
        Weight::Quantized(q) => Weight::Quantized(Quantized {
            weight: take("weight", &q.weight)?,
            scales: take("scales", &q.scales)?,
            biases: q.biases.as_ref().map(|biases| take("biases", biases)).transpose()?,
            quantization: q.quantization,
        }),
    };
    let bias = match &linear.bias {
        Some(bias) => {
            let mut share = Param::new(take("bias", bias)?);
            share.set_frozen(bias.is_frozen());
            Some(share)
        }
        None => None,
    };
    Ok((weight, bias))
}

/// `x`, with its gradient summed over all processes: each has the part that came through its share.
#[track_caller]
fn sum_gradients(x: &Array, group: &Group) -> Result<Array> {
    if group.size() == 1 {
        return Ok(x.clone());
    }
    let group = group.clone();
    let identity =
        custom_vjp(|x: &Array| Ok(x.clone()), move |_, gradient: &Array, _| group.all_sum(gradient));
    identity(x)
}

macro_rules! sharded_linears {
    ($($(#[$doc:meta])* $name:ident, $cut:ident, $whole:literal, $shape:expr, $bias:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        pub struct $name {
            #[module(flatten)]
            weight: Weight,
            bias: Option<Param>,
            #[module(skip)]
            sizes: [i32; 2],
            #[module(skip)]
            group: Group,
        }

        impl $name {
            /// From `inputs` to `outputs` features in all, this process's share of it zero, without bias. Sizes that
            /// the processes cannot share show when it is used or loaded.
            #[track_caller]
            pub fn new(inputs: i32, outputs: i32, group: &Group) -> $name {
                let shape: fn(i32, i32, &Group) -> [i32; 2] = $shape;
                let [rows, columns] = shape(inputs, outputs, group);
                $name { weight: Weight::new(rows, columns), bias: None, sizes: [inputs, outputs], group: group.clone() }
            }

            /// The layer with a bias of zeros, or without.
            #[track_caller]
            pub fn with_bias(self, bias: bool) -> $name {
                let extent: fn(i32, &Group) -> i32 = $bias;
                let [_, outputs] = self.sizes;
                let bias = bias.then_some(zeros(&[extent(outputs, &self.group)], Dtype::F32).into());
                $name { bias, ..self }
            }

            /// This process's share of a linear layer, dense or quantized, all of which every process has.
            ///
            #[doc = concat!("The segments are those of the ", $whole, "; `1` if it is one.")]
            ///
            /// # Errors
            /// Sizes that the processes cannot share evenly; of a quantized weight, groups that they cannot.
            #[doc(alias = "shard_linear")]
            #[doc(alias = "from_quantized_linear")]
            #[track_caller]
            pub fn from_linear(linear: &Linear, segments: impl Into<Segments>, group: &Group) -> Result<$name> {
                let [outputs, inputs] = linear.weight.shape()?;
                let sizes = [inputs, outputs];
                let (weight, bias) = cut(linear, $cut, segments.into(), group)?;
                Ok($name { weight, bias, sizes, group: group.clone() })
            }
        }
    )* };
}

sharded_linears! {
    /// A linear layer from features that every process has to features of which each computes a share; dense or
    /// quantized, as [`Linear`].
    ///
    /// Backwards, the gradients of its input are summed over the processes.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, distributed::{Backend, Group}, ones, random};
    /// use mlx::nn::{AllToShardedLinear, Linear, ShardedToAllLinear};
    /// let group = Group::init(Backend::Any)?;
    /// let [first, second] = random::split(&random::key(0)?)?;
    /// let up = AllToShardedLinear::from_linear(&Linear::new(8, 32).init(&first)?, 1, &group)?;
    /// let down = ShardedToAllLinear::from_linear(&Linear::new(32, 8).init(&second)?, 1, &group)?;
    /// let y = down.forward(&up.forward(&ones(&[2, 8], Dtype::F32))?.tanh()?)?;
    /// assert_eq!(y.shape()?, [2, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "QuantizedAllToShardedLinear")]
    AllToShardedLinear, all_to_sharded, "outputs",
        |inputs, outputs, group| [share(outputs, group), inputs], share;
    /// A linear layer from features of which each process has a share to features that all have; dense or quantized,
    /// as [`Linear`].
    ///
    /// Each process multiplies its share, and the products are summed over the processes.
    #[doc(alias = "QuantizedShardedToAllLinear")]
    ShardedToAllLinear, sharded_to_all, "inputs",
        |inputs, outputs, group| [outputs, share(inputs, group)], |outputs, _| outputs;
}

impl AllToShardedLinear {
    /// With a weight and bias drawn uniformly from ±`1 / sqrt(inputs)`, other ones in each process.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<AllToShardedLinear> {
        let [for_weight, for_bias] = random::split(&own_key(key, &self.group)?)?;
        let [_, inputs] = self.weight.draw_by_columns(&for_weight)?;
        if let Some(bias) = &mut self.bias {
            *bias.value_mut() = init::by_inputs(bias.shape()?, inputs, &for_bias)?;
        }
        Ok(self)
    }

    /// `x` `[..., inputs]`, the same in all processes, to this one's share of the outputs.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let y = self.weight.project(&sum_gradients(x, &self.group)?)?;
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}

impl ShardedToAllLinear {
    /// With a weight and bias drawn uniformly from ±`1 / sqrt(inputs)`: the weight another one in each process, the
    /// bias the same, if the key is.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<ShardedToAllLinear> {
        let [for_weight, for_bias] = random::split(key)?;
        let ([inputs, _], weight) = (self.sizes, self.weight.dense()?);
        *weight.value_mut() = init::by_inputs(weight.shape()?, inputs, &own_key(&for_weight, &self.group)?)?;
        if let Some(bias) = &mut self.bias {
            *bias.value_mut() = init::by_inputs(bias.shape()?, inputs, &for_bias)?;
        }
        Ok(self)
    }

    /// `x` `[..., inputs / processes]`, this process's share, to `[..., outputs]`, the same in all processes.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let y = self.group.all_sum(&self.weight.project(x)?)?;
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}

/// A key for each process.
#[track_caller]
fn own_key(key: &Array, group: &Group) -> Result<Array> {
    random::split_num(key, group.size())?.at(group.rank())
}
