//! Mamba 2: a recurrence whose state decays and grows by how much each token asks for
//! ([Dao and Gu, 2024](https://arxiv.org/abs/2405.21060)).

use super::{CausalConv, Mixer};
use crate::{Error, LayerCache, State};
use mlx::{
    Array, Dtype, Module, Param, Rest, Result, arange, concatenate,
    fast::{self, Mask},
    nn::{Linear, silu, softplus, swiglu},
    ones, scan, zeros,
};
use serde::{Deserialize, Deserializer};

/// Sizes and bounds of [`Mamba2`].
#[derive(Clone, Copy, Debug)]
pub struct Mamba2Sizes {
    /// Features of the residual stream.
    pub hidden: i32,
    /// Number of heads.
    pub heads: i32,
    /// Features of a head.
    pub dim: i32,
    /// Groups of neighbouring heads that read and write alike.
    pub groups: i32,
    /// Numbers that a head's state has for each of its features.
    pub state: i32,
    /// Positions that the convolution sees.
    pub window: i32,
    /// Bounds of the step that a token asks for.
    pub steps: StepLimit,
}

/// The smallest and the largest step; without bound if it is absent.
#[derive(Clone, Copy, Debug)]
pub struct StepLimit(f32, f32);

impl Default for StepLimit {
    fn default() -> StepLimit {
        StepLimit(0.0, f32::INFINITY)
    }
}

impl<'de> Deserialize<'de> for StepLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<StepLimit, D::Error> {
        /// A number, or the tag of one that JSON lacks.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Bound {
            Number(f32),
            Tagged {
                #[serde(rename = "__float__")]
                name: String,
            },
        }
        let bounds = Option::<[Bound; 2]>::deserialize(deserializer)?;
        let number = |bound: Bound| match bound {
            Bound::Number(number) => Ok(number),
            Bound::Tagged { name } => name.parse().map_err(serde::de::Error::custom),
        };
        match bounds {
            Some([low, high]) => Ok(StepLimit(number(low)?, number(high)?)),
            None => Ok(StepLimit::default()),
        }
    }
}

/// The arrays of the layer's cache.
const TAIL: usize = 0;
const STATE: usize = 1;

/// A projection, a convolution, the recurrence, a gated norm, and a projection back.
#[derive(Debug, Module)]
pub struct Mamba2 {
    in_proj: Linear,
    conv1d: CausalConv,
    dt_bias: Param,
    #[module(rename = "A_log")]
    a_log: Param,
    #[module(rename = "D")]
    d: Param,
    norm: Option<GroupedNorm>,
    out_proj: Linear,
    #[module(skip)]
    sizes: Mamba2Sizes,
}

impl Mamba2 {
    /// A layer of these sizes, with norms of `eps`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for heads that do not fit the groups.
    pub fn new(s: Mamba2Sizes, eps: f32) -> crate::Result<Mamba2> {
        let Mamba2Sizes { hidden, heads, dim, groups, state, window, .. } = s;
        if [heads, dim, groups, state, window].iter().any(|size| *size < 1) || heads % groups != 0 {
            return Err(Error::Invalid(format!(
                "config.json: {heads} heads of {dim} do not fit {groups} groups of {state}, or the convolution \
                 over {window} positions"
            )));
        }
        let (inner, mixed) = (heads * dim, heads * dim + 2 * groups * state);
        Ok(Mamba2 {
            in_proj: Linear::new(hidden, inner + mixed + heads),
            conv1d: CausalConv::new(mixed, window, true),
            dt_bias: ones(&[heads], Dtype::F32).into(),
            a_log: zeros(&[heads], Dtype::F32).into(),
            d: ones(&[heads], Dtype::F32).into(),
            norm: Some(GroupedNorm {
                weight: ones(&[inner], Dtype::F32).into(),
                groups,
                eps,
                gate_first: true,
            }),
            out_proj: Linear::new(inner, hidden),
            sizes: s,
        })
    }

    /// With biases of the projections, and of the convolution.
    pub fn with_bias(self, projections: bool, convolution: bool) -> Mamba2 {
        let (heads, Mamba2Sizes { dim, groups, state, window, .. }) = (self.sizes.heads, self.sizes);
        Mamba2 {
            in_proj: self.in_proj.with_bias(projections),
            conv1d: CausalConv::new(heads * dim + 2 * groups * state, window, convolution),
            out_proj: self.out_proj.with_bias(projections),
            ..self
        }
    }

    /// With a bias of the projection back, or without.
    pub fn with_output_bias(self, bias: bool) -> Mamba2 {
        Mamba2 { out_proj: self.out_proj.with_bias(bias), ..self }
    }

    /// With such a norm of what comes out; [`GatedNorm::BehindGate`] otherwise.
    pub fn with_norm(self, kind: GatedNorm) -> Mamba2 {
        let norm = self.norm.filter(|_| kind != GatedNorm::None);
        let gate_first = kind == GatedNorm::BehindGate;
        Mamba2 { norm: norm.map(|norm| GroupedNorm { gate_first, ..norm }), ..self }
    }
}

/// Where the norm of what a recurrence gives stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GatedNorm {
    /// There is a gate only.
    None,
    /// The gate multiplies what was normalized.
    BeforeGate,
    /// What the gate multiplied is normalized.
    BehindGate,
}

impl Mixer for Mamba2 {
    fn forward(&self, x: &Array, _: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let Mamba2Sizes { heads, dim, groups, state: size, steps, .. } = self.sizes;
        let cached = cache.state_mut()?;
        let ([batch, length, _], inner) = (x.dims()?, heads * dim);
        let projected = self.in_proj.forward(x)?;
        let (gate, mixed) = (projected.at((Rest, ..inner))?, projected.at((Rest, inner..-heads))?);
        let mixed = silu(&self.conv1d.forward(&mixed, cached, TAIL)?)?.astype(Dtype::F32)?;
        let as_groups =
            |from: i32| mixed.at((Rest, from..from + groups * size))?.reshape([batch, length, groups, size]);

        let steps_asked = projected.at((Rest, -heads..))?.astype(Dtype::F32)? + self.dt_bias.value();
        let dt = softplus(&steps_asked)?.maximum(steps.0)?.minimum(steps.1)?;
        let recurrence = Recurrence {
            x: mixed.at((Rest, ..inner))?.reshape([batch, length, groups, -1, dim])?,
            b: as_groups(inner)?,
            c: as_groups(inner + groups * size)?,
            decay: dt
                .multiply(self.a_log.astype(Dtype::F32)?.exp()?.negative()?)?
                .reshape([batch, length, groups, -1])?,
            dt: dt.reshape([batch, length, groups, -1, 1])?,
        };
        let y = recurrence.run(cached)?;
        let skip = self.d.astype(Dtype::F32)?.reshape([groups, -1, 1])?;
        let y = (y + recurrence.x * skip).reshape([batch, length, inner])?.astype(x.dtype()?)?;
        cached.advance(length);
        let y = match &self.norm {
            Some(norm) => norm.forward(&y, &gate)?,
            None => swiglu(&gate, &y)?,
        };
        self.out_proj.forward(&y)
    }

    fn new_cache(&self) -> LayerCache {
        LayerCache::state(2)
    }
}

/// What the tokens of a pass do with the states of all heads: these decay, take in `x` under `b`, and give what they hold
/// under `c`.
struct Recurrence {
    /// `[batch, length, groups, heads, dim]`, heads being those of a group.
    x: Array,
    /// `[batch, length, groups, size]`.
    b: Array,
    /// `[batch, length, groups, size]`.
    c: Array,
    /// Logarithm of the decay, `[batch, length, groups, heads]`.
    decay: Array,
    /// Steps, `[batch, length, groups, heads, 1]`.
    dt: Array,
}

impl Recurrence {
    /// Tokens at once: within a chunk, the recurrence is a product of matrices of all tokens with all tokens.
    const CHUNK: i32 = 256;

    /// What all tokens get out, `[batch, length, groups, heads, dim]`.
    fn run(&self, cached: &mut State) -> Result<Array> {
        let [batch, length, groups, heads, dim] = self.x.dims()?;
        let size = self.b.dim(-1)?;
        let mut state = cached.get_or_zeros(STATE, &[batch, groups, heads, dim, size], Dtype::F32);
        let mut parts = vec![];
        for start in (0..length).step_by(Recurrence::CHUNK as usize) {
            let chunk = self.chunk(start, (start + Recurrence::CHUNK).min(length))?;
            let (y, next) = if length == 1 { chunk.step(&state)? } else { chunk.all_at_once(&state)? };
            parts.push(y);
            state = next;
        }
        cached.set(STATE, state);
        concatenate(&parts, 1)
    }

    fn chunk(&self, start: i32, end: i32) -> Result<Recurrence> {
        let part = |array: &Array| array.at((.., start..end));
        Ok(Recurrence {
            x: part(&self.x)?,
            b: part(&self.b)?,
            c: part(&self.c)?,
            decay: part(&self.decay)?,
            dt: part(&self.dt)?,
        })
    }

    /// The output of a single token, and the state behind it.
    fn step(&self, state: &Array) -> Result<(Array, Array)> {
        let written =
            (&self.x * &self.dt).squeeze(1)?.expand_dims(-1)? * self.b.squeeze(1)?.expand_dims([2, 3])?;
        let decay = self.decay.squeeze(1)?.exp()?.expand_dims([3, 4])?;
        let state = state * decay + written;
        let y = state.matmul(&self.c.squeeze(1)?.expand_dims([2, 4])?)?;
        Ok((y.squeeze(-1)?.expand_dims(1)?, state))
    }

    /// The outputs of all tokens, and the state behind them.
    fn all_at_once(&self, state: &Array) -> Result<(Array, Array)> {
        // Heads before tokens: [batch, groups, heads, length, ...].
        let written = (&self.x * &self.dt).transpose([0, 2, 3, 1, 4])?;
        let decay = self.decay.transpose([0, 2, 3, 1])?;
        let b = self.b.transpose([0, 2, 1, 3])?.expand_dims(2)?;
        let c = self.c.transpose([0, 2, 1, 3])?.expand_dims(2)?;

        let between = decay_between(&decay)?;
        let seen = c.matmul(&b.swapaxes(-1, -2)?)?.multiply(&between)?;
        let since_start = decay.cumsum(-1)?.exp()?.expand_dims(-1)?;
        let y = seen.matmul(&written)? + c.matmul(&state.swapaxes(-1, -2)?)? * &since_start;

        let to_end = between.at((Rest, -1, ..))?.expand_dims(-1)?;
        let grown = (written * to_end).swapaxes(-1, -2)?.matmul(&b)?;
        let state = grown + state * since_start.at((Rest, -1.., ..))?;
        Ok((y.transpose([0, 3, 1, 2, 4])?, state))
    }
}

/// How much is left at token `i` of what token `j` wrote: `[..., i, j]`, from logarithms of decays `[..., length]`; zero
/// for tokens to come.
fn decay_between(decay: &Array) -> Result<Array> {
    // Sums of the decays between, rather than differences of sums from the start, which would cancel.
    let tokens = decay.dim(-1)?;
    let order = arange(0.0, tokens.into(), 1.0, Dtype::I32)?;
    let (i, j) = (order.expand_dims(1)?, order.expand_dims(0)?);
    let behind = i.greater(&j)?.where_(decay.expand_dims(-1)?, &zeros(&[1], Dtype::F32))?;
    let sums = behind.cumsum(scan(-2))?;
    i.greater_equal(&j)?.where_(sums.exp()?, &zeros(&[1], Dtype::F32))
}

/// Root-mean-square normalization of each group of features by itself, with a gate before it or behind it.
#[derive(Debug, Module)]
struct GroupedNorm {
    weight: Param,
    groups: i32,
    eps: f32,
    gate_first: bool,
}

impl GroupedNorm {
    fn forward(&self, x: &Array, gate: &Array) -> Result<Array> {
        match self.gate_first {
            true => self.norm(&swiglu(gate, x)?),
            false => swiglu(gate, &self.norm(x)?),
        }
    }

    fn norm(&self, x: &Array) -> Result<Array> {
        let grouped = x.unflatten(-1, [self.groups, -1])?;
        fast::rms_norm(&grouped, None, self.eps)?.flatten(-2, -1)?.multiply(self.weight.value())
    }
}
