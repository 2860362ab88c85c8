//! Gemma 3n: four streams, of which a layer computes one and predicts the others, beside attention a shortcut of low rank,
//! an input of its own for each layer, and last layers that look at the keys and values of earlier ones
//! ([Gemma 3n](https://ai.google.dev/gemma/docs/gemma-3n)).

use super::{
    LanguageModel,
    blocks::{
        DecoderConfig, FeedForward, Logits, PerLayerGate, PerLayerInputs, PerLayerSizes, SharedKvAttention,
        SharedKvSizes, drop_borrowers_keys, lenders, shared_caches,
    },
};
use crate::{Cache, Error, LayerCache, Offset, Result};
use mlx::{
    Array, Dtype, Loader, Module, Param, axes, concatenate,
    nn::{Embedding, Linear, PackedLinear, RmsNorm, gelu_approx},
    ones, stack,
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    /// Features inside each feed-forward layer, where they differ.
    intermediate_sizes: Option<Vec<i32>>,
    num_kv_shared_layers: usize,
    hidden_size_per_layer_input: i32,
    vocab_size_per_layer_input: i32,
    final_logit_softcapping: Option<f32>,
    /// For each layer, which part of what comes out of its gate is zero.
    activation_sparsity_pattern: Option<Vec<f32>>,
    altup_num_inputs: i32,
    altup_active_idx: i32,
    altup_correct_scale: bool,
    laurel_rank: i32,
}

impl Config {
    fn norm(&self) -> RmsNorm {
        self.base.rms_norm(self.rms_norm_eps)
    }

    /// Which part of what comes out of the gate of `layer` is zero. Deep models have it in their first layers.
    fn sparsity(&self, layer: usize) -> f32 {
        match &self.activation_sparsity_pattern {
            Some(pattern) => pattern.get(layer).copied().unwrap_or_default(),
            None if self.base.num_hidden_layers > 10 && layer < 10 => 0.95,
            None => 0.0,
        }
    }

    fn attention(&self, layer: usize, lender: usize) -> Result<SharedKvAttention> {
        let base = &self.base;
        let sizes = SharedKvSizes {
            hidden: base.hidden_size,
            heads: base.num_attention_heads,
            kv_heads: base.kv_heads(),
            dim: base.head_dim(),
        };
        Ok(SharedKvAttention::new(sizes, [layer, lender], base.rope(layer)?, self.rms_norm_eps))
    }

    fn mlp(&self, layer: usize) -> SparseMlp {
        let sizes = self.intermediate_sizes.as_ref().and_then(|sizes| sizes.get(layer));
        let (hidden, inner) = (self.base.hidden_size, sizes.copied().unwrap_or(self.base.intermediate_size));
        SparseMlp {
            gate_up: PackedLinear::new(hidden, [("gate_proj", inner), ("up_proj", inner)]),
            down_proj: Linear::new(inner, hidden),
            sparsity: self.sparsity(layer),
        }
    }
}

/// Feed-forward with a gate of which only the largest outputs count.
#[derive(Debug, Module)]
struct SparseMlp {
    #[module(flatten)]
    gate_up: PackedLinear<2>,
    down_proj: Linear,
    sparsity: f32,
}

impl FeedForward for SparseMlp {
    fn forward(&self, x: &Array) -> mlx::Result<Array> {
        let [mut gate, up] = self.gate_up.forward(x)?;
        if self.sparsity > 0.0 {
            // The outputs are taken for normally distributed.
            let deviations = Array::scalar(2.0 * self.sparsity - 1.0).erfinv()? * 2f32.sqrt();
            let spread = gate.std(axes(-1).keep(), 0)?;
            let cutoff = gate.mean(axes(-1).keep())? + &spread * deviations.astype(spread.dtype()?)?;
            gate = (gate - cutoff).maximum(0.0)?;
        }
        self.down_proj.forward(&gelu_approx(&gate)?.multiply(up)?)
    }
}

/// Alternating updates of several streams ([Baykal et al., 2023](https://arxiv.org/abs/2301.13310)).
#[derive(Debug, Module)]
struct AltUp {
    correct_output_scale: Param,
    correction_coefs: Linear,
    prediction_coefs: Linear,
    modality_router: Linear,
    router_norm: RmsNorm,
    streams: i32,
    /// The stream that the layer computes.
    active: i32,
    scales: bool,
}

impl AltUp {
    fn new(c: &Config) -> AltUp {
        let (hidden, streams) = (c.base.hidden_size, c.altup_num_inputs);
        AltUp {
            correct_output_scale: ones(&[hidden], Dtype::F32).into(),
            correction_coefs: Linear::new(streams, streams),
            prediction_coefs: Linear::new(streams, streams * streams),
            modality_router: Linear::new(hidden, streams),
            router_norm: c.norm(),
            streams,
            active: c.altup_active_idx,
            scales: c.altup_correct_scale,
        }
    }

    /// `[batch, length, streams]` numbers that the coefficients are made of.
    fn modalities(&self, x: &Array) -> mlx::Result<Array> {
        let scaled = self.router_norm.forward(x)? * (x.dim(-1)? as f32).recip();
        self.modality_router.forward(&scaled)?.astype(Dtype::F32)?.tanh()?.astype(x.dtype()?)
    }

    /// What the streams `x` `[streams, batch, length, dims]` will be behind the layer.
    fn predict(&self, x: &Array) -> mlx::Result<Array> {
        let coefficients = self.prediction_coefs.forward(&self.modalities(&x.at(self.active)?)?)?;
        let mixing = coefficients.unflatten(-1, [self.streams, self.streams])?.swapaxes(-1, -2)?;
        x.moveaxis(0, -1)?.matmul(&mixing)?.moveaxis(-1, 0)?.add(x)
    }

    /// The `predicted` streams, moved towards what the layer `computed` for the active one.
    fn correct(&self, predicted: &Array, computed: &Array) -> mlx::Result<Array> {
        let coefficients = self.correction_coefs.forward(&self.modalities(computed)?)? + 1.0;
        let innovation = computed.subtract(predicted.at(self.active)?)?;
        let by_stream = coefficients.moveaxis(-1, 0)?.expand_dims(-1)?;
        predicted.add(innovation.expand_dims(0)? * by_stream)
    }
}

/// A learned residual of low rank.
#[derive(Debug, Module)]
struct Laurel {
    linear_left: Linear,
    linear_right: Linear,
    post_laurel_norm: RmsNorm,
}

impl Laurel {
    fn forward(&self, x: &Array) -> mlx::Result<Array> {
        let y = self.linear_right.forward(&self.linear_left.forward(x)?)?;
        x.add(self.post_laurel_norm.forward(&y)?)
    }
}

#[derive(Debug, Module)]
struct Layer {
    self_attn: SharedKvAttention,
    mlp: SparseMlp,
    altup: AltUp,
    laurel: Laurel,
    #[module(flatten)]
    input: PerLayerGate,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
}

impl Layer {
    fn new(c: &Config, layer: usize, lender: usize) -> Result<Layer> {
        let hidden = c.base.hidden_size;
        Ok(Layer {
            self_attn: c.attention(layer, lender)?,
            mlp: c.mlp(layer),
            altup: AltUp::new(c),
            laurel: Laurel {
                linear_left: Linear::new(hidden, c.laurel_rank),
                linear_right: Linear::new(c.laurel_rank, hidden),
                post_laurel_norm: c.norm(),
            },
            input: PerLayerGate::new(hidden, c.hidden_size_per_layer_input, c.rms_norm_eps),
            input_layernorm: c.norm(),
            post_attention_layernorm: c.norm(),
            pre_feedforward_layernorm: c.norm(),
            post_feedforward_layernorm: c.norm(),
        })
    }

    /// What the active stream `x` becomes.
    fn compute(&self, x: &Array, position: &Offset, caches: &mut [&mut LayerCache]) -> mlx::Result<Array> {
        let normed = self.input_layernorm.forward(x)?;
        let attention = self.self_attn.forward(&normed, position, caches)?;
        let attention = x.add(self.post_attention_layernorm.forward(&attention)?)?;
        let h = (attention + self.laurel.forward(&normed)?) * 0.5f32.sqrt();
        let y = self.mlp.forward(&self.pre_feedforward_layernorm.forward(&h)?)?;
        h.add(self.post_feedforward_layernorm.forward(&y)?)
    }

    /// The streams behind the layer, from those `predicted` and what it `computed`; all but the first get its `input`.
    fn update(&self, predicted: &Array, computed: &Array, input: &Array) -> mlx::Result<Array> {
        let streams = self.altup.correct(predicted, computed)?;
        let mut active = streams.at(self.altup.active)?;
        if self.altup.scales {
            active = active.multiply(self.altup.correct_output_scale.value())?;
        }
        let more = self.input.forward(&active, input)?;
        concatenate(&[streams.at(..1)?, streams.at(1..)?.add(more)?], 0)
    }
}

/// A Gemma 3n of any size.
#[derive(Debug, Module)]
pub struct Gemma3n {
    model: Decoder,
    #[module(skip)]
    windows: Vec<Option<i32>>,
    #[module(skip)]
    embedding_scale: f32,
    #[module(skip)]
    logits: Logits,
}

#[derive(Debug, Module)]
struct Decoder {
    embed_tokens: Embedding,
    #[module(flatten)]
    inputs: PerLayerInputs,
    altup_projections: Vec<Linear>,
    layers: Vec<Layer>,
    altup_unembed_projections: Vec<Linear>,
    norm: RmsNorm,
}

impl Decoder {
    /// `[streams, batch, length, dims]`: `h` and what the projections make of it, all as large.
    fn split(&self, h: &Array) -> mlx::Result<Array> {
        let size = magnitude(h)?;
        let others = self.altup_projections.iter().map(|projection| resized(&projection.forward(h)?, &size));
        stack(&[Ok(h.clone())].into_iter().chain(others).collect::<mlx::Result<Vec<_>>>()?, 0)
    }

    /// The mean of the first stream and what the projections make of the others, all as large.
    fn join(&self, streams: &Array) -> mlx::Result<Array> {
        let first = streams.at(0)?;
        let size = magnitude(&first)?;
        let mut sum = first;
        for (i, projection) in (1..).zip(&self.altup_unembed_projections) {
            sum += resized(&projection.forward(&streams.at(i)?)?, &size)?;
        }
        sum.divide((self.altup_unembed_projections.len() + 1) as f32)
    }
}

/// The root of the mean square of the last axis, which stays.
fn magnitude(x: &Array) -> mlx::Result<Array> {
    x.square()?.mean(axes(-1).keep())?.sqrt()
}

fn resized(x: &Array, size: &Array) -> mlx::Result<Array> {
    let own = x.square()?.mean(axes(-1).keep())?.maximum(1e-5)?.sqrt()?;
    x.multiply(size / own)
}

impl LanguageModel for Gemma3n {
    fn features(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        let model = &self.model;
        let h = model.embed_tokens.forward(tokens)? * self.embedding_scale;
        let inputs = model.inputs.forward(tokens, &h)?;
        let position = cache.offset();
        let mut caches: Vec<_> = cache.layers_mut().collect();
        let mut streams = model.split(&h)?;
        for (i, layer) in model.layers.iter().enumerate() {
            let predicted = layer.altup.predict(&streams)?;
            let active = predicted.at(layer.altup.active)?;
            let computed = layer.compute(&active, &position, &mut caches)?;
            streams = layer.update(&predicted, &computed, &PerLayerInputs::of_layer(&inputs, i)?)?;
        }
        model.norm.forward(&model.join(&streams)?)
    }

    fn head(&self, features: &Array) -> mlx::Result<Array> {
        let logits = self.model.embed_tokens.as_linear(features)?;
        self.logits.of(logits)
    }

    fn new_cache(&self) -> Cache {
        shared_caches(self.model.layers.iter().map(|layer| &layer.self_attn), &self.windows)
    }
}

/// Drops what layers that look at the keys of others carry without use.
///
/// # Errors
/// None.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_borrowers_keys(weights, c.base.num_hidden_layers, c.num_kv_shared_layers);
    Ok(())
}

/// The model that `c` describes.
///
/// # Errors
/// Sizes that do not fit each other; kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Gemma3n> {
    let base = &c.base;
    let (layers, hidden, streams) = (base.num_hidden_layers, base.hidden_size, c.altup_num_inputs);
    if !(1..=16).contains(&streams) || !(0..streams).contains(&c.altup_active_idx) {
        let text = format!("config.json: {streams} streams of which {} is active", c.altup_active_idx);
        return Err(Error::Invalid(text));
    }
    if !base.tie_word_embeddings {
        return Err(Error::Invalid("config.json: Gemma 3n has no head besides its embedding".into()));
    }
    let lenders = lenders(base, c.num_kv_shared_layers)?;
    let sizes = PerLayerSizes {
        vocabulary: base.vocab_size,
        embedded: c.vocab_size_per_layer_input,
        layers: layers as i32,
        hidden,
        dims: c.hidden_size_per_layer_input,
    };
    let projections = || (1..streams).map(|_| Linear::new(hidden, hidden)).collect();
    Ok(Gemma3n {
        model: Decoder {
            embed_tokens: Embedding::new(base.vocab_size, hidden),
            inputs: PerLayerInputs::new(sizes, c.rms_norm_eps),
            altup_projections: projections(),
            layers: lenders
                .iter()
                .enumerate()
                .map(|(i, lender)| Layer::new(c, i, *lender))
                .collect::<Result<_>>()?,
            altup_unembed_projections: projections(),
            norm: c.norm(),
        },
        windows: base.windows()?,
        embedding_scale: (hidden as f32).sqrt(),
        logits: Logits::capped(c.final_logit_softcapping),
    })
}
