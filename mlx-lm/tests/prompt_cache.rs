//! Prompt caches as files: those of Python mlx-lm, and our own.
//!
//! `xtask/golden/prompt_caches.py` makes the fixtures, and reads what this crate writes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{fixtures, prompt, tiny_model};
use mlx::{Array, Dtype, nn::Quantization};
use mlx_lm::{
    Cache, LayerCache,
    generate::{KvOptions, Snapshot, TokenBatch, TokenOptions},
    models::LanguageModel,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output},
};

const CASES: [(&str, &str, &str); 5] = [
    ("full", "qwen2", "qwen2"),
    ("window", "gemma3_text", "pattern"),
    ("bounded", "qwen2", "qwen2"),
    ("quantized", "qwen3", "head_dim"),
    ("latent", "deepseek_v3", "plain"),
];

fn file(name: &str) -> PathBuf {
    fixtures().join(format!("prompt_cache/{name}.safetensors"))
}

fn ids(metadata: &BTreeMap<String, String>, key: &str) -> Vec<u32> {
    serde_json::from_str(&metadata[key]).unwrap()
}

/// What follows greedily.
fn following(model: &dyn LanguageModel, tokens: Vec<u32>, cache: Cache, last: u32, count: usize) -> Vec<u32> {
    let prompt = [tokens.as_slice(), &[last]].concat();
    let options = TokenOptions { max_tokens: count, ..TokenOptions::default() };
    let mut batch = TokenBatch::new(model);
    batch.add(&prompt, options, Some(Snapshot { tokens, cache })).unwrap();
    let mut found = vec![];
    while !batch.is_empty() {
        batch.prefill().unwrap();
        found.extend(batch.decode().unwrap().into_iter().map(|decoded| decoded.token.unwrap().id));
    }
    found
}

#[test]
fn those_of_python_go_on_as_in_python() {
    for (name, family, model) in CASES {
        let model = tiny_model(family, Some(model));
        let mut cache = model.new_cache();
        let metadata = cache.load(file(name)).unwrap();
        let (passed, next) = (ids(&metadata, "passed"), ids(&metadata, "next"));
        let last: u32 = metadata["last"].parse().unwrap();
        assert_eq!(cache.offset().max() as usize, passed.len(), "{name}");
        assert_eq!(following(model.as_ref(), passed, cache, last, next.len()), next, "{name}");
    }
}

#[test]
fn what_is_written_looks_as_if_python_had_written_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, family, model) in CASES {
        let model = tiny_model(family, Some(model));
        let mut cache = model.new_cache();
        let metadata = cache.load(file(name)).unwrap();
        let path = folder.path().join("cache.safetensors");
        cache.save(&path, &metadata).unwrap();
        let (theirs, about_theirs) = mlx::io::load_safetensors_with_metadata(file(name)).unwrap();
        let (ours, mut about_ours) = mlx::io::load_safetensors_with_metadata(&path).unwrap();
        assert_eq!(about_ours.remove("0.tokens").unwrap(), cache.offset().max().to_string());
        assert_eq!(about_ours, about_theirs, "{name}");
        assert!(ours.keys().eq(theirs.keys()), "{name}");
        for (key, theirs) in &theirs {
            let ours = &ours[key];
            assert_eq!(ours.dtype().unwrap(), theirs.dtype().unwrap(), "{name}, {key}");
            // Python pads keys and values of all tokens to whole blocks.
            let theirs = match theirs.ndim().unwrap() {
                4 => theirs.at((.., .., ..ours.dim(2).unwrap())).unwrap(),
                _ => theirs.clone(),
            };
            // A ring begins anywhere; its index says where.
            if name != "window" && name != "bounded" {
                assert!(ours.array_equal(&theirs).unwrap().item::<bool>().unwrap(), "{name}, {key}");
            }
            assert_eq!(ours.shape().unwrap(), theirs.shape().unwrap(), "{name}, {key}");
        }
    }
}

#[test]
fn our_own_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.safetensors");
    let packed = |quantization_start| KvOptions {
        quantization: Some(Quantization::affine(32, 4)),
        quantization_start,
        ..KvOptions::default()
    };
    for (family, kv) in [
        ("llama", KvOptions::default()),
        ("gemma3_text", KvOptions::default()),
        ("gpt_oss", KvOptions::default()),
        ("llama", KvOptions { max_size: Some(20), ..KvOptions::default() }),
        ("qwen3", packed(0)),
        ("qwen3", packed(30)),
    ] {
        let model = tiny_model(family, (family == "qwen3").then_some("head_dim"));
        let mut cache = kv.new_cache(model.as_ref()).unwrap();
        let tokens = prompt(3, 41);
        let input = Array::from_slice(&tokens, &[1, tokens.len() as i32]);
        model.forward(&input, &mut cache).unwrap();
        cache.save(&path, &BTreeMap::from([("who".into(), "me".into())])).unwrap();
        let mut copy = model.new_cache();
        assert_eq!(copy.load(&path).unwrap(), BTreeMap::from([("who".to_owned(), "me".to_owned())]));
        let expected = following(model.as_ref(), tokens.clone(), cache, 2, 12);
        assert_eq!(following(model.as_ref(), tokens, copy, 2, 12), expected, "{family}");
    }
}

#[test]
fn states_and_lists_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.safetensors");
    let new = || {
        let list = LayerCache::List(vec![LayerCache::state(2), LayerCache::full()]);
        Cache::new(vec![LayerCache::Nothing, LayerCache::state(3), list])
    };
    let mut cache = new();
    let mut layers = cache.layers_mut().skip(1);
    let state = layers.next().unwrap().state_mut().unwrap();
    state.set(1, mlx::full(&[1, 2], 7.0f32, Dtype::F32));
    state.advance(5);
    let list = layers.next().unwrap();
    let state = list.part_mut(0).unwrap().state_mut().unwrap();
    state.set(0, mlx::full(&[1, 2], 8.0f32, Dtype::F32));
    state.advance(5);
    drop(layers);
    cache.save(&path, &BTreeMap::new()).unwrap();
    let mut copy = new();
    assert_eq!(copy.load(&path).unwrap(), BTreeMap::new());
    assert_eq!(copy.offset().max(), 5);
    let mut layers = copy.layers_mut().skip(1);
    let state = layers.next().unwrap().state_mut().unwrap();
    assert!(state.get(0).is_none() && state.get(2).is_none());
    assert_eq!(state.get(1).unwrap().to_vec::<f32>().unwrap(), [7.0, 7.0]);
    let list = layers.next().unwrap();
    assert_eq!(list.part_mut(0).unwrap().offset().max(), 5);
    assert_eq!(list.part_mut(1).unwrap().offset().max(), 0);
}

#[test]
fn files_of_other_models_are_refused() {
    for (name, family, message) in
        [("full", "gemma3_text", "the prompt cache has 2 layers, the model 6"), ("latent", "qwen2", "")]
    {
        let model = tiny_model(family, None);
        let mut cache = model.new_cache();
        let loaded = cache.load(file(name)).map(|_| ());
        match loaded {
            Err(error) => assert!(error.to_string().contains(message), "{error}"),
            // What does not fit is found where it is used.
            Ok(()) => {
                let input = Array::from_slice(&[1u32], &[1, 1]);
                assert!(model.forward(&input, &mut cache).and_then(|logits| logits.eval()).is_err());
            }
        }
    }
    let model = tiny_model("qwen2", None);
    let error = model.new_cache().load(fixtures().join("golden/qwen2.safetensors")).unwrap_err().to_string();
    assert!(error.contains("qwen2.safetensors") && error.contains("has 0 layers"), "{error}");
}

/// The program with its default model, the real SmolLM2.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mlx-lm")).args(arguments).output().unwrap()
}

#[test]
fn the_program_goes_on_in_the_middle_of_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.safetensors");
    let file = path.to_str().unwrap();
    let answer = |more: &[&str]| {
        let output = run(&[&["generate", "--json", "--max-tokens", "12"], more].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (answer["prompt_tokens"].clone(), answer["text"].clone(), stderr)
    };
    let (tokens, text, _) = answer(&["--prompt", "What is the capital of France?"]);
    for kv in [&[][..], &["--kv-bits", "8", "--quantized-kv-start", "20"]] {
        let beginning = ["cache-prompt", "--prompt", "What is the capital of", "--output", file];
        let output = run(&[&beginning[..], kv].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (found_tokens, found, note) = answer(&["--prompt-cache", file, "--prompt", " France?"]);
        assert_eq!((&found_tokens, &found), (&tokens, &text), "{kv:?}");
        assert!(!note.contains("was made with the model"), "{note}");
    }
    let output = run(&["generate", "--prompt-cache", file, "--prompt", "x", "--kv-bits", "4"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("8 bits in groups of 64 already"), "{stderr}");
}
