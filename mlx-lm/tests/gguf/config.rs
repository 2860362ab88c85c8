//! Metadata against the `config.json` of the same model.

use mlx_lm::Error;
use mlx_lm::gguf::{Value, Values};
use serde_json::{Value as Json, json};

use crate::writer::Writer;

/// A Llama model with two layers, 8 heads of 16 dimensions and a vocabulary of 5.
fn llama() -> Writer {
    Writer::new()
        .string("general.architecture", "llama")
        .uint("llama.block_count", 2)
        .uint("llama.context_length", 4096)
        .uint("llama.embedding_length", 128)
        .uint("llama.feed_forward_length", 320)
        .uint("llama.attention.head_count", 8)
        .uint("llama.attention.head_count_kv", 2)
        .float("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .float("llama.rope.freq_base", 500_000.0)
        .uint("llama.rope.dimension_count", 16)
        .uint("tokenizer.ggml.bos_token_id", 1)
        .uint("tokenizer.ggml.eos_token_id", 2)
        .floats("token_embd.weight", &[5, 128], &[0.0; 640])
        .floats("blk.1.attn_norm.weight", &[128], &[0.0; 128])
}

fn config(writer: &Writer) -> Json {
    writer.open().unwrap().config().unwrap()
}

#[test]
fn hyperparameters_have_hugging_faces_names() {
    let expected = json!({
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "vocab_size": 5,
        "hidden_size": 128,
        "intermediate_size": 320,
        "num_hidden_layers": 2,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500_000.0,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": true,
        "attention_bias": false,
        "mlp_bias": false,
        "bos_token_id": 1,
        "eos_token_id": 2,
    });
    assert_eq!(config(&llama()), expected);
}

#[test]
fn absent_metadata_has_defaults() {
    let writer = ["attention.head_count_kv", "rope.freq_base", "rope.dimension_count"]
        .iter()
        .fold(llama(), |writer, key| writer.without(&format!("llama.{key}")));
    let config = config(&writer);
    assert_eq!(
        (&config["num_key_value_heads"], &config["rope_theta"], &config["head_dim"]),
        (&json!(8), &json!(10_000.0), &json!(16))
    );
}

#[test]
fn tensors_decide_about_ties_and_biases() {
    let writer = llama().floats("output.weight", &[5, 128], &[0.0; 640]).floats(
        "blk.0.attn_q.bias",
        &[128],
        &[0.0; 128],
    );
    let config = config(&writer);
    assert_eq!((&config["tie_word_embeddings"], &config["attention_bias"]), (&json!(false), &json!(true)));
}

#[test]
fn quantization_lists_what_differs() {
    let q8 = |writer: Writer, name: &str| writer.tensor(name, &[1, 32], 8, vec![0; 34]);
    let q4 = |writer: Writer, name: &str| writer.tensor(name, &[1, 32], 2, vec![0; 18]);
    let entry = |bits| json!({"group_size": 32, "bits": bits, "mode": "affine"});

    let writer = q4(q4(q8(llama(), "blk.0.attn_v.weight"), "blk.0.attn_k.weight"), "blk.0.ffn_up.weight");
    let mut expected = entry(4);
    expected["model.layers.0.self_attn.v_proj"] = entry(8);
    assert_eq!(config(&writer)["quantization"], expected);

    let writer = q8(q8(llama(), "blk.0.attn_v.weight"), "output.weight");
    assert_eq!(config(&writer)["quantization"], entry(8));
}

#[test]
fn rope_scaling_is_recognized() {
    let yarn = llama()
        .string("llama.rope.scaling.type", "yarn")
        .float("llama.rope.scaling.factor", 4.0)
        .uint("llama.rope.scaling.original_context_length", 1024);
    let cases = [
        (llama(), Json::Null),
        (llama().string("llama.rope.scaling.type", "none"), Json::Null),
        (llama().float("llama.rope.scale_linear", 1.0), Json::Null),
        (llama().float("llama.rope.scale_linear", 2.0), json!({"rope_type": "linear", "factor": 2.0})),
        (
            llama().string("llama.rope.scaling.type", "linear").float("llama.rope.scaling.factor", 2.5),
            json!({"rope_type": "linear", "factor": 2.5}),
        ),
        (yarn, json!({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024})),
    ];
    for (writer, expected) in cases {
        let config = config(&writer);
        assert_eq!(config.get("rope_scaling").unwrap_or(&Json::Null), &expected);
    }
}

/// The factors of Llama 3.2 1B (head of 64, theta 500000, factor 32, context 8192), from the formula in the model's
/// reference code evaluated in Python, to six digits.
fn llama_3_2_factors() -> [f32; 32] {
    let mut factors = [32.0; 32];
    factors[..15].fill(1.0);
    factors[15..18].copy_from_slice(&[1.65133, 3.29226, 9.66673]);
    factors
}

#[test]
fn frequency_factors_of_llama_3_become_its_parameters() {
    let model = llama()
        .uint("llama.rope.dimension_count", 64)
        .uint("llama.attention.key_length", 64)
        .uint("llama.attention.value_length", 64);
    let scaling = |factors: &[f32]| {
        config(&model.clone().floats("rope_freqs.weight", &[32], factors)).get("rope_scaling").cloned()
    };
    let expected = json!({
        "rope_type": "llama3",
        "factor": 32.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    assert_eq!(scaling(&llama_3_2_factors()), Some(expected));
    assert_eq!(scaling(&[1.0; 32]), None);

    let mut other = llama_3_2_factors();
    other[16] *= 1.01;
    assert_eq!(scaling(&other), Some(json!({"rope_type": "freq_factors", "factors": other})));
}

#[test]
fn contradictions_and_gaps_are_named() {
    let layers = Value::Array(Values::U64(vec![8, 4]));
    let cases = [
        (llama().without("llama.context_length"), "llama.context_length is missing"),
        (llama().without("llama.attention.layer_norm_rms_epsilon"), "layer_norm_rms_epsilon is missing"),
        (llama().string("llama.embedding_length", "x"), "`llama.embedding_length` is a string"),
        (
            llama().uint("llama.block_count", 1 << 60),
            "there is no tensor `blk.1152921504606846975.attn_norm.weight`",
        ),
        (llama().uint("llama.block_count", 0), "`llama.block_count` is 0"),
        (
            llama().uint("llama.rope.dimension_count", 8).uint("llama.attention.key_length", 16),
            "is not supported",
        ),
        (
            llama().without("llama.rope.dimension_count").uint("llama.attention.head_count", 0),
            "a head of 0 dimensions",
        ),
        (
            llama().set("llama.attention.head_count_kv", layers),
            "`llama.attention.head_count_kv` differs between layers",
        ),
        (llama().string("llama.rope.scaling.type", "longrope"), "RoPE scaling `longrope`"),
        (
            llama().floats("rope_freqs.weight", &[2], &[1.0; 2]),
            "`rope_freqs.weight` must hold 8 positive numbers",
        ),
        (
            llama().floats("rope_freqs.weight", &[8], &[f32::NAN; 8]),
            "`rope_freqs.weight` must hold 8 positive numbers",
        ),
    ];
    for (writer, expected) in cases {
        let message = writer.open().unwrap().config().unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
    let uniform = Value::Array(Values::I64(vec![2, 2]));
    assert_eq!(config(&llama().set("llama.attention.head_count_kv", uniform))["num_key_value_heads"], 2);
}

#[test]
fn other_architectures_are_named() {
    for (writer, model_type) in [
        (llama().string("general.architecture", "mamba"), "mamba"),
        (llama().uint("llama.expert_count", 8), "llama with 8 experts"),
    ] {
        let error = writer.open().unwrap().config().unwrap_err();
        assert!(
            matches!(&error, Error::UnsupportedModel { model_type: found, .. } if found == model_type),
            "{error}"
        );
    }
}
