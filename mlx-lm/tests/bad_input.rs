//! Model files that are wrong in one way each: the error names the file, the thing and what is expected.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{Tensors, config, fixtures, llama_weights};
use mlx::{Array, Dtype, zeros};
use mlx_lm::{ConvertOptions, Error, Lm, convert, source::Location};
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

fn tiny() -> Value {
    json!({
        "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "vocab_size": 96,
        "max_position_embeddings": 64, "tie_word_embeddings": true,
    })
}

/// A complete model folder, changed by `change` before it is written.
fn folder(change: impl FnOnce(&mut Value, &mut Tensors)) -> TempDir {
    let mut json = tiny();
    let mut tensors = llama_weights(&config(&json));
    change(&mut json, &mut tensors);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), json.to_string()).unwrap();
    let arrays = tensors.iter().map(|(name, array)| (name.as_str(), array));
    mlx::io::save_safetensors(folder.path().join("model.safetensors"), arrays, &[]).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(fixtures().join("tokenizer/byte_level").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn open(folder: &Path) -> Result<Lm, Error> {
    Lm::open(&Location::Folder(folder.to_owned()))
}

fn message(result: Result<Lm, Error>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn the_tiny_model_is_fine_unchanged() {
    let folder = folder(|_, _| {});
    let lm = open(folder.path()).unwrap();
    assert_eq!(lm.generate("ab").max_tokens(3).into_iter().filter(Result::is_ok).count(), 3);
    assert_eq!(lm.context_length(), Some(64));
}

#[test]
fn weights_that_do_not_match_the_model() {
    type Change = fn(&mut Value, &mut Tensors);
    let cases: [(Change, &str); 6] = [
        (|_, t| drop(t.remove("model.norm.weight")), "tensor `model.norm.weight` is missing"),
        (
            |_, t| drop(t.insert("model.layers.0.self_attn.q_norm.weight".into(), zeros(&[16], Dtype::F32))),
            "the model has no place for 1 tensors: `model.layers.0.self_attn.q_norm.weight`",
        ),
        (
            |_, t| drop(t.insert("model.norm.weight".into(), zeros(&[33], Dtype::F32))),
            "tensor `model.norm.weight` has the shape [33], the model expects [32]",
        ),
        (|c, _| c["tie_word_embeddings"] = false.into(), "tensor `lm_head.weight` is missing"),
        (
            |c, _| c["num_hidden_layers"] = 2.into(),
            "tensor `model.layers.1.self_attn.q_proj.weight` is missing",
        ),
        (
            |c, t| {
                let name = "model.layers.0.mlp.up_proj";
                c["quantization"] =
                    json!({ "group_size": 32, "bits": 4, name: { "group_size": 32, "bits": 8 } });
                t.insert(format!("{name}.weight"), zeros(&[64, 4], Dtype::U32));
                t.insert(format!("{name}.scales"), zeros(&[64, 1], Dtype::F32));
                t.insert(format!("{name}.biases"), zeros(&[64, 1], Dtype::F32));
            },
            "tensor `model.layers.0.mlp.up_proj.weight` has the shape [64, 4], the model expects [64, 8]",
        ),
    ];
    for (change, expected) in cases {
        let folder = folder(change);
        let error = message(open(folder.path()));
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with(&folder.path().display().to_string()), "{error}");
    }
}

#[test]
fn configurations_without_code() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 7] = [
        (|c| c["model_type"] = "mamba9".into(), "unsupported model type `mamba9`; known: "),
        (
            |c| c["quantization"] = json!({ "mode": "fp5" }),
            "mode \"fp5\"; MLX has affine, mxfp4, nvfp4, mxfp8",
        ),
        (|c| c["quantization_config"] = json!({ "quant_method": "bitsandbytes" }), "`bitsandbytes`"),
        (|c| c["rope_scaling"] = json!({ "rope_type": "spiral" }), "rope scaling `spiral` is not supported"),
        (|c| c["num_key_value_heads"] = 3.into(), "2 heads of 16 do not fit 3 key-value heads"),
        (|c| c["hidden_size"] = 0.into(), "`hidden_size` is 0"),
        (|c| c["layer_types"] = json!(["recurrent"]), "unknown layer type `recurrent`"),
    ];
    for (change, expected) in cases {
        let folder = folder(|config, _| change(config));
        let error = message(open(folder.path()));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn files_that_are_cut_or_absent() {
    type Damage = fn(&Path);
    let cases: [(Damage, &str); 5] = [
        (
            |f| {
                let file = fs::File::options().write(true).open(f.join("model.safetensors")).unwrap();
                file.set_len(file.metadata().unwrap().len() - 1).unwrap();
            },
            "model.safetensors: invalid safetensors file: its tensors take",
        ),
        (|f| fs::write(f.join("model.safetensors"), "PK").unwrap(), "it has 2 bytes, too few for a header"),
        (|f| fs::remove_file(f.join("model.safetensors")).unwrap(), "no weights: no model*.safetensors"),
        (|f| fs::remove_file(f.join("tokenizer.json")).unwrap(), "has no tokenizer.json"),
        (|f| fs::write(f.join("config.json"), "{").unwrap(), "config.json: invalid JSON"),
    ];
    for (damage, expected) in cases {
        let folder = folder(|_, _| {});
        damage(folder.path());
        let error = message(open(folder.path()));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_broken_template_names_its_line() {
    let folder = folder(|_, _| {});
    fs::write(folder.path().join("chat_template.jinja"), "fine\n{% for m in %}").unwrap();
    // Found when the folder is read, or when a conversation is rendered; not later, and not by a panic.
    let error = match open(folder.path()) {
        Ok(lm) => lm.chat("hello").err().expect("an error"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(matches!(error, Error::Template(_)) && text.contains("line 2"), "{text}");
    fs::remove_file(folder.path().join("chat_template.jinja")).unwrap();
    let lm = open(folder.path()).unwrap();
    assert!(lm.chat("hello").err().expect("no template").to_string().contains("plain prompt"));
}

#[test]
fn prompts_beyond_the_context() {
    let folder = folder(|_, _| {});
    let lm = open(folder.path()).unwrap();
    let error = lm.generate(vec![5; 64]).text().unwrap_err();
    assert!(matches!(error, Error::ContextLength { prompt: 64, limit: 64 }), "{error}");
    // Room for one more token, whatever was asked for.
    assert_eq!(lm.generate(vec![5; 63]).max_tokens(10).into_iter().count(), 1);
}

#[test]
fn conversions_refuse_to_overwrite_and_leave_nothing_half_done() {
    let source = folder(|_, _| {});
    let target = tempfile::tempdir().unwrap();
    let error = convert(&Location::Folder(source.path().into()), target.path(), ConvertOptions::default());
    assert!(error.unwrap_err().to_string().contains("exists; remove it"));

    let output = target.path().join("model");
    fs::write(source.path().join("model.safetensors"), "PK").unwrap();
    assert!(convert(&Location::Folder(source.path().into()), &output, ConvertOptions::default()).is_err());
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0);
}

#[test]
fn conversions_change_the_dtype_of_floats_only() {
    let source = folder(|_, _| {});
    let target = tempfile::tempdir().unwrap();
    let output = target.path().join("model");
    let options = ConvertOptions { dtype: Some(Dtype::Bf16), ..ConvertOptions::default() };
    convert(&Location::Folder(source.path().into()), &output, options).unwrap();
    let tensors = mlx::io::load_safetensors(output.join("model.safetensors")).unwrap();
    assert!(tensors.values().map(Array::dtype).all(|dtype| dtype.unwrap() == Dtype::Bf16));
    assert!(open(&output).is_ok());
}
