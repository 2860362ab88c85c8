//! Converts small models of such layers, and compares what comes of them.

use crate::encoding::Random;
use mlx::{Array, Dtype, nn::Mode};
use mlx_lm::{ConvertOptions, Error, ModelConfig, WeightChange, convert, source::Location, weights::open};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

pub(crate) const HIDDEN: usize = 128;
pub(crate) const INNER: usize = 256;
/// Layers, rows and columns.
pub(crate) const LAYERS: [(&str, usize, usize); 7] = [
    ("self_attn.q_proj", HIDDEN, HIDDEN),
    ("self_attn.k_proj", 64, HIDDEN),
    ("self_attn.v_proj", 64, HIDDEN),
    ("self_attn.o_proj", HIDDEN, HIDDEN),
    ("mlp.gate_proj", INNER, HIDDEN),
    ("mlp.up_proj", INNER, HIDDEN),
    ("mlp.down_proj", HIDDEN, INNER),
];

/// The parts of a layer as the other program stores them, and the numbers they stand for, row by row.
pub(crate) type Encoded = (Vec<(&'static str, Array)>, Vec<f64>);

/// What MLX shall make of a layer; dense if `None`.
pub(crate) type Stored = Option<(i32, i32, Mode)>;

/// Of a product with a zero that half precision rounds.
pub(crate) const ROUNDED: f64 = 1e-3;
pub(crate) const EXACT: f64 = 1e-7;
pub(crate) const BFLOAT16: f64 = 4e-3;

/// Converts a small Llama whose layers are encoded so, and compares what is stored, and the numbers it stands for.
pub(crate) fn check(
    name: &str,
    block: &Value,
    stored: Stored,
    tolerance: f64,
    encode: impl Fn(usize, usize, &mut Random) -> Encoded,
) {
    let mut random = Random(name.len() as u64);
    let config = json!({
        "model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": 1, "intermediate_size": INNER,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "vocab_size": 32,
        "max_position_embeddings": 64, "rope_theta": 10000.0, "tie_word_embeddings": true,
    });
    let mut tensors: BTreeMap<String, Array> = BTreeMap::new();
    let mut reference: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (layer, rows, columns) in LAYERS {
        let (parts, numbers) = encode(rows, columns, &mut random);
        let path = format!("model.layers.0.{layer}");
        tensors.extend(parts.into_iter().map(|(part, array)| (format!("{path}.{part}"), array)));
        reference.insert(path, numbers);
    }
    let ones = |count| mlx::ones(&[count], Dtype::Bf16);
    for norm in ["model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"] {
        tensors.insert(format!("{norm}.weight"), ones(HIDDEN as i32));
    }
    tensors.insert("model.embed_tokens.weight".into(), mlx::ones(&[32, HIDDEN as i32], Dtype::Bf16));

    let source = Source::new(config, block, &tensors);
    let (notes, kept) = source.convert(None, WeightChange::Keep).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(notes.is_empty(), stored.is_some(), "{name}: {notes:?}");
    let config = ModelConfig::load(&kept).unwrap();
    for path in reference.keys() {
        let found = config.quantization.of(path).map(|q| (q.bits, q.group_size, q.mode));
        assert_eq!(found, stored, "{name}: {path}");
    }
    source.expect(name, &reference, tolerance);
}

/// A checkpoint of another program.
pub(crate) struct Source(tempfile::TempDir);

impl Source {
    /// `block` is part of `config.json`, or a file of its own if it names who wrote it.
    pub(crate) fn new(mut config: Value, block: &Value, tensors: &BTreeMap<String, Array>) -> Source {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source");
        fs::create_dir(&path).unwrap();
        match block.get("producer") {
            Some(_) => fs::write(path.join("hf_quant_config.json"), block.to_string()).unwrap(),
            None => config["quantization_config"] = block.clone(),
        }
        fs::write(path.join("config.json"), config.to_string()).unwrap();
        let arrays = tensors.iter().map(|(name, array)| (name.as_str(), array));
        mlx::io::save_safetensors(path.join("model.safetensors"), arrays, &[]).unwrap();
        Source(folder)
    }

    /// What the conversion noted, and where it wrote.
    pub(crate) fn convert(
        &self,
        dtype: Option<Dtype>,
        weights: WeightChange,
    ) -> Result<(Vec<String>, PathBuf), Error> {
        let output = self.0.path().join(format!("{weights:?}"));
        let options = ConvertOptions { dtype, weights, progress: false };
        let done = convert(&Location::Folder(self.0.path().join("source")), &output, options)?;
        Ok((done.notes, output))
    }

    /// Compares the numbers of layers.
    pub(crate) fn expect(&self, name: &str, reference: &BTreeMap<String, Vec<f64>>, tolerance: f64) {
        let dense = self.convert(Some(Dtype::F32), WeightChange::Dequantize).unwrap().1;
        let tensors = open(&dense).unwrap().tensors().unwrap();
        for (path, expected) in reference {
            let found = tensors[&format!("{path}.weight")].to_vec::<f32>().unwrap();
            assert_eq!(found.len(), expected.len(), "{name}: {path}");
            let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                let difference = (f64::from(*found) - expected).abs();
                assert!(
                    difference <= tolerance * largest,
                    "{name}: {path}, number {i}: {found}, expected {expected}"
                );
            }
        }
    }
}
