//! Writes a model as a folder that mlx-lm, here and in Python, loads.
//!
//! Tensors keep the names and the layout that Python mlx-lm has for them, and are read, changed and written one layer
//! at a time, so that a conversion needs memory for the largest tensor and not for the model.

mod card;
mod config;
mod layout;
mod model;
mod pack;
mod python;
mod recipe;
mod writer;

pub use recipe::{LayerInfo, MixedBits, Recipe};

use crate::{
    Error, Result, Tokenizer,
    config::ModelConfig,
    gguf::Gguf,
    source::{Location, Progress},
};
use mlx::Dtype;
use model::{Change, Tensors};
use serde_json::json;
use std::{fs, path::Path};

/// What to change on the way.
#[derive(Debug, Default)]
pub struct ConvertOptions {
    /// The type of all floating-point tensors; `None` takes what `config.json` says, and keeps each as it is where it
    /// says nothing. What balances the choice of experts keeps its type, and so do rates of decay, where
    /// Python mlx-lm has it so.
    pub dtype: Option<Dtype>,
    /// What becomes of the weights.
    pub weights: WeightChange,
    /// Show a progress bar on stderr. Default: false.
    pub progress: bool,
}

/// What becomes of a model's weights.
#[derive(Debug, Default)]
pub enum WeightChange {
    /// Nothing.
    #[default]
    Keep,
    /// Those that are not quantized yet become so.
    Quantize(Recipe),
    /// Those that are quantized become the numbers they stand for.
    Dequantize,
}

/// What a conversion has done.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Bytes of all tensors.
    pub bytes: u64,
    /// Numbers in the model: a packed word counts as those it stands for.
    pub parameters: u64,
    /// What the user should know, though it stopped nothing.
    pub notes: Vec<String>,
}

impl Converted {
    /// Bits of storage for each number.
    pub fn bits_per_weight(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.parameters.max(1) as f64
    }
}

/// Files that go along unchanged.
const COMPANIONS: &[&str] = &[
    "1_Pooling/config.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "modules.json",
    "qwen.tiktoken",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tekken.json",
    "tiktoken.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
];

/// Writes the model at `source` to the new folder `output`: `config.json`, `model*.safetensors` of at most 5 GiB with
/// their index, the tokenizer's files and a model card. The folder appears when it is complete.
///
/// ```no_run
/// # fn main() -> mlx_lm::Result<()> {
/// use mlx::nn::Quantization;
/// use mlx_lm::{ConvertOptions, Recipe, WeightChange, convert, source::Location};
///
/// // 4 bits, but 8 for the head, and the first layer as it is.
/// let recipe = Recipe::new(Quantization::affine(64, 4))
///     .layer("lm_head", Some(Quantization::affine(64, 8)))
///     .rule(|layer| layer.path.starts_with("model.layers.0.").then_some(None));
/// let options = ConvertOptions { weights: WeightChange::Quantize(recipe), ..ConvertOptions::default() };
/// convert(&Location::Folder("Qwen3-8B".into()), "Qwen3-8B-4bit".as_ref(), options)?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::Invalid`] if `output` exists or there is nothing to quantize; what reading the model and writing the files
/// can meet.
pub fn convert(source: &Location, output: &Path, options: ConvertOptions) -> Result<Converted> {
    if output.exists() {
        return Err(Error::Invalid(format!("{} exists; remove it or name another folder", output.display())));
    }
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = output.with_file_name(name);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|e| Error::io(&partial, e))?;
    }
    fs::create_dir_all(&partial).map_err(|e| Error::io(&partial, e))?;
    let written = write_folder(source, &partial, options).and_then(|done| {
        fs::rename(&partial, output).map_err(|e| Error::io(output, e))?;
        Ok(done)
    });
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn write_folder(source: &Location, folder: &Path, options: ConvertOptions) -> Result<Converted> {
    let (config, tensors) = match source {
        Location::Folder(from) => {
            let config = ModelConfig::load(from)?;
            let tensors = Tensors::of_folder(from, &config)?;
            copy_companions(from, folder)?;
            (config, tensors)
        }
        Location::Gguf(from) => {
            let gguf = Gguf::open(from)?;
            let tokenizer = Tokenizer::from_gguf(gguf.tokenizer()?)?;
            tokenizer.save(folder)?;
            let ends = json!({ "eos_token_id": tokenizer.eos_ids() });
            config::write_json(&folder.join("generation_config.json"), &ends)?;
            let config = ModelConfig::parse(from, &gguf.config()?.to_string())?;
            let tensors = Tensors::of_gguf(gguf)?;
            (config, tensors)
        }
    };
    let dtype = options.dtype.or_else(|| config::stored_dtype(&config.json));
    let change = Change { dtype, weights: &options.weights };
    let plan = tensors.plan(&config, &change)?;
    let json = config::converted(&config, &options, &plan.layers);
    config::write_json(&folder.join("config.json"), &json)?;
    card::write(source, folder, &json)?;
    let progress = |total| Progress::bytes(total, options.progress);
    let bytes = writer::write(folder, plan.jobs, plan.parameters, progress)?;
    Ok(Converted { bytes, parameters: plan.parameters, notes: plan.notes })
}

fn copy_companions(from: &Path, to: &Path) -> Result<()> {
    for name in COMPANIONS {
        let file = from.join(name);
        if file.is_file() {
            if let Some((folder, _)) = name.split_once('/') {
                fs::create_dir_all(to.join(folder)).map_err(|e| Error::io(to.join(folder), e))?;
            }
            fs::copy(&file, to.join(name)).map_err(|e| Error::io(&file, e))?;
        }
    }
    Ok(())
}
