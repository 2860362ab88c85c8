//! Tiny models whose weights follow from their parameters' names.

#![allow(dead_code, reason = "each test takes what it needs")]

use mlx::{
    Array, Device, Loader, Module, Stream,
    nn::{Quantization, quantize},
    with_stream,
};
use mlx_lm::{
    ModelConfig, Tokenizer,
    gguf::Gguf,
    models::{LanguageModel, build, llama, qwen3},
    source::{DEFAULT_MODEL, Location, SourceOptions, resolve},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

pub(crate) type Tensors = BTreeMap<String, Array>;

pub(crate) fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))
}

pub(crate) fn read_json(name: &str) -> Value {
    let text = std::fs::read_to_string(fixtures().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn config(json: &Value) -> ModelConfig {
    ModelConfig::parse(Path::new("config.json"), &json.to_string()).unwrap()
}

/// Tensors of these names and shapes, their values derived from the names.
pub(crate) fn named_weights<'a>(shapes: impl IntoIterator<Item = (&'a str, Vec<i32>)>) -> Tensors {
    let named = |(name, shape): (&str, Vec<i32>)| {
        let values = named_weight(name, &shape);
        (name.to_owned(), Array::from_slice(&values, &shape))
    };
    shapes.into_iter().map(named).collect()
}

/// The weights of the Llama model that `config` describes.
pub(crate) fn llama_weights(config: &ModelConfig) -> Tensors {
    let parameters = llama::new(&config.args().unwrap()).unwrap().parameters();
    named_weights(parameters.iter().map(|(name, array)| (name.as_str(), array.shape().unwrap().to_vec())))
}

/// The same weights with each layer quantized as `config` says of it: on the CPU, like those that Python's models had.
pub(crate) fn quantized(config: &ModelConfig, weights: &Tensors) -> Tensors {
    with_stream(&Stream::default_of(Device::Cpu).unwrap(), || quantized_here(config, weights))
}

fn quantized_here(config: &ModelConfig, weights: &Tensors) -> Tensors {
    let mut out = Tensors::new();
    for (name, array) in weights {
        let layer = name.strip_suffix(".weight").filter(|_| array.ndim().unwrap() > 1);
        match layer.and_then(|layer| Some((layer, config.quantization.of(layer)?))) {
            Some((layer, quantization)) => pack(&mut out, layer, array, quantization),
            None => {
                out.insert(name.clone(), array.clone());
            }
        }
    }
    out
}

fn pack(out: &mut Tensors, layer: &str, array: &Array, quantization: Quantization) {
    let packed = quantize(array, quantization).unwrap();
    out.insert(format!("{layer}.weight"), packed.weight);
    out.insert(format!("{layer}.scales"), packed.scales);
    out.extend(packed.biases.map(|biases| (format!("{layer}.biases"), biases)));
}

/// A parameter's values; the scheme is that of `xtask/golden/named_weights.py`, bit for bit.
pub(crate) fn named_weight(name: &str, shape: &[i32]) -> Vec<f32> {
    let mut state = fnv1a(name.as_bytes());
    let scale = |t: f64| match shape {
        [.., _, last] => t / f64::from(*last).sqrt(),
        _ if ["norm.weight", "scale", "scalar"].iter().any(|end| name.ends_with(end)) => 1.0 + 0.1 * t,
        _ => 0.1 * t,
    };
    let mut next = || 2.0 * ((splitmix64(&mut state) >> 40) as f64 / f64::from(1 << 24)) - 1.0;
    (0..shape.iter().product()).map(|_| scale(next()) as f32).collect()
}

fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = *state;
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A tiny model of a family of the golden tests: the one called `name`, or the first.
pub(crate) fn tiny_model(family: &str, name: Option<&str>) -> Box<dyn LanguageModel> {
    let (json, weights) = tiny_parts(family, name);
    build(&config(&json), &Loader::new(weights)).unwrap()
}

/// Its configuration and weights.
fn tiny_parts(family: &str, name: Option<&str>) -> (Value, Tensors) {
    let fixture = read_json(&format!("golden/{family}.json"));
    let models = fixture["models"].as_array().unwrap();
    let model = models.iter().find(|model| name.is_none_or(|name| model["name"] == name)).unwrap();
    let shapes = model["tensors"].as_object().unwrap().iter().map(|(name, shape)| {
        let shape = shape.as_array().unwrap().iter().map(|n| n.as_i64().unwrap() as i32).collect();
        (name.as_str(), shape)
    });
    (model["config"].clone(), named_weights(shapes))
}

/// The first tiny model of a family as a folder, with a tokenizer and further files.
pub(crate) fn tiny_folder(family: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let (json, weights) = tiny_parts(family, None);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let arrays = weights.iter().map(|(name, array)| (name.as_str(), array));
    mlx::io::save_safetensors(at("model.safetensors"), arrays, &[]).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(fixtures().join("tokenizer/byte_level").join(name), at(name)).unwrap();
    }
    for (name, text) in [("config.json", json.to_string().as_str())].iter().chain(files) {
        std::fs::write(at(name), text).unwrap();
    }
    folder
}

/// Writes the tiny Qwen3 of `golden/embeddings.json` into `folder`, with the tokenizer and the chat template of SmolLM2.
/// What it says makes no sense, but comes fast.
pub(crate) fn write_tiny_qwen3(folder: &Path) {
    let tokenizer = match resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap() {
        Location::Folder(folder) => Tokenizer::from_folder(folder).unwrap(),
        Location::Gguf(file) => {
            Tokenizer::from_gguf(Gguf::open(&file).unwrap().tokenizer().unwrap()).unwrap()
        }
    };
    tokenizer.save(folder).unwrap();
    let fixture = read_json("golden/embeddings.json");
    let model = qwen3::new(&config(&fixture["config"]).args().unwrap()).unwrap();
    let parameters = model.parameters();
    let shapes = parameters.iter().map(|(name, array)| (name.as_str(), array.shape().unwrap().to_vec()));
    let weights = named_weights(shapes);
    let arrays = weights.iter().map(|(name, array)| (name.as_str(), array));
    mlx::io::save_safetensors(folder.join("model.safetensors"), arrays, &[]).unwrap();
    fs::write(folder.join("config.json"), fixture["config"].to_string()).unwrap();
    let ends = json!({"eos_token_id": tokenizer.eos_ids()});
    fs::write(folder.join("generation_config.json"), ends.to_string()).unwrap();
}

/// Adds the files of sentence-transformers to the model in `folder`: it pools by `mode`.
pub(crate) fn write_pooling(folder: &Path, mode: &str, normalize: bool) {
    let module = |path: &str, kind: &str| json!({"path": path, "type": format!("sentence_transformers.models.{kind}")});
    let mut modules = vec![module("", "Transformer"), module("1_Pooling", "Pooling")];
    modules.extend(normalize.then(|| module("2_Normalize", "Normalize")));
    fs::write(folder.join("modules.json"), json!(modules).to_string()).unwrap();
    fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    fs::write(folder.join("1_Pooling/config.json"), json!({"pooling_mode": mode}).to_string()).unwrap();
}

/// Tokens from 1 to 15, which every tiny model knows.
pub(crate) fn prompt(seed: u32, length: usize) -> Vec<u32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 16) % 15
    };
    (0..length).map(|_| next()).collect()
}
