//! Conversions against Python mlx-lm's, tensor by tensor; `cargo xtask golden conversions` makes the fixture.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{Tensors, named_weights, read_json};
use mlx::{Dtype, nn::Quantization};
use mlx_lm::{
    ConvertOptions, Converted, Error, Lm, MixedBits, ModelConfig, Recipe, WeightChange, convert,
    generate::Prompt,
    source::{DEFAULT_MODEL, Location, SourceOptions, resolve},
    weights::open,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A model folder without a tokenizer.
fn write_checkpoint(folder: &Path, config: &Value, tensors: &Tensors) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let arrays = tensors.iter().map(|(name, array)| (name.as_str(), array));
    mlx::io::save_safetensors(folder.join("model.safetensors"), arrays, &[("format", "pt")]).unwrap();
}

fn named(shapes: &Value) -> Tensors {
    let shape = |shape: &Value| serde_json::from_value(shape.clone()).unwrap();
    named_weights(shapes.as_object().unwrap().iter().map(|(name, dims)| (name.as_str(), shape(dims))))
}

fn checksum(folder: &Path) -> String {
    let mut hash = Sha256::new();
    for (name, array) in open(folder).unwrap().tensors().unwrap() {
        hash.update(&name);
        hash.update(array.reshape([-1]).unwrap().view(Dtype::U8).unwrap().to_vec::<u8>().unwrap());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn options(way: &Value) -> ConvertOptions {
    let number = |key: &str| way[key].as_i64().unwrap() as i32;
    let weights = match (way["recipe"].as_str(), way["mode"].as_str()) {
        (Some(name), _) => {
            let (_, bits) = MixedBits::NAMED.iter().find(|(known, _)| *known == name).unwrap();
            WeightChange::Quantize(Recipe::mixed(*bits, number("group_size")))
        }
        (None, Some(mode)) => {
            let text = format!("{}:{}:{mode}", number("bits"), number("group_size"));
            WeightChange::Quantize(Recipe::new(Recipe::parse_quantization(&text).unwrap().unwrap()))
        }
        _ => WeightChange::Keep,
    };
    let dtype = way["dtype"].as_str().map(|name| {
        assert_eq!(name, "bfloat16");
        Dtype::Bf16
    });
    ConvertOptions { dtype, weights, progress: false }
}

#[test]
fn tiny_models_become_what_python_makes_of_them() {
    let fixture = read_json("golden/conversions.json");
    let transformers = read_json("golden/transformers.json");
    let (mut compared, mut wrong) = (0, vec![]);
    for (name, ways) in fixture["models"].as_object().unwrap() {
        let (file, model) = name.split_once('/').unwrap();
        let models = match file {
            "transformers" => transformers["models"].clone(),
            file => read_json(&format!("golden/{file}.json"))["models"].clone(),
        };
        let model = models.as_array().unwrap().iter().find(|entry| entry["name"] == model).unwrap();
        let config = if model["config_4"].is_null() { &model["config"] } else { &model["config_4"] };
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        write_checkpoint(&source, config, &named(&model["tensors"]));
        for (way, expected) in ways.as_object().unwrap() {
            compared += 1;
            let output = folder.path().join(way);
            let case = format!("{name}, {way}");
            match convert(&Location::Folder(source.clone()), &output, options(&fixture["ways"][way])) {
                Ok(_) => wrong.extend(difference(&output, expected).map(|what| format!("{case}: {what}"))),
                Err(error) => wrong.push(format!("{case}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What of the folder is not as Python wrote it.
fn difference(output: &Path, expected: &Value) -> Option<String> {
    let found = ModelConfig::load(output).unwrap();
    let mut json = found.json.clone();
    json["quantization"] = expected["quantization"].clone();
    json.as_object_mut().unwrap().remove("quantization_config");
    let python = ModelConfig::parse(Path::new("python"), &json.to_string()).unwrap();
    let tensors = open(output).unwrap().tensors().unwrap();
    for path in tensors.keys().filter_map(|name| name.strip_suffix(".scales")) {
        let (ours, theirs) = (found.quantization.of(path), python.quantization.of(path));
        if ours != theirs {
            return Some(format!("{path} is {ours:?}, Python has {theirs:?}"));
        }
    }
    let names: Vec<&String> = tensors.keys().take(12).collect();
    (checksum(output) != expected["sha256"].as_str().unwrap()).then(|| format!("other tensors: {names:?} …"))
}

fn small_llama() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 96,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": 128,
        "max_position_embeddings": 256, "rope_theta": 10000.0, "tie_word_embeddings": false,
    })
}

/// The folder of a small Llama with some fields added to its configuration.
fn small_folder(more: Value) -> (tempfile::TempDir, PathBuf) {
    let mut config = small_llama();
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let tensors = common::llama_weights(&common::config(&config));
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    write_checkpoint(&source, &config, &tensors);
    (folder, source)
}

fn run(source: &Path, output: &Path, weights: WeightChange) -> Result<Converted, Error> {
    convert(&Location::Folder(source.into()), output, ConvertOptions { weights, ..ConvertOptions::default() })
}

#[test]
fn single_layers_can_differ_and_columns_that_groups_do_not_divide_stay() {
    let (folder, source) = small_folder(json!({}));
    let output = folder.path().join("output");
    let recipe = Recipe::new(Quantization::affine(64, 4))
        .layer("model.embed_tokens", None)
        .layer("self_attn.v_proj", Some(Quantization::affine(32, 8)))
        .layer("layers.1.mlp.down_proj", Recipe::parse_quantization("4:32:mxfp4").unwrap());
    let done = run(&source, &output, WeightChange::Quantize(recipe)).unwrap();
    assert_eq!(done.notes, ["1 layers stay as they are: the groups do not divide their columns"]);
    let tensors = open(&output).unwrap().tensors().unwrap();
    let is_packed = |path: &str| tensors.contains_key(&format!("{path}.scales"));
    assert!(!is_packed("model.embed_tokens") && !is_packed("model.layers.0.mlp.down_proj"));
    assert!(is_packed("lm_head") && is_packed("model.layers.1.mlp.down_proj"));
    let config = ModelConfig::load(&output).unwrap();
    let of = |path: &str| config.quantization.of(path).map(|q| (q.bits, q.group_size, q.mode.name()));
    assert_eq!(of("model.layers.0.self_attn.v_proj"), Some((8, 32, "affine")));
    assert_eq!(of("model.layers.1.mlp.down_proj"), Some((4, 32, "mxfp4")));
    assert_eq!(of("lm_head"), Some((4, 64, "affine")));
    assert_eq!(config.json["quantization"], config.json["quantization_config"]);

    // What is quantized stays so, and the rest can follow.
    let again = folder.path().join("again");
    let recipe = Recipe::new(Quantization::affine(32, 6));
    run(&output, &again, WeightChange::Quantize(recipe)).unwrap();
    let config = ModelConfig::load(&again).unwrap();
    let of = |path: &str| config.quantization.of(path).map(|q| (q.bits, q.group_size));
    assert_eq!(of("model.embed_tokens"), Some((6, 32)));
    assert_eq!(of("model.layers.0.self_attn.v_proj"), Some((8, 32)));
    assert_eq!(of("lm_head"), Some((4, 64)));
    let error = run(
        &again,
        &folder.path().join("x"),
        WeightChange::Quantize(Recipe::new(Quantization::affine(32, 4))),
    );
    assert!(error.unwrap_err().to_string().contains("quantized already"));
}

#[test]
fn eight_bits_dequantize_to_nearly_the_same() {
    let (folder, source) =
        small_folder(json!({"dtype": "float32", "_name_or_path": "x", "vision_config": {}}));
    let (packed, dense) = (folder.path().join("packed"), folder.path().join("dense"));
    run(&source, &packed, WeightChange::Quantize(Recipe::new(Quantization::affine(32, 8)))).unwrap();
    let done = run(&packed, &dense, WeightChange::Dequantize).unwrap();
    assert_eq!(done.bits_per_weight(), 32.0);
    let config = ModelConfig::load(&dense).unwrap().json;
    for gone in ["quantization", "quantization_config", "_name_or_path", "vision_config"] {
        assert!(config.get(gone).is_none(), "{gone}");
    }
    let (before, after) =
        (open(&source).unwrap().tensors().unwrap(), open(&dense).unwrap().tensors().unwrap());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, array) in before {
        let largest = (array - &after[&name]).abs().unwrap().max(..).unwrap().item::<f32>().unwrap();
        assert!(largest < 1e-3, "{name}: {largest}");
    }
}

#[test]
fn rotary_parameters_get_their_older_names_and_a_dtype_is_noted() {
    let (folder, source) = small_folder(json!({
        "dtype": "float32", "rope_theta": null,
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0},
    }));
    let output = folder.path().join("output");
    let options = ConvertOptions { dtype: Some(Dtype::F16), ..ConvertOptions::default() };
    convert(&Location::Folder(source), &output, options).unwrap();
    let config = ModelConfig::load(&output).unwrap().json;
    assert_eq!(config["rope_theta"], 5000.0);
    // Python mlx-lm asks some for "type" and some for "rope_type".
    assert_eq!(config["rope_scaling"], json!({"rope_type": "linear", "type": "linear", "factor": 2.0}));
    assert_eq!(config["dtype"], "float16");
    let card = fs::read_to_string(output.join("README.md")).unwrap();
    assert!(card.starts_with("---\nlibrary_name: mlx\n"), "{card}");
    let index: Value =
        serde_json::from_str(&fs::read_to_string(output.join("model.safetensors.index.json")).unwrap())
            .unwrap();
    assert_eq!(
        index["metadata"]["total_size"].as_u64(),
        index["metadata"]["total_parameters"].as_u64().map(|n| n * 2)
    );
    assert_eq!(index["weight_map"]["lm_head.weight"], "model.safetensors");
}

/// The real model: dequantized, and quantized again, it is what Python makes of it, and says the same.
#[test]
fn smollm2_becomes_what_python_makes_of_it() {
    let fixture = read_json("golden/conversions.json")["smollm2"].clone();
    let source = resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (dense, packed) = (folder.path().join("dense"), folder.path().join("packed"));
    let options =
        ConvertOptions { dtype: Some(Dtype::F32), weights: WeightChange::Dequantize, progress: false };
    convert(&source, &dense, options).unwrap();
    assert_eq!(checksum(&dense), fixture["dense_sha256"].as_str().unwrap());
    mlx::memory::reset_peak().unwrap();
    let recipe = Recipe::new(Quantization::affine(64, 4));
    run(&dense, &packed, WeightChange::Quantize(recipe)).unwrap();
    // The largest tensor is the embedding, 113 MB.
    let peak = mlx::memory::peak().unwrap();
    assert!(peak < 2 * 113_246_208 + 100_000_000, "{peak} bytes at once");
    assert_eq!(checksum(&packed), fixture["affine_4_64_sha256"].as_str().unwrap());

    let lm = Lm::open(&Location::Folder(packed)).unwrap();
    for case in fixture["cases"].as_array().unwrap() {
        let expected: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let prompt = Prompt::Tokens(lm.tokenizer().encode(case["text"].as_str().unwrap(), true).unwrap());
        let pieces = lm.generate(prompt).max_tokens(expected.len()).into_iter();
        let ids: Vec<u32> = pieces.map(|piece| piece.unwrap().id).collect();
        assert!(expected.starts_with(&ids) && !ids.is_empty(), "{ids:?} {expected:?}");
    }
}
