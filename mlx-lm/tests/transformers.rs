//! Logits of tiny checkpoints as transformers writes them, in both dialects of `config.json`;
//! `xtask/golden/transformers_models.py` makes the fixture.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{Tensors, config, fixtures, named_weights, read_json};
use mlx::{Array, Loader};
use serde_json::Value;

/// The largest difference of a logit; their standard deviation is about 0.6.
const TOLERANCE: f32 = 1e-3;

#[test]
fn models_agree_with_transformers() {
    let fixture = read_json("golden/transformers.json");
    let expected = mlx::io::load_safetensors(fixtures().join("golden/transformers.safetensors")).unwrap();
    let tokens: Vec<u32> = serde_json::from_value(fixture["tokens"].clone()).unwrap();
    let mut wrong = vec![];
    for model in fixture["models"].as_array().unwrap() {
        let name = model["name"].as_str().unwrap();
        for dialect in ["config", "config_4"].into_iter().filter(|dialect| !model[dialect].is_null()) {
            match difference(&model[dialect], &tensors(&model["tensors"]), &tokens, &expected[name]) {
                Ok(difference) if difference <= TOLERANCE => {}
                Ok(difference) => wrong.push(format!("{name}, {dialect}: logits differ by {difference}")),
                Err(error) => wrong.push(format!("{name}, {dialect}: {error}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rotary embeddings with wavelengths for short and for long sequences take those for the whole prompt.
#[test]
fn a_prompt_in_parts_is_as_long_as_in_one() {
    let fixture = read_json("golden/transformers.json");
    let expected = mlx::io::load_safetensors(fixtures().join("golden/transformers.safetensors")).unwrap();
    let tokens: Vec<u32> = serde_json::from_value(fixture["tokens"].clone()).unwrap();
    let name = "phi3_long";
    let description =
        fixture["models"].as_array().unwrap().iter().find(|model| model["name"] == name).unwrap();
    let weights = Loader::new(tensors(&description["tensors"]));
    let model = mlx_lm::models::build(&config(&description["config"]), &weights).unwrap();
    let mut cache = model.new_cache();
    cache.expect(tokens.len() as i32);
    let parts = tokens
        .chunks(9)
        .map(|part| model.forward(&Array::from_slice(part, &[1, part.len() as i32]), &mut cache).unwrap());
    let logits = mlx::concatenate(&parts.collect::<Vec<_>>(), 1).unwrap();
    let expected = &expected[name];
    let logits = logits.at((0, -expected.dim(0).unwrap()..)).unwrap();
    let difference = (logits - expected).abs().unwrap().max(..).unwrap().item::<f32>().unwrap();
    assert!(difference <= TOLERANCE, "logits differ by {difference}");
}

fn difference(json: &Value, tensors: &Tensors, tokens: &[u32], expected: &Array) -> mlx_lm::Result<f32> {
    let model = mlx_lm::models::build(&config(json), &Loader::new(tensors.clone()))?;
    let tokens = Array::from_slice(tokens, &[1, tokens.len() as i32]);
    let logits = model.forward(&tokens, &mut model.new_cache())?.at((0, -expected.dim(0)?..))?;
    Ok((logits - expected).abs()?.max(..)?.item::<f32>()?)
}

fn tensors(shapes: &Value) -> Tensors {
    let shape = |shape: &Value| serde_json::from_value(shape.clone()).unwrap();
    named_weights(shapes.as_object().unwrap().iter().map(|(name, dims)| (name.as_str(), shape(dims))))
}
