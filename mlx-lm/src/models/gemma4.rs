//! Gemma 4: five of six layers attend to a window, with smaller heads than the others; the last layers may look at the
//! keys and values of earlier ones, each layer may have an input of its own, and experts may stand beside the
//! feed-forward layer ([Gemma](https://ai.google.dev/gemma/docs)).

use super::{
    LanguageModel,
    blocks::{
        DecoderConfig, FeedForward, Gate, GatedMlp, Logits, PerLayerGate, PerLayerInputs, PerLayerSizes,
        Rope, SharedKvAttention, SharedKvSizes, SwitchGlu, drop_borrowers_keys, lenders, rename,
        shared_caches, stack_experts,
    },
};
use crate::{Cache, Error, LayerCache, Offset, Result};
use mlx::{
    Array, Dtype, Loader, Module, Param, Rest, fast,
    nn::{Activation, Embedding, Linear, RmsNorm},
    ones,
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    global_head_dim: Option<i32>,
    num_global_key_value_heads: Option<i32>,
    attention_k_eq_v: bool,
    num_kv_shared_layers: usize,
    use_double_wide_mlp: bool,
    hidden_size_per_layer_input: i32,
    vocab_size_per_layer_input: i32,
    final_logit_softcapping: Option<f32>,
    enable_moe_block: bool,
    num_experts: Option<i32>,
    top_k_experts: Option<i32>,
    moe_intermediate_size: Option<i32>,
}

impl Config {
    fn attention(&self, layer: usize, lender: usize) -> Result<SharedKvAttention> {
        let base = &self.base;
        let (mut dim, mut kv_heads, slides) = (base.head_dim(), base.kv_heads(), base.slides(layer));
        let keys_are_values = self.attention_k_eq_v && !slides;
        if !slides {
            dim = self.global_head_dim.unwrap_or(dim);
        }
        if keys_are_values {
            kv_heads = self.num_global_key_value_heads.unwrap_or(kv_heads);
        }
        let heads = base.num_attention_heads;
        if kv_heads < 1 || heads % kv_heads != 0 {
            return Err(Error::Invalid(format!(
                "config.json: {heads} heads do not fit {kv_heads} key-value heads"
            )));
        }
        let rope = Rope::new(dim, base.rope_parameters(layer)?)?;
        let sizes = SharedKvSizes { hidden: base.hidden_size, heads, kv_heads, dim };
        let attention = SharedKvAttention::new(sizes, [layer, lender], rope, self.rms_norm_eps);
        Ok(if keys_are_values { attention.with_keys_as_values() } else { attention })
    }

    fn experts(&self) -> Result<Option<Experts>> {
        if !self.enable_moe_block {
            return Ok(None);
        }
        let (Some(count), Some(choices), Some(inner)) =
            (self.num_experts, self.top_k_experts, self.moe_intermediate_size)
        else {
            let text = "config.json: experts need `num_experts`, `top_k_experts` and `moe_intermediate_size`";
            return Err(Error::Invalid(text.into()));
        };
        let hidden = self.base.hidden_size;
        let norm = || self.base.rms_norm(self.rms_norm_eps);
        Ok(Some(Experts {
            router: Router {
                proj: Linear::new(hidden, count),
                scale: ones(&[hidden], Dtype::F32).into(),
                per_expert_scale: ones(&[count], Dtype::F32).into(),
                choices,
                eps: self.rms_norm_eps,
            },
            experts: SwitchGlu::new(hidden, inner, count, Gate::Plain(Activation::GeluApprox)),
            pre_feedforward_layernorm_2: norm(),
            post_feedforward_layernorm_1: norm(),
            post_feedforward_layernorm_2: norm(),
        }))
    }
}

/// What chooses experts: their scores are those of the normalized stream.
#[derive(Debug, Module)]
struct Router {
    proj: Linear,
    scale: Param,
    per_expert_scale: Param,
    choices: i32,
    eps: f32,
}

impl Router {
    /// The chosen experts `[batch, length, choices]` and their weights.
    fn route(&self, x: &Array) -> mlx::Result<(Array, Array)> {
        let scale = self.scale.value() * (x.dim(-1)? as f32).powf(-0.5);
        let logits = self.proj.forward(&fast::rms_norm(x, Some(&scale), self.eps)?)?;
        let chosen = logits.negative()?.argpartition(self.choices - 1, -1)?.at((Rest, ..self.choices))?;
        let weights = logits.take_along_axis(&chosen, -1)?.softmax(-1)?;
        let weights = weights.multiply(self.per_expert_scale.take(&chosen, 0)?)?;
        Ok((chosen, weights))
    }
}

/// Experts beside the feed-forward layer, each with norms of its own.
#[derive(Debug, Module)]
struct Experts {
    router: Router,
    experts: SwitchGlu,
    pre_feedforward_layernorm_2: RmsNorm,
    post_feedforward_layernorm_1: RmsNorm,
    post_feedforward_layernorm_2: RmsNorm,
}

impl Experts {
    /// The sum of both, for the stream `h` and what the feed-forward layer made of it.
    fn join(&self, h: &Array, dense: &Array) -> mlx::Result<Array> {
        let (chosen, weights) = self.router.route(h)?;
        let y = self.experts.forward(&self.pre_feedforward_layernorm_2.forward(h)?, &chosen)?;
        let y = (&y * weights.expand_dims(-1)?).sum(-2)?.astype(h.dtype()?)?;
        let dense = self.post_feedforward_layernorm_1.forward(dense)?;
        dense.add(self.post_feedforward_layernorm_2.forward(&y)?)
    }
}

#[derive(Debug, Module)]
struct Layer {
    self_attn: SharedKvAttention,
    mlp: GatedMlp,
    #[module(flatten)]
    experts: Option<Experts>,
    #[module(flatten)]
    input: Option<PerLayerGate>,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
    /// Multiplies the layer's output; `[1]`.
    layer_scalar: Param,
}

impl Layer {
    fn new(c: &Config, layer: usize, lender: usize) -> Result<Layer> {
        let base = &c.base;
        let norm = || base.rms_norm(c.rms_norm_eps);
        let wide = c.use_double_wide_mlp && lender != layer;
        let inner = if wide { 2 * base.intermediate_size } else { base.intermediate_size };
        let dims = c.hidden_size_per_layer_input;
        Ok(Layer {
            self_attn: c.attention(layer, lender)?,
            mlp: GatedMlp::new(base.hidden_size, inner, Activation::GeluApprox),
            experts: c.experts()?,
            input: (dims > 0).then(|| PerLayerGate::new(base.hidden_size, dims, c.rms_norm_eps)),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
            pre_feedforward_layernorm: norm(),
            post_feedforward_layernorm: norm(),
            layer_scalar: ones(&[1], Dtype::F32).into(),
        })
    }

    /// The stream `x` behind attention.
    fn attend(&self, x: &Array, position: &Offset, caches: &mut [&mut LayerCache]) -> mlx::Result<Array> {
        let attention = self.self_attn.forward(&self.input_layernorm.forward(x)?, position, caches)?;
        x.add(self.post_attention_layernorm.forward(&attention)?)
    }

    /// The stream `h` behind the feed-forward layer and the layer's own `input`.
    fn feed_forward(&self, h: &Array, input: Option<&Array>) -> mlx::Result<Array> {
        let mut y = self.mlp.forward(&self.pre_feedforward_layernorm.forward(h)?)?;
        if let Some(experts) = &self.experts {
            y = experts.join(h, &y)?;
        }
        let mut h = h.add(self.post_feedforward_layernorm.forward(&y)?)?;
        if let (Some(gate), Some(input)) = (&self.input, input) {
            h = h.add(gate.forward(&h, input)?)?;
        }
        h.multiply(self.layer_scalar.value())
    }
}

/// A Gemma 4 of any size.
#[derive(Debug, Module)]
pub struct Gemma4 {
    model: Decoder,
    lm_head: Option<Linear>,
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
    inputs: Option<PerLayerInputs>,
    layers: Vec<Layer>,
    norm: RmsNorm,
}

impl LanguageModel for Gemma4 {
    fn features(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        let model = &self.model;
        let mut h = model.embed_tokens.forward(tokens)? * self.embedding_scale;
        let inputs = model.inputs.as_ref().map(|inputs| inputs.forward(tokens, &h)).transpose()?;
        let position = cache.offset();
        let mut caches: Vec<_> = cache.layers_mut().collect();
        for (i, layer) in model.layers.iter().enumerate() {
            h = layer.attend(&h, &position, &mut caches)?;
            let input = inputs.as_ref().map(|inputs| PerLayerInputs::of_layer(inputs, i)).transpose()?;
            h = layer.feed_forward(&h, input.as_ref())?;
        }
        model.norm.forward(&h)
    }

    fn head(&self, features: &Array) -> mlx::Result<Array> {
        let logits = match &self.lm_head {
            Some(head) => head.forward(features)?,
            None => self.model.embed_tokens.as_linear(features)?,
        };
        self.logits.of(logits)
    }

    fn new_cache(&self) -> Cache {
        shared_caches(self.model.layers.iter().map(|layer| &layer.self_attn), &self.windows)
    }
}

/// Stacks the experts, and drops what layers that look at the keys of others carry without use.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_borrowers_keys(weights, c.base.num_hidden_layers, c.num_kv_shared_layers);
    stack_experts(weights)?;
    rename(weights, &[("experts.switch_glu", "experts")])
}

/// The model that `c` describes.
///
/// # Errors
/// Sizes that do not fit each other; kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Gemma4> {
    let base = &c.base;
    let (layers, hidden, dims) = (base.num_hidden_layers, base.hidden_size, c.hidden_size_per_layer_input);
    let lenders = lenders(base, c.num_kv_shared_layers)?;
    let sizes = PerLayerSizes {
        vocabulary: base.vocab_size,
        embedded: c.vocab_size_per_layer_input,
        layers: layers as i32,
        hidden,
        dims,
    };
    Ok(Gemma4 {
        model: Decoder {
            embed_tokens: Embedding::new(base.vocab_size, hidden),
            inputs: (dims > 0).then(|| PerLayerInputs::new(sizes, c.rms_norm_eps)),
            layers: lenders
                .iter()
                .enumerate()
                .map(|(i, lender)| Layer::new(c, i, *lender))
                .collect::<Result<_>>()?,
            norm: base.rms_norm(c.rms_norm_eps),
        },
        lm_head: (!base.tie_word_embeddings).then(|| Linear::new(hidden, base.vocab_size)),
        windows: base.windows()?,
        embedding_scale: (hidden as f32).sqrt(),
        logits: Logits::capped(c.final_logit_softcapping),
    })
}
