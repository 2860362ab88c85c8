//! What a model is and needs, from its files' headers alone.

use crate::{
    ModelConfig, Pooling, Result, Tokenizer,
    gguf::Gguf,
    models,
    source::Location,
    weights::{self, WeightFiles},
};
use serde_json::Value;

/// What a model is.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The `model_type` of its language model.
    pub architecture: String,
    /// Whether this crate has the architecture.
    pub supported: bool,
    /// How many numbers it has.
    pub parameters: u64,
    /// Bytes of its weights.
    pub weight_bytes: u64,
    /// How most of its weights are stored: `4-bit affine, groups of 64`, `BF16`.
    pub quantization: String,
    /// The most tokens that it was made for, if it says.
    pub context_length: Option<usize>,
    /// What tokens cost in the cache.
    pub cache: CacheSize,
    /// Whether it has a chat template.
    pub chat: bool,
    /// Whether its answers may hold reasoning that is told apart.
    pub thinking: bool,
    /// Whether it calls tools in a format that is understood.
    pub tools: bool,
    /// Whether it makes vectors of texts, by [`Lm::embed`](crate::Lm::embed).
    pub embedding: bool,
}

impl Summary {
    /// Reads headers, configuration and tokenizer, but no weights.
    ///
    /// # Errors
    /// Files that are missing or corrupt.
    pub fn read(location: &Location) -> Result<Summary> {
        let (config, tensors, tokenizer) = match location {
            Location::Folder(folder) => {
                let config = ModelConfig::load(folder)?;
                (config, stored_in_folder(&weights::open(folder)?), Tokenizer::from_folder(folder)?)
            }
            Location::Gguf(file) => {
                let gguf = Gguf::open(file)?;
                let config = ModelConfig::parse(file, &gguf.config()?.to_string())?;
                (config, stored_in_gguf(&gguf), Tokenizer::from_gguf(gguf.tokenizer()?)?)
            }
        };
        let format = tokenizer.answer_format();
        Ok(Summary {
            supported: models::is_known(&config.model_type),
            parameters: parameters(&tensors, &config),
            weight_bytes: tensors.iter().map(|tensor| tensor.bytes).sum(),
            quantization: quantization(&tensors, &config),
            context_length: config.integer("max_position_embeddings", 1..=1 << 30)?,
            cache: CacheSize::of(&config),
            chat: tokenizer.chat_template().is_some(),
            thinking: format.has_thinking(),
            tools: format.tool_format().is_some(),
            embedding: Pooling::of(&config).is_ok(),
            architecture: config.model_type,
        })
    }

    /// Bytes that running the model takes with so many tokens in its cache; an estimate.
    pub fn memory(&self, context: u64) -> u64 {
        memory(self.weight_bytes, self.cache.bytes(context))
    }

    /// Bits of storage for each number.
    pub fn bits_per_weight(&self) -> f64 {
        self.weight_bytes as f64 * 8.0 / self.parameters.max(1) as f64
    }
}

/// Bytes that a model takes: its weights, the cache, and what a chunk of the prompt takes on its way through.
pub(crate) fn memory(weights: u64, cache: u64) -> u64 {
    const SCRATCH: u64 = 256 << 20;
    weights + cache + SCRATCH + weights / 20
}

/// What tokens cost in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheSize {
    /// By layer: bytes for each token, and how many tokens it keeps at most.
    layers: Vec<(u64, Option<u64>)>,
}

impl CacheSize {
    /// `bytes` for each token, all layers together.
    pub(crate) fn uniform(bytes: u64) -> CacheSize {
        CacheSize { layers: vec![(bytes, None)] }
    }

    /// Of a model as `config` describes it, with a cache in half precision.
    pub(crate) fn of(config: &ModelConfig) -> CacheSize {
        const BYTES: u64 = 2;
        let number = |key: &str| config.field(key).and_then(Value::as_u64);
        let layers = number("num_hidden_layers").unwrap_or(0);
        let heads = number("num_attention_heads").unwrap_or(1);
        let kv_heads = number("num_key_value_heads").unwrap_or(heads);
        let dim =
            number("head_dim").or(number("hidden_size").map(|hidden| hidden / heads.max(1))).unwrap_or(0);
        let per_token = match (number("kv_lora_rank"), number("qk_rope_head_dim")) {
            // A latent of all heads, and the part of the keys that is rotated.
            (Some(latent), Some(rotated)) if latent > 0 => (latent + rotated) * BYTES,
            _ => 2 * kv_heads * dim * BYTES,
        };
        let window = number("sliding_window").filter(|window| *window > 0);
        let kinds = config.field("layer_types").and_then(Value::as_array);
        // The last layers may look into the caches of others.
        let own = layers - number("num_kv_shared_layers").unwrap_or(0).min(layers);
        let layer = |i: u64| match kinds.and_then(|kinds| kinds.get(i as usize)?.as_str()) {
            Some("sliding_attention" | "chunked_attention") if i < own => (per_token, window),
            Some("linear_attention" | "conv" | "mamba" | "recurrent") => (0, None),
            _ if i >= own => (0, None),
            _ => (per_token, None),
        };
        CacheSize { layers: (0..layers).map(layer).collect() }
    }

    /// Bytes for so many tokens.
    pub fn bytes(&self, tokens: u64) -> u64 {
        let layer =
            |(bytes, window): &(u64, Option<u64>)| bytes * window.map_or(tokens, |size| tokens.min(size));
        self.layers.iter().map(layer).sum()
    }
}

/// A tensor in a file.
struct StoredTensor {
    name: String,
    /// How its elements are stored: `BF16`, `Q4_K`.
    kind: String,
    elements: u64,
    bytes: u64,
}

fn stored_in_folder(files: &WeightFiles) -> Vec<StoredTensor> {
    let tensors = files.files.iter().flat_map(|file| &file.header.tensors);
    let stored = |(name, info): (&String, &mlx::io::TensorInfo)| {
        let elements = info.shape.iter().map(|dim| *dim as u64).product();
        let bytes = (info.data_offsets.1 - info.data_offsets.0) as u64;
        StoredTensor { name: name.clone(), kind: info.stored_as.to_owned(), elements, bytes }
    };
    tensors.map(stored).filter(|tensor| !models::is_unused(&tensor.name)).collect()
}

fn stored_in_gguf(gguf: &Gguf) -> Vec<StoredTensor> {
    let stored = |info: &crate::gguf::TensorInfo| {
        let elements = info.shape.iter().map(|dim| *dim as u64).product();
        let kind = info.ggml_type;
        let bytes = elements / kind.block_len() as u64 * kind.block_bytes() as u64;
        StoredTensor { name: info.name.clone(), kind: kind.to_string(), elements, bytes }
    };
    gguf.tensors().map(stored).collect()
}

/// Packed words count as the numbers they hold, scales as none.
fn parameters(tensors: &[StoredTensor], config: &ModelConfig) -> u64 {
    let count = |tensor: &StoredTensor| {
        let (layer, part) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        match (part, tensor.kind.as_str()) {
            (
                "scales" | "biases" | "weight_scale" | "weight_scale_inv" | "qzeros" | "g_idx"
                | "weight_shape",
                _,
            ) => 0,
            (_, "U32" | "I32") => {
                let bits = config.quantization.of(layer).map_or(4, |quantization| quantization.bits);
                tensor.elements * 32 / bits.max(1) as u64
            }
            _ if part.ends_with("_blocks") => tensor.elements * 2,
            _ if part.ends_with("_scales") => 0,
            _ => tensor.elements,
        }
    };
    tensors.iter().map(count).sum()
}

fn quantization(tensors: &[StoredTensor], config: &ModelConfig) -> String {
    if let Some(q) = config.quantization.default
        && config.path.extension().is_none_or(|extension| extension != "gguf")
    {
        return format!("{}-bit {}, groups of {}", q.bits, q.mode.name(), q.group_size);
    }
    let mut kinds: Vec<(&str, u64)> = vec![];
    for tensor in tensors {
        match kinds.iter_mut().find(|(kind, _)| *kind == tensor.kind) {
            Some((_, bytes)) => *bytes += tensor.bytes,
            None => kinds.push((&tensor.kind, tensor.bytes)),
        }
    }
    kinds.into_iter().max_by_key(|(_, bytes)| *bytes).map_or_else(String::new, |(kind, _)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn cache(json: &Value) -> CacheSize {
        CacheSize::of(&ModelConfig::parse(Path::new("config.json"), &json.to_string()).unwrap())
    }

    #[test]
    fn caches_grow_with_heads_windows_and_latents() {
        let llama = cache(&json!({
            "model_type": "llama", "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
            "hidden_size": 4096,
        }));
        // 128 KiB for each token of Llama 3.1 8B.
        assert_eq!(llama.bytes(1000), 1000 * 131_072);
        let gemma = cache(&json!({
            "model_type": "gemma3_text", "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 1,
            "head_dim": 256, "hidden_size": 1152, "sliding_window": 512, "sliding_window_pattern": 6,
        }));
        assert_eq!(gemma.bytes(100), 6 * 100 * 1024);
        assert_eq!(gemma.bytes(10_000), (5 * 512 + 10_000) * 1024);
        let deepseek = cache(&json!({
            "model_type": "deepseek_v3", "num_hidden_layers": 61, "num_attention_heads": 128,
            "num_key_value_heads": 128, "hidden_size": 7168, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
        }));
        assert_eq!(deepseek.bytes(1), 61 * 576 * 2);
    }
}
