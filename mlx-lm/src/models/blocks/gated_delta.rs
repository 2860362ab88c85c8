//! Gated DeltaNet: linear attention whose state forgets, and corrects what it holds
//! ([Yang et al., 2024](https://arxiv.org/abs/2412.06464)).

use super::{CausalConv, Mixer};
use crate::{Error, LayerCache};
use mlx::{
    Array, Dtype, Module, Param, Result,
    fast::{self, GatedDelta, Mask},
    nn::{Linear, PackedLinear, RmsNorm, silu, softplus},
    ones, zeros,
};

/// Sizes of [`GatedDeltaNet`].
#[derive(Clone, Copy, Debug)]
pub struct GatedDeltaSizes {
    /// Features of the residual stream.
    pub hidden: i32,
    /// Heads of queries and keys.
    pub key_heads: i32,
    /// Features of a query and a key.
    pub key_dim: i32,
    /// Heads of values, a multiple of those of keys.
    pub value_heads: i32,
    /// Features of a value.
    pub value_dim: i32,
    /// Positions that the convolution sees.
    pub window: i32,
}

/// The arrays of the layer's cache.
const TAIL: usize = 0;
const STATE: usize = 1;

/// Projections, a convolution, the recurrence, a gated norm, and a projection back.
#[derive(Debug, Module)]
pub struct GatedDeltaNet {
    /// Queries, keys and values; a gate; by how much the state is corrected, and by how much it decays.
    #[module(flatten)]
    in_proj: PackedLinear<4>,
    conv1d: CausalConv,
    dt_bias: Param,
    #[module(rename = "A_log")]
    a_log: Param,
    norm: RmsNorm,
    out_proj: Linear,
    #[module(skip)]
    sizes: GatedDeltaSizes,
}

impl GatedDeltaNet {
    /// Added to the square of a query's and a key's length.
    const EPS: f32 = 1e-6;

    /// A layer of these sizes, with a norm of `eps`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for heads of values that are no multiple of those of keys.
    pub fn new(s: GatedDeltaSizes, eps: f32) -> crate::Result<GatedDeltaNet> {
        let sizes = [s.key_heads, s.key_dim, s.value_heads, s.value_dim, s.window];
        if sizes.iter().any(|size| *size < 1) || s.value_heads % s.key_heads != 0 {
            let text =
                format!("config.json: {} value heads do not fit {} key heads", s.value_heads, s.key_heads);
            return Err(Error::Invalid(text));
        }
        let (keys, values) = (s.key_heads * s.key_dim, s.value_heads * s.value_dim);
        Ok(GatedDeltaNet {
            in_proj: PackedLinear::new(
                s.hidden,
                [
                    ("in_proj_qkv", 2 * keys + values),
                    ("in_proj_z", values),
                    ("in_proj_b", s.value_heads),
                    ("in_proj_a", s.value_heads),
                ],
            ),
            conv1d: CausalConv::new(2 * keys + values, s.window, false),
            dt_bias: ones(&[s.value_heads], Dtype::F32).into(),
            a_log: zeros(&[s.value_heads], Dtype::F32).into(),
            norm: RmsNorm::new(s.value_dim, eps),
            out_proj: Linear::new(values, s.hidden),
            sizes: s,
        })
    }

    /// How much of the state each token keeps, from what it asks for; `[batch, length, value heads]`.
    fn decay(&self, asked: &Array) -> Result<Array> {
        let step = softplus(&(asked.astype(Dtype::F32)? + self.dt_bias.value()))?;
        (self.a_log.astype(Dtype::F32)?.exp()? * step).negative()?.exp()
    }

    /// Heads of length one, times `scale`.
    fn normalized(&self, heads: &Array, scale: f32) -> Result<Array> {
        let dim = self.sizes.key_dim as f32;
        fast::rms_norm(heads, None, GatedDeltaNet::EPS / dim)?.multiply(scale * dim.powf(-0.5))
    }
}

impl Mixer for GatedDeltaNet {
    fn forward(&self, x: &Array, _: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let s = self.sizes;
        let cached = cache.state_mut()?;
        let ([batch, length, _], keys) = (x.dims()?, s.key_heads * s.key_dim);
        let [qkv, gate, correction, decay] = self.in_proj.forward(x)?;
        let mixed = silu(&self.conv1d.forward(&qkv, cached, TAIL)?)?;
        let parts = mixed.split_at(&[keys, 2 * keys], -1)?;
        let heads = |i: usize, dim: i32| match parts.get(i) {
            Some(part) => part.reshape([batch, length, -1, dim]),
            None => Ok(mixed.clone()),
        };
        let q = self.normalized(&heads(0, s.key_dim)?, (s.key_dim as f32).powf(-0.5))?;
        let k = self.normalized(&heads(1, s.key_dim)?, 1.0)?;
        let v = heads(2, s.value_dim)?;
        let beta = correction.sigmoid()?;

        let shape = [batch, s.value_heads, s.value_dim, s.key_dim];
        let state = cached.get_or_zeros(STATE, &shape, Dtype::F32);
        let options = GatedDelta { state: Some(&state), mask: None };
        let (y, state) = fast::gated_delta_update(&q, &k, &v, &self.decay(&decay)?, &beta, options)?;
        cached.set(STATE, state);
        cached.advance(length);

        let gate = silu(&gate.reshape([batch, length, -1, s.value_dim])?.astype(Dtype::F32)?)?;
        let y = (self.norm.forward(&y)?.astype(Dtype::F32)? * gate).astype(x.dtype()?)?;
        self.out_proj.forward(&y.reshape([batch, length, -1])?)
    }

    fn new_cache(&self) -> LayerCache {
        LayerCache::state(2)
    }
}
