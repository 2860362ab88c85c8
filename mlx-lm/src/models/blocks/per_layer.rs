//! Inputs that each layer gets besides the stream, as Gemma 3n and Gemma 4 have them
//! ([Gemma 3n](https://ai.google.dev/gemma/docs/gemma-3n)).

use mlx::{
    Array, Module, Rest, Result,
    nn::{Embedding, Linear, RmsNorm, gelu_approx},
};

/// An embedding of each token for each layer, joined with what the layers make of its usual embedding.
#[derive(Debug, Module)]
pub struct PerLayerInputs {
    embed_tokens_per_layer: Embedding,
    per_layer_model_projection: Linear,
    per_layer_projection_norm: RmsNorm,
    #[module(skip)]
    sizes: PerLayerSizes,
}

/// Sizes of [`PerLayerInputs`].
#[derive(Clone, Copy, Debug)]
pub struct PerLayerSizes {
    /// Number of tokens.
    pub vocabulary: i32,
    /// Number of tokens that have embeddings of their own; the others have that of the first.
    pub embedded: i32,
    /// Number of layers.
    pub layers: i32,
    /// Features of the residual stream.
    pub hidden: i32,
    /// Features of a layer's input.
    pub dims: i32,
}

impl PerLayerInputs {
    /// Inputs of these sizes.
    pub fn new(sizes: PerLayerSizes, eps: f32) -> PerLayerInputs {
        let PerLayerSizes { embedded, layers, hidden, dims, .. } = sizes;
        PerLayerInputs {
            embed_tokens_per_layer: Embedding::new(embedded, layers * dims),
            per_layer_model_projection: Linear::new(hidden, layers * dims),
            per_layer_projection_norm: RmsNorm::new(dims, eps),
            sizes,
        }
    }

    /// The inputs `[batch, length, layers, dims]` of `tokens` `[batch, length]`, which are embedded as `h`.
    pub fn forward(&self, tokens: &Array, h: &Array) -> Result<Array> {
        let PerLayerSizes { vocabulary, embedded, layers, hidden, dims } = self.sizes;
        let known = match vocabulary > embedded {
            true => tokens.less(embedded)?.where_(tokens, &tokens.zeros_like()?)?,
            false => tokens.clone(),
        };
        let own = self.embed_tokens_per_layer.forward(&known)? * (dims as f32).sqrt();
        let projected = self.per_layer_model_projection.forward(h)? * (hidden as f32).powf(-0.5);
        let projected = self.per_layer_projection_norm.forward(&projected.unflatten(-1, [layers, dims])?)?;
        (own.unflatten(-1, [layers, dims])? + projected).multiply(0.5f32.sqrt())
    }

    /// Of all `inputs`, that of `layer`.
    pub fn of_layer(inputs: &Array, layer: usize) -> Result<Array> {
        inputs.at((Rest, layer as i32, ..))
    }
}

/// What a layer adds to the stream because of its own input.
#[derive(Debug, Module)]
pub struct PerLayerGate {
    per_layer_input_gate: Linear,
    per_layer_projection: Linear,
    post_per_layer_input_norm: RmsNorm,
}

impl PerLayerGate {
    /// For a stream of `hidden` features and inputs of `dims`.
    pub fn new(hidden: i32, dims: i32, eps: f32) -> PerLayerGate {
        PerLayerGate {
            per_layer_input_gate: Linear::new(hidden, dims),
            per_layer_projection: Linear::new(dims, hidden),
            post_per_layer_input_norm: RmsNorm::new(hidden, eps),
        }
    }

    /// What to add for the stream `x` `[..., hidden]` and the layer's `input` `[..., dims]`.
    pub fn forward(&self, x: &Array, input: &Array) -> Result<Array> {
        let gate = gelu_approx(&self.per_layer_input_gate.forward(x)?)?.multiply(input)?;
        self.post_per_layer_input_norm.forward(&self.per_layer_projection.forward(&gate)?)
    }
}
