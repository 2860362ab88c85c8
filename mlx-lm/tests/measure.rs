//! What the program measures of models: perplexity against Python mlx-lm's, and speeds.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{config, llama_weights, read_json};
use mlx::Loader;
use mlx_lm::{
    Error, Lm,
    measure::{PerplexityOptions, Speed, SpeedTest, measure, perplexity},
    models::{LanguageModel, build},
    source::{DEFAULT_MODEL, Location, SourceOptions, resolve},
};
use serde_json::Value;
use std::process::Command;

fn smollm2() -> Location {
    resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap()
}

fn compare(model: &dyn LanguageModel, fixture: &Value, name: &str, tolerance: f64) {
    let cases = fixture["cases"].as_array().unwrap().iter().filter(|case| case["model"] == name);
    for case in cases {
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let options = PerplexityOptions {
            sequence_length: number("sequence_length"),
            batch_size: number("batch_size"),
            max_pieces: None,
        };
        let mut done = vec![];
        let found = perplexity(model, &ids, options, |at, of| done.push((at, of))).unwrap();
        let pieces = ids.len() / options.sequence_length;
        assert_eq!(found.tokens, pieces * (options.sequence_length - 1));
        assert_eq!(done.last(), Some(&(pieces, pieces)));
        for (found, key) in [(found.value, "value"), (found.standard_error, "standard_error")] {
            let expected = case[key].as_f64().unwrap();
            assert!(
                (found / expected - 1.0).abs() < tolerance,
                "{name}, {key}: {found}, Python has {expected}"
            );
        }
    }
}

#[test]
fn perplexities_are_pythons() {
    let fixture = read_json("golden/perplexity.json");
    let config = config(&fixture["config"]);
    let model = build(&config, &Loader::new(llama_weights(&config))).unwrap();
    compare(model.as_ref(), &fixture, "llama", 1e-5);
    let error = perplexity(model.as_ref(), &[1], PerplexityOptions::default(), |_, _| ());
    assert!(matches!(error, Err(Error::Invalid(_))));
}

#[test]
fn of_smollm2_too_whose_speed_is_measured() {
    let fixture = read_json("golden/perplexity.json");
    let lm = Lm::open(&smollm2()).unwrap();
    let text = lm.tokenizer().encode(fixture["text"].as_str().unwrap(), true).unwrap();
    let of_smollm2 =
        fixture["cases"].as_array().unwrap().iter().find(|case| case["model"] == "smollm2").unwrap();
    let ids: Vec<u32> = serde_json::from_value(of_smollm2["ids"].clone()).unwrap();
    assert!(text.starts_with(&ids));
    // The embedding's scales are in half precision in Python's folder only on the way.
    compare(lm.model(), &fixture, "smollm2", 1e-3);

    for (speed, batch, name) in [
        (Speed::Prompt, 1, "pp8 @ d16"),
        (Speed::Generation, 1, "tg8 @ d16"),
        (Speed::Generation, 3, "tg8 x 3 @ d16"),
    ] {
        let test = SpeedTest { speed, tokens: 8, depth: 16, batch };
        assert_eq!(test.name(), name);
        let found = measure(&lm, test, 2, 2048).unwrap();
        assert_eq!(found.rates.len(), 2);
        assert!(found.mean() > 0.0 && found.deviation() >= 0.0 && found.peak_memory > 90_000_000);
        let expected = speed == Speed::Generation;
        assert_eq!((found.bandwidth().is_some(), found.host_time.is_some()), (expected, expected));
        if let Some(bytes) = found.bytes_per_step {
            let weights = lm.weight_bytes().unwrap() as f64;
            assert!(bytes > weights && bytes < weights * 1.1, "{bytes} of {weights}");
        }
    }
    let limit = lm.context_length().unwrap();
    let test = SpeedTest { speed: Speed::Prompt, tokens: limit, depth: 1, batch: 1 };
    assert!(matches!(measure(&lm, test, 1, 2048), Err(Error::ContextLength { .. })));
}

fn program(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_mlx-lm")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&program(arguments)).unwrap()
}

#[test]
fn the_program_shows_measures_and_caches_smollm2() {
    let location = smollm2();
    let path = location.path().to_str().unwrap();
    let shown = json(&["show", path, "--json"]);
    assert_eq!((&shown["architecture"], &shown["supported"]), (&"llama".into(), &true.into()));
    assert_eq!(
        (shown["parameters"].as_u64(), shown["context_length"].as_u64()),
        (Some(134_515_008), Some(8192))
    );
    assert_eq!(shown["cache_bytes_per_token"], 30 * 2 * 3 * 64 * 2);
    assert_eq!((&shown["quantization"], &shown["capabilities"][0]), (&"Q4_1".into(), &"chat".into()));
    let text = String::from_utf8(program(&["show", path])).unwrap();
    assert!(text.contains("parameters     134.5 M") && text.contains(" at 8192 tokens, fits"), "{text}");

    let bench = [
        "bench", "--model", path, "-p", "4", "-g", "2", "-b", "1,2", "-r", "1", "--regex", "[a-z ]+",
        "--json",
    ];
    let measured = json(&bench);
    let results = measured["results"].as_array().unwrap();
    let tests: Vec<_> = results.iter().map(|result| result["test"].as_str().unwrap()).collect();
    assert_eq!(tests, ["pp4", "tg2", "tg2 x 2"]);
    assert!(results.iter().all(|result| result["tokens_per_second"].as_f64().unwrap() > 0.0));
    let share = results[1]["engine_share"].as_f64().unwrap();
    assert!(share > 0.0 && share < 1.0 && results[1]["grammar_overhead"].is_f64(), "{measured}");
    assert!(results[0]["engine_share"].is_null());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.safetensors");
    let file = file.to_str().unwrap();
    program(&["cache-prompt", "--model", path, "--raw", "--prompt", "1 2 3 4", "--output", file]);
    let lm = Lm::open(&location).unwrap();
    let mut cache = lm.model().new_cache();
    let metadata = cache.load(file).unwrap();
    assert_eq!(metadata["model"], path);
    assert_eq!(cache.offset().max() as usize, lm.tokenizer().encode("1 2 3 4", true).unwrap().len());
}
