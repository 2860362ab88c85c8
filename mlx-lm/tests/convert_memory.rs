//! What a conversion takes at once. The only test of its process, whose memory is counted as a whole.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use mlx_lm::{ConvertOptions, Recipe, WeightChange, convert, source::Location};
use serde_json::json;
use std::fs;

#[test]
fn conversions_take_twice_the_largest_tensor_and_300_megabytes() {
    let (vocabulary, hidden) = (16_384usize, 512usize);
    let config = json!({
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": 2, "intermediate_size": 1024,
        "num_attention_heads": 8, "num_key_value_heads": 4, "rms_norm_eps": 1e-5, "vocab_size": vocabulary,
        "max_position_embeddings": 256, "rope_theta": 10000.0, "tie_word_embeddings": true,
    });
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("config.json"), config.to_string()).unwrap();
    {
        let tensors = common::llama_weights(&common::config(&config));
        let arrays = tensors.iter().map(|(name, array)| (name.as_str(), array));
        mlx::io::save_safetensors(source.join("model.safetensors"), arrays, &[]).unwrap();
    }
    for text in ["4:64", "2:32", "4:32:mxfp4", "4:16:nvfp4", "8:32:mxfp8"] {
        let quantization = Recipe::parse_quantization(text).unwrap().unwrap();
        let weights = WeightChange::Quantize(Recipe::new(quantization));
        mlx::memory::clear_cache().unwrap();
        mlx::memory::reset_peak().unwrap();
        let options = ConvertOptions { weights, ..ConvertOptions::default() };
        convert(&Location::Folder(source.clone()), &folder.path().join(text.replace(':', "_")), options)
            .unwrap();
        let (peak, largest) = (mlx::memory::peak().unwrap(), 4 * vocabulary * hidden);
        assert!(
            peak < 2 * largest + 300_000_000,
            "{text}: {peak} bytes at once, {largest} in the largest tensor"
        );
    }
}
