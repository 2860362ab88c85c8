//! Logits of tiny models against Python mlx-lm; `cargo xtask golden` makes the fixtures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{Tensors, config, fixtures, named_weights, quantized, read_json};
use mlx::{Array, Dtype, Loader};
use mlx_lm::{
    LayerCache, ModelConfig,
    generate::{TokenOptions, Tokens},
    models::{LanguageModel, build},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The largest difference of a logit; their standard deviation is about 0.6.
const TOLERANCE: f32 = 2e-4;

macro_rules! families {
    ($($family:ident),* $(,)?) => { $(
        #[test]
        fn $family() {
            family_agrees(stringify!($family));
        }
    )* };
}

families!(
    apertus,
    bailing_moe,
    cohere,
    cohere2,
    deepseek,
    deepseek_v2,
    deepseek_v3,
    dots1,
    ernie4_5,
    ernie4_5_moe,
    exaone,
    exaone4,
    exaone_moe,
    falcon_h1,
    gemma,
    gemma2,
    gemma3,
    gemma3_text,
    gemma3n,
    gemma4,
    gemma4_text,
    glm,
    glm4,
    glm4_moe,
    glm4_moe_lite,
    gpt2,
    gpt_neox,
    gpt_oss,
    granite,
    granitemoe,
    granitemoehybrid,
    helium,
    hunyuan_v1_dense,
    internlm2,
    lfm2,
    lfm2_moe,
    llama,
    mamba2,
    mimo,
    minicpm,
    minimax,
    ministral3,
    mistral3,
    mixtral,
    nemotron,
    nemotron_h,
    olmo2,
    olmo3,
    olmoe,
    phi,
    phi3,
    phimoe,
    qwen2,
    qwen2_5_vl,
    qwen2_moe,
    qwen2_vl,
    qwen3,
    qwen3_5,
    qwen3_5_moe,
    qwen3_moe,
    qwen3_next,
    qwen3_vl,
    qwen3_vl_moe,
    seed_oss,
    smollm3,
    solar_open,
    stablelm,
    starcoder2,
    telechat3,
    youtu_llm,
);

fn family_agrees(family: &str) {
    let fixture = read_json(&format!("golden/{family}.json"));
    let expected = fixtures().join(format!("golden/{family}.safetensors"));
    let expected = mlx::io::load_safetensors(expected).unwrap();
    let mut compared = 0;
    for model in list(&fixture["models"]) {
        for variant in list(&model["variants"]) {
            let case = Case::new(&fixture["prompts"], model, variant, &expected);
            compared += case.run();
        }
        keeps_its_dtype(model);
    }
    assert_eq!(compared, expected.len(), "every tensor of the fixture is compared");
}

/// A model in half precision must not widen on the way: each layer behind would take twice the memory and time.
fn keeps_its_dtype(model: &Value) {
    let tensors = shapes_and_values(model);
    let halves = tensors.into_iter().map(|(name, array)| (name, array.astype(Dtype::Bf16).unwrap()));
    let half = model_of(&config(&model["config"]), halves.collect());
    let mut cache = half.new_cache();
    for tokens in [Array::from_slice(&[1u32, 2, 3], &[1, 3]), Array::from_slice(&[4u32], &[1, 1])] {
        let logits = half.forward(&tokens, &mut cache).unwrap();
        assert_eq!(logits.dtype().unwrap(), Dtype::Bf16, "{}", text(&model["name"]));
    }
    // A recurrence goes on from its state with each token, which half precision would not carry far.
    let recurrent = cache.layers().any(has_state);
    let fits = |dtype| dtype == Dtype::Bf16 || recurrent && dtype == Dtype::F32;
    assert!(cache.arrays().all(|array| fits(array.dtype().unwrap())), "{}: cache", text(&model["name"]));
}

fn has_state(layer: &LayerCache) -> bool {
    match layer {
        LayerCache::State(_) => true,
        LayerCache::List(parts) => parts.iter().any(has_state),
        _ => false,
    }
}

fn shapes_and_values(model: &Value) -> Tensors {
    let shapes = model["tensors"].as_object().unwrap();
    named_weights(
        shapes.iter().map(|(name, shape)| (name.as_str(), ids(shape).iter().map(|n| *n as i32).collect())),
    )
}

/// One model in one variant.
struct Case<'a> {
    name: String,
    prompts: &'a Value,
    variant: &'a Value,
    model: Box<dyn LanguageModel>,
    norms_first: bool,
    expected: &'a Tensors,
}

impl<'a> Case<'a> {
    fn new(prompts: &'a Value, model: &Value, variant: &'a Value, expected: &'a Tensors) -> Case<'a> {
        let name = format!("{}.{}", text(&model["name"]), text(&variant["name"]));
        let mut json = model["config"].clone();
        if !variant["quantization"].is_null() {
            json["quantization"] = variant["quantization"].clone();
        }
        let config = config(&json);
        let tensors = quantized(&config, &shapes_and_values(model));
        assert_eq!(checksum(&tensors), text(&variant["weights_sha256"]), "{name}: weights");
        let norms_first = !["olmo2", "olmo3"].contains(&text(&model["config"]["model_type"]));
        Case { model: model_of(&config, tensors), name, prompts, variant, norms_first, expected }
    }

    /// Compares all that the fixture has of the case and gives how many tensors that was.
    fn run(&self) -> usize {
        let mut compared = 0;
        let mut compare = |what: &str, logits: Array| {
            let name = format!("{}.{what}", self.name);
            let Some(expected) = self.expected.get(&name) else { return };
            // The fixture has the last positions of each prompt.
            let kept = expected.dim(-2).unwrap();
            let logits = logits.at((.., -kept..)).unwrap().reshape(expected.shape().unwrap()).unwrap();
            let difference = (logits - expected).abs().unwrap();
            let largest = difference.max(..).unwrap().item::<f32>().unwrap();
            let tolerance = self.tolerance();
            assert!(largest <= tolerance, "{name}: logits differ by {largest}");
            compared += 1;
        };
        compare("short", self.forward(&ids(&self.prompts["short"])));
        compare("long", self.forward(&ids(&self.prompts["long"])));
        compare("batch", self.batch());
        if !self.prompts["chunked"].is_null() {
            compare("chunked", self.forward(&ids(&self.prompts["chunked"])));
        }
        compare("decode", self.decode());
        self.compare_greedy();
        compared
    }

    /// Embeddings in a floating-point mode are `Bf16`. Without a norm before them, so are the first projections, whose sums
    /// MLX rounds to `Bf16` at each term, and the CPU kernels of `mlx` once.
    fn tolerance(&self) -> f32 {
        let mode = self.variant["quantization"]["mode"].as_str().unwrap_or("affine");
        if self.norms_first || mode == "affine" { TOLERANCE } else { 1e-2 }
    }

    fn forward(&self, ids: &[u32]) -> Array {
        let tokens = Array::from_slice(ids, &[1, ids.len() as i32]);
        self.model.forward(&tokens, &mut self.model.new_cache()).unwrap()
    }

    fn batch(&self) -> Array {
        let rows: Vec<Vec<u32>> = list(&self.prompts["batch"]).iter().map(ids).collect();
        let tokens = Array::from_slice(&rows.concat(), &[rows.len() as i32, rows[0].len() as i32]);
        self.model.forward(&tokens, &mut self.model.new_cache()).unwrap()
    }

    /// The logits of each of the decoded ids, after the long prompt in two chunks.
    fn decode(&self) -> Array {
        let mut cache = self.model.new_cache();
        let long = ids(&self.prompts["long"]);
        let (first, second) = long.split_at(long.len() / 3);
        for chunk in [first, second] {
            self.model.forward(&Array::from_slice(chunk, &[1, chunk.len() as i32]), &mut cache).unwrap();
        }
        let steps: Vec<Array> = ids(&self.prompts["decode"])
            .into_iter()
            .map(|id| self.model.forward(&Array::from_slice(&[id], &[1, 1]), &mut cache).unwrap())
            .collect();
        mlx::concatenate(&steps.iter().collect::<Vec<_>>(), 1).unwrap()
    }

    fn compare_greedy(&self) {
        let expected = ids(&self.variant["greedy_ids"]);
        for prefill_step in [2048, 4] {
            if expected.is_empty() {
                return;
            }
            let options =
                TokenOptions { max_tokens: expected.len(), prefill_step, ..TokenOptions::default() };
            let tokens = Tokens::new(self.model.as_ref(), &ids(&self.prompts["long"]), options).unwrap();
            let found: Vec<u32> = tokens.collect::<Result<_, _>>().unwrap();
            assert_eq!(found, expected, "{}: greedy tokens", self.name);
        }
    }
}

fn model_of(config: &ModelConfig, weights: Tensors) -> Box<dyn LanguageModel> {
    let layers = config.quantization.overrides.clone();
    build(config, &Loader::with_quantization(weights, layers)).unwrap()
}

/// Over names and bytes in order, so that a difference is known to be one of weights or of arithmetic.
fn checksum(weights: &Tensors) -> String {
    let mut hash = Sha256::new();
    for (name, array) in weights {
        hash.update(name);
        hash.update(array.reshape([-1]).unwrap().view(mlx::Dtype::U8).unwrap().to_vec::<u8>().unwrap());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    list(value).iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
