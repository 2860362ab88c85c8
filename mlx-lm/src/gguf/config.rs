//! Metadata as the `config.json` that Hugging Face would have for the model.

use serde_json::{Value as Json, json};

use super::names::{ROPE_FREQS, llama_name};
use super::{Gguf, Tensor, Value};
use crate::error::{Error, Result};
use mlx::{Dtype, io::gguf::GROUP_SIZE};

const KNOWN: &str = "llama";

impl Gguf {
    /// `general.architecture`, such as `llama`.
    pub fn architecture(&self) -> Result<&str> {
        self.metadata().string("general.architecture")?.ok_or_else(|| self.missing("general.architecture"))
    }

    /// What `config.json` would say: an object with `model_type` and the hyperparameters under Hugging Face's names.
    ///
    /// * `quantization` has the bits of most matrices and, under its path, each matrix that differs (as MLX writes it).
    /// * Frequency factors (`rope_freqs.weight`) become `rope_scaling` of type `llama3` where Llama 3's formula gives
    ///   them, else `{"rope_type": "freq_factors", "factors": [..]}`: `head_dim / 2` numbers that divide the RoPE
    ///   frequencies.
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] for an architecture other than `llama` and for mixtures of experts;
    /// [`Error::Config`] where metadata is missing or contradictory.
    pub fn config(&self) -> Result<Json> {
        self.require_llama()?;
        let embedding =
            self.tensor("token_embd.weight").ok_or_else(|| self.missing("tensor `token_embd.weight`"))?;
        let has = |name: &str| self.tensor(name).is_some();
        let hidden_size = self.require("embedding_length")?;
        let heads = self.heads()?;
        let head_dim = self.head_dim(hidden_size, heads)?;
        let mut config = json!({
            "model_type": "llama",
            "architectures": ["LlamaForCausalLM"],
            "hidden_act": "silu",
            "vocab_size": embedding.shape.first(),
            "hidden_size": hidden_size,
            "intermediate_size": self.require("feed_forward_length")?,
            "num_hidden_layers": self.layers()?,
            "num_attention_heads": heads,
            "num_key_value_heads": self.key_value_heads()?,
            "head_dim": head_dim,
            "rms_norm_eps": self.float("attention.layer_norm_rms_epsilon")?
                .ok_or_else(|| self.missing("llama.attention.layer_norm_rms_epsilon"))?,
            "rope_theta": self.float("rope.freq_base")?.unwrap_or(10_000.0),
            "max_position_embeddings": self.require("context_length")?,
            "tie_word_embeddings": !has("output.weight"),
            "attention_bias": has("blk.0.attn_q.bias"),
            "mlp_bias": has("blk.0.ffn_up.bias"),
            "bos_token_id": self.metadata().u32("tokenizer.ggml.bos_token_id")?,
            "eos_token_id": self.metadata().u32("tokenizer.ggml.eos_token_id")?,
        });
        if let Some(scaling) = self.rope_scaling(head_dim)? {
            config["rope_scaling"] = scaling;
        }
        if let Some(quantization) = self.quantization() {
            config["quantization"] = quantization;
        }
        Ok(config)
    }

    /// [`Error::UnsupportedModel`] unless this is a dense Llama model.
    pub(super) fn require_llama(&self) -> Result<()> {
        let architecture = self.architecture()?;
        let experts = self.metadata().u64("llama.expert_count")?.unwrap_or(0);
        if architecture == "llama" && experts == 0 {
            return Ok(());
        }
        let model_type = match experts {
            0 => architecture.to_owned(),
            _ => format!("{architecture} with {experts} experts"),
        };
        Err(Error::UnsupportedModel { model_type, known: KNOWN.to_owned() })
    }

    /// Number of query heads.
    pub(super) fn heads(&self) -> Result<usize> {
        self.require("attention.head_count")
    }

    /// Number of key and value heads.
    pub(super) fn key_value_heads(&self) -> Result<usize> {
        match self.count("attention.head_count_kv")? {
            Some(heads) => Ok(heads),
            None => self.heads(),
        }
    }

    /// Number of layers, of which the last one must be there: a count is not believed on its own.
    fn layers(&self) -> Result<usize> {
        let layers = self.require("block_count")?;
        let last = format!("blk.{}.attn_norm.weight", layers.wrapping_sub(1));
        if self.tensor(&last).is_none() {
            let message =
                format!("metadata `llama.block_count` is {layers}, but there is no tensor `{last}`");
            return Err(Error::config(self.path(), message));
        }
        Ok(layers)
    }

    fn head_dim(&self, hidden_size: usize, heads: usize) -> Result<usize> {
        let rotated = self.count("rope.dimension_count")?;
        let head_dim = match self.count("attention.key_length")? {
            Some(key_length) => key_length,
            None => rotated.or(hidden_size.checked_div(heads)).unwrap_or(0),
        };
        let value_dim = self.count("attention.value_length")?.unwrap_or(head_dim);
        if head_dim == 0 || rotated.is_some_and(|rotated| rotated != head_dim) || value_dim != head_dim {
            let message = format!(
                "a head of {head_dim} dimensions with {value_dim} for values and {rotated:?} rotated is not supported"
            );
            return Err(Error::config(self.path(), message));
        }
        Ok(head_dim)
    }

    fn rope_scaling(&self, head_dim: usize) -> Result<Option<Json>> {
        let old_factor = self.float("rope.scale_linear")?.filter(|&factor| factor != 1.0);
        let factor = self.float("rope.scaling.factor")?;
        let original = self.count("rope.scaling.original_context_length")?;
        let kind = self.metadata().string("llama.rope.scaling.type")?;
        let scaling = match (kind, factor) {
            (None | Some("none"), _) => {
                old_factor.map(|factor| json!({"rope_type": "linear", "factor": factor}))
            }
            (Some("linear"), Some(factor)) => Some(json!({"rope_type": "linear", "factor": factor})),
            (Some("yarn"), Some(factor)) => {
                let mut yarn = json!({"rope_type": "yarn", "factor": factor});
                if let Some(original) = original {
                    yarn["original_max_position_embeddings"] = original.into();
                }
                Some(yarn)
            }
            (Some(kind), _) => {
                let message = format!("RoPE scaling `{kind}` with factor {factor:?} is not supported");
                return Err(Error::config(self.path(), message));
            }
        };
        match (scaling, self.frequency_factors(head_dim, original)?) {
            (Some(_), Some(_)) => Err(Error::config(
                self.path(),
                "frequency factors together with RoPE scaling are not supported",
            )),
            (scaling, factors) => Ok(scaling.or(factors)),
        }
    }

    /// The tensor of frequency factors as `rope_scaling`.
    fn frequency_factors(&self, head_dim: usize, original: Option<usize>) -> Result<Option<Json>> {
        let Some(info) = self.tensor(ROPE_FREQS) else { return Ok(None) };
        let factors: Vec<f32> = match self.load(info)? {
            Tensor::Dense(array) if array.dtype()? == Dtype::F32 => array.to_vec()?,
            _ => return Err(Error::weights(self.path(), format!("tensor `{ROPE_FREQS}` is not F32"))),
        };
        if factors.len() != head_dim / 2 || !factors.iter().all(|&f| f.is_finite() && f > 0.0) {
            let message = format!("tensor `{ROPE_FREQS}` must hold {} positive numbers", head_dim / 2);
            return Err(Error::weights(self.path(), message));
        }
        let theta = self.float("rope.freq_base")?.unwrap_or(10_000.0);
        let scale = factors.iter().copied().fold(1.0, f32::max);
        if scale == 1.0 && factors.iter().all(|&factor| factor == 1.0) {
            return Ok(None);
        }
        let contexts = original.into_iter().chain([8192]);
        for context in contexts {
            let expected = llama3_factors(theta, head_dim, f64::from(scale), context);
            if factors.iter().zip(expected).all(|(&f, e)| (f64::from(f) - e).abs() <= 1e-4 * e) {
                return Ok(Some(json!({
                    "rope_type": "llama3",
                    "factor": decimal(scale.into()),
                    "low_freq_factor": LOW_FREQ_FACTOR,
                    "high_freq_factor": HIGH_FREQ_FACTOR,
                    "original_max_position_embeddings": context,
                })));
            }
        }
        Ok(Some(json!({"rope_type": "freq_factors", "factors": factors})))
    }

    /// The `quantization` object: bits of most quantized matrices, then those that differ by path.
    fn quantization(&self) -> Option<Json> {
        let matrices: Vec<(String, i32)> = self
            .tensors()
            .filter(|info| info.shape.len() > 1)
            .filter_map(|info| Some((llama_name(&info.name)?, info.ggml_type.affine_bits()?)))
            .filter_map(|(name, bits)| Some((name.strip_suffix(".weight")?.to_owned(), bits)))
            .collect();
        let fours = matrices.iter().filter(|(_, bits)| *bits == 4).count();
        let usual = match matrices.len() {
            0 => return None,
            all if 2 * fours >= all => 4,
            _ => 8,
        };
        let entry = |bits: i32| json!({"group_size": GROUP_SIZE, "bits": bits, "mode": "affine"});
        let mut quantization = entry(usual);
        for (path, bits) in matrices.into_iter().filter(|(_, bits)| *bits != usual) {
            quantization[path] = entry(bits);
        }
        Some(quantization)
    }

    /// The integer `llama.<key>`; a list (one number per layer) counts where all its numbers are equal.
    fn count(&self, key: &str) -> Result<Option<usize>> {
        let key = format!("llama.{key}");
        let number = match self.metadata().get(&key) {
            Some(Value::Array(_)) => {
                let layers = self.metadata().uints(&key)?.unwrap_or_default();
                match layers.split_first() {
                    Some((first, rest)) if rest.iter().all(|count| count == first) => Some(*first),
                    _ => {
                        let message =
                            format!("metadata `{key}` differs between layers, which is not supported");
                        return Err(Error::config(self.path(), message));
                    }
                }
            }
            _ => self.metadata().u64(&key)?,
        };
        Ok(number.map(|number| number as usize))
    }

    fn require(&self, key: &str) -> Result<usize> {
        self.count(key)?.ok_or_else(|| self.missing(&format!("llama.{key}")))
    }

    fn float(&self, key: &str) -> Result<Option<f64>> {
        Ok(self.metadata().f64(&format!("llama.{key}"))?.map(decimal))
    }

    fn missing(&self, what: &str) -> Error {
        Error::config(self.path(), format!("{what} is missing"))
    }
}

/// An f32 as the decimal number it was written for: 1e-5, not 9.99999974e-6.
fn decimal(value: f64) -> f64 {
    let single = value as f32;
    if f64::from(single) == value { single.to_string().parse().unwrap_or(value) } else { value }
}

const LOW_FREQ_FACTOR: f64 = 1.0;
const HIGH_FREQ_FACTOR: f64 = 4.0;

/// Llama 3's frequency factors: 1 for short wavelengths, `scale` for long ones, smooth between.
fn llama3_factors(
    theta: f64,
    head_dim: usize,
    scale: f64,
    original_context: usize,
) -> impl Iterator<Item = f64> {
    let context = original_context as f64;
    (0..head_dim / 2).map(move |i| {
        let wavelength = std::f64::consts::TAU * theta.powf(2.0 * i as f64 / head_dim as f64);
        let smooth = (context / wavelength - LOW_FREQ_FACTOR) / (HIGH_FREQ_FACTOR - LOW_FREQ_FACTOR);
        let smooth = smooth.clamp(0.0, 1.0);
        1.0 / ((1.0 - smooth) / scale + smooth)
    })
}
