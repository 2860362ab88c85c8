//! `mlx-lm convert`.

use clap::{Args, ValueEnum};
use mlx::{
    Dtype, Engine,
    nn::{Mode, Quantization},
};
use mlx_lm::{
    ConvertOptions, Error, MixedBits, Recipe, Result, WeightChange, convert,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::{Map, Value};
use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// The arguments of `convert`.
#[derive(Args)]
#[command(after_help = "Examples:
  mlx-lm convert --model Qwen/Qwen3-0.6B --output qwen3-4bit --quantize
  mlx-lm convert --model Qwen/Qwen3-0.6B --output qwen3-mixed --quantize --quant-predicate mixed_3_6
  mlx-lm convert --model Qwen/Qwen3-0.6B --output qwen3-mxfp4 --quantize --q-mode mxfp4 --q-layer lm_head=8:64
  mlx-lm convert --model model.gguf --output model-mlx")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, visible_alias = "hf-path", default_value = DEFAULT_MODEL)]
    model: String,
    /// The folder to write; it must not exist
    #[arg(long, short, visible_alias = "mlx-path")]
    output: PathBuf,
    /// The type of floating-point tensors; packed weights stay as they are [default: as config.json says, or as stored]
    #[arg(long, value_enum)]
    dtype: Option<FloatType>,
    /// Store weights in few bits
    #[arg(long, short)]
    quantize: bool,
    /// Store quantized weights as the numbers they stand for
    #[arg(long, short, conflicts_with = "quantize")]
    dequantize: bool,
    #[command(flatten)]
    recipe: RecipeArguments,
}

#[derive(Args)]
struct RecipeArguments {
    /// How numbers are stored
    #[arg(long, value_parser = mode, default_value = "affine", requires = "quantize")]
    q_mode: Mode,
    /// Bits of a number: 2, 3, 4, 5, 6 or 8 [default: 4; of mxfp8: 8]
    #[arg(long, requires = "quantize")]
    q_bits: Option<i32>,
    /// Numbers that share a scale: 32, 64 or 128 [default: 64; of mxfp4 and mxfp8: 32; of nvfp4: 16]
    #[arg(long, requires = "quantize")]
    q_group_size: Option<i32>,
    /// More bits for the layers that matter more: mixed_LOW_HIGH
    #[arg(long, value_parser = mixed_bits, requires = "quantize", conflicts_with_all = ["q_bits", "q_mode"])]
    quant_predicate: Option<MixedBits>,
    /// How layers are stored whose path has PATTERN as some of its segments, or matches it with *: BITS[:GROUP[:MODE]] or
    /// none; may be given more than once, the first that matches counts
    #[arg(long, value_name = "PATTERN=BITS", value_parser = layer, requires = "quantize")]
    q_layer: Vec<(String, Option<Quantization>)>,
    /// A JSON file of such patterns: {"lm_head": "8:64", "mlp.down_proj": {"bits": 6}, "model.embed_tokens": false}
    #[arg(long, value_name = "FILE", requires = "quantize")]
    q_layers: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FloatType {
    Float32,
    Float16,
    Bfloat16,
}

fn mode(name: &str) -> Result<Mode, String> {
    Mode::from_name(name).ok_or_else(|| format!("one of {}", Mode::ALL.map(Mode::name).join(", ")))
}

fn mixed_bits(name: &str) -> Result<MixedBits, String> {
    let found = MixedBits::NAMED.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, bits)| *bits)
        .ok_or_else(|| format!("one of {}", MixedBits::NAMED.map(|(name, _)| name).join(", ")))
}

fn layer(text: &str) -> Result<(String, Option<Quantization>), String> {
    let (pattern, settings) = text.split_once('=').ok_or("expected PATTERN=BITS[:GROUP[:MODE]]")?;
    Ok((pattern.to_owned(), Recipe::parse_quantization(settings).map_err(|error| error.to_string())?))
}

impl RecipeArguments {
    fn recipe(&self) -> Result<Recipe> {
        let default = Quantization {
            group_size: self.q_group_size.unwrap_or(self.q_mode.group_sizes()[0]),
            bits: self.q_bits.unwrap_or(self.q_mode.bits()[0]),
            mode: self.q_mode,
        };
        let default = default.check().map_err(|error| Error::Invalid(error.message().to_owned()))?;
        let recipe = match self.quant_predicate {
            Some(bits) => Recipe::mixed(bits, default.group_size),
            None => Recipe::new(default),
        };
        let mut layers = self.q_layer.clone();
        if let Some(file) = &self.q_layers {
            layers.extend(read_layers(file)?);
        }
        // Each rule goes before those that are there.
        Ok(layers
            .into_iter()
            .rev()
            .fold(recipe, |recipe, (pattern, settings)| recipe.layer(pattern, settings)))
    }
}

fn read_layers(file: &Path) -> Result<Vec<(String, Option<Quantization>)>> {
    let text = fs::read_to_string(file).map_err(|e| Error::io(file, e))?;
    let layers: Map<String, Value> = serde_json::from_str(&text).map_err(|e| Error::config(file, e))?;
    let settings = |value: &Value| match value {
        Value::Bool(false) => Ok(None),
        Value::String(text) => Recipe::parse_quantization(text),
        Value::Number(bits) => Recipe::parse_quantization(&bits.to_string()),
        Value::Object(fields) => object_settings(fields),
        other => Err(Error::Invalid(format!("{other} is no quantization"))),
    };
    let read = |(pattern, value): (String, Value)| match settings(&value) {
        Ok(quantization) => Ok((pattern, quantization)),
        Err(error) => Err(Error::config(file, format!("`{pattern}`: {error}"))),
    };
    layers.into_iter().map(read).collect()
}

/// `{"bits", "group_size", "mode"}`, as in `config.json`.
fn object_settings(fields: &Map<String, Value>) -> Result<Option<Quantization>> {
    let name = fields.get("mode").and_then(Value::as_str).unwrap_or("affine");
    let mode = Mode::from_name(name).ok_or_else(|| Error::Invalid(format!("unknown mode `{name}`")))?;
    let number = |key: &str, default: i32| match fields.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| Error::Invalid(format!("`{key}` is {value}"))),
    };
    let quantization = Quantization {
        group_size: number("group_size", mode.group_sizes()[0])?,
        bits: number("bits", mode.bits()[0])?,
        mode,
    };
    quantization.check().map(Some).map_err(|error| Error::Invalid(error.message().to_owned()))
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let weights = match (arguments.quantize, arguments.dequantize) {
        (true, _) => WeightChange::Quantize(arguments.recipe.recipe()?),
        (_, true) => WeightChange::Dequantize,
        _ => WeightChange::Keep,
    };
    let dtype = arguments.dtype.map(|dtype| match dtype {
        FloatType::Float32 => Dtype::F32,
        FloatType::Float16 => Dtype::F16,
        FloatType::Bfloat16 => Dtype::Bf16,
    });
    let source = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let output = arguments.output.clone();
    let options = ConvertOptions { dtype, weights, progress: std::io::stderr().is_terminal() };
    let engine = Engine::start("mlx-lm", || Ok::<_, Error>(()))?;
    let done = engine.run(move |()| convert(&source, &output, options))??;
    for note in &done.notes {
        eprintln!("note: {note}");
    }
    eprintln!(
        "wrote {}: {:.2} GB, {:.2} bits per weight",
        arguments.output.display(),
        done.bytes as f64 / 1e9,
        done.bits_per_weight()
    );
    Ok(())
}
