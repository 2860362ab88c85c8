//! What `quantization_config` says of the format of another program.

use serde_json::{Map, Value};

/// How a checkpoint of another program is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Foreign {
    /// AutoAWQ.
    Awq(AwqLayout),
    /// GPTQ, by AutoGPTQ or GPTQModel.
    Gptq {
        /// Bits of a number.
        bits: i32,
        /// Whether zeros are stored as they are (`gptq_v2`) and not less one.
        exact_zeros: bool,
    },
    /// 8-bit floats with scales of blocks, rows or whole matrices.
    Fp8 {
        /// Rows and columns that share a scale, where the file says.
        block: Option<[i32; 2]>,
        /// Whether the scales are powers of two.
        powers_of_two: bool,
    },
    /// The container of the vLLM project.
    CompressedTensors {
        /// Rows and columns of 8-bit floats that share a scale, where the file says.
        block: Option<[i32; 2]>,
    },
    /// NVIDIA's model optimizer: fp8, mxfp8 and nvfp4.
    ModelOpt,
    /// Numbers of -1, 0 and 1.
    BitNet {
        /// Whether the scale is to be divided by.
        inverse_scale: bool,
    },
    /// As gpt-oss has it; its architecture takes the tensors as they are.
    Mxfp4,
}

/// How AutoAWQ packs a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AwqLayout {
    /// Transposed, for products with matrices.
    Gemm,
    /// By rows, for products with vectors.
    Gemv {
        /// Columns that share a scale; all if not positive. The scales have more columns than there are groups.
        group_size: i32,
    },
}

/// The formats of compressed-tensors whose parts are read.
const COMPRESSED: [&str; 9] = [
    "dense",
    "float-quantized",
    "int-quantized",
    "mixed-precision",
    "mxfp4-pack-quantized",
    "mxfp8-quantized",
    "naive-quantized",
    "nvfp4-pack-quantized",
    "pack-quantized",
];

/// The algorithms of NVIDIA's model optimizer that are read.
const MODELOPT: [&str; 6] =
    ["FP8", "FP8_PB_WO", "FP8_PER_CHANNEL_PER_TOKEN", "MIXED_PRECISION", "MXFP8", "NVFP4"];

impl Foreign {
    /// Reads the `quantization_config` of another program; `None` for a method without code.
    ///
    /// # Errors
    /// The text says what of the method is not supported.
    pub(crate) fn parse(method: &str, block: &Map<String, Value>) -> Result<Option<Foreign>, String> {
        Ok(Some(match method {
            "awq" => Foreign::Awq(awq(block)?),
            "gptq" => gptq(block)?,
            "fp8" | "fbgemm_fp8" => fp8(block),
            "compressed-tensors" => Foreign::CompressedTensors { block: compressed(block)? },
            "modelopt" => {
                modelopt(block)?;
                Foreign::ModelOpt
            }
            "bitnet" => {
                Foreign::BitNet { inverse_scale: text(block, "linear_class") != Some("autobitlinear") }
            }
            "mxfp4" => Foreign::Mxfp4,
            _ => return Ok(None),
        }))
    }
}

fn text<'a>(block: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    block.get(key).and_then(Value::as_str)
}

fn integer(block: &Map<String, Value>, keys: [&str; 2]) -> Option<i64> {
    keys.iter().find_map(|key| block.get(*key)?.as_i64())
}

fn bits(block: &Map<String, Value>) -> i64 {
    integer(block, ["bits", "w_bit"]).unwrap_or(4)
}

fn awq(block: &Map<String, Value>) -> Result<AwqLayout, String> {
    let version = ["version", "format", "checkpoint_format"].iter().find_map(|key| text(block, key));
    let version = version.unwrap_or("gemm").to_ascii_lowercase();
    let group_size = integer(block, ["group_size", "q_group_size"]).unwrap_or(128);
    match (bits(block), version.as_str(), i32::try_from(group_size)) {
        (4, "gemm" | "exllama", _) => Ok(AwqLayout::Gemm),
        (4, "gemv", Ok(group_size)) => Ok(AwqLayout::Gemv { group_size }),
        (bits, ..) => {
            Err(format!("{bits}-bit, version `{version}`; supported: 4-bit, versions `gemm` and `gemv`"))
        }
    }
}

fn gptq(block: &Map<String, Value>) -> Result<Foreign, String> {
    let is_marlin = block.get("is_marlin_format").and_then(Value::as_bool) == Some(true);
    let format = if is_marlin { Some("marlin") } else { text(block, "checkpoint_format") };
    let (bits, format) = (bits(block), format.unwrap_or("gptq"));
    if ![2, 3, 4, 8].contains(&bits) || !["gptq", "gptq_v2"].contains(&format) {
        return Err(format!(
            "{bits}-bit, format `{format}`; supported: 2, 3, 4 and 8 bits, formats `gptq` and `gptq_v2`"
        ));
    }
    Ok(Foreign::Gptq { bits: bits as i32, exact_zeros: format == "gptq_v2" })
}

fn fp8(block: &Map<String, Value>) -> Foreign {
    Foreign::Fp8 {
        block: block.get("weight_block_size").and_then(rows_and_columns),
        powers_of_two: text(block, "scale_fmt") == Some("ue8m0"),
    }
}

fn rows_and_columns(sizes: &Value) -> Option<[i32; 2]> {
    let size = |value: &Value| value.as_i64().filter(|size| (1..=1 << 20).contains(size));
    let sizes: Vec<i64> = sizes.as_array()?.iter().filter_map(size).collect();
    <[i64; 2]>::try_from(sizes).ok().map(|sizes| sizes.map(|size| size as i32))
}

/// The blocks that share a scale. All formats that the file names must be read, and nothing else happen to the weights.
fn compressed(block: &Map<String, Value>) -> Result<Option<[i32; 2]>, String> {
    let groups = block.get("config_groups").and_then(Value::as_object);
    let groups = || groups.into_iter().flat_map(Map::values);
    let mut blocks = groups().filter_map(|group| rows_and_columns(&group["weights"]["block_structure"]));
    let first = blocks.next();
    if let Some(other) = blocks.find(|other| Some(*other) != first) {
        return Err(format!("blocks of different sizes, {other:?} and {first:?}"));
    }
    let formats = groups().filter_map(|group| group["format"].as_str());
    if let Some(format) = text(block, "format").into_iter().chain(formats).find(|f| !COMPRESSED.contains(f)) {
        return Err(format!("format `{format}`"));
    }
    let sparsity = block.get("sparsity_config").and_then(|sparsity| sparsity["format"].as_str());
    if let Some(format) = sparsity.filter(|format| *format != "dense") {
        return Err(format!("sparse, format `{format}`"));
    }
    let transforms =
        block.get("transform_config").and_then(|transforms| transforms["config_groups"].as_object());
    match transforms.is_some_and(|transforms| !transforms.is_empty()) {
        true => Err("`transform_config`: its weights are to be rotated".into()),
        false => Ok(first),
    }
}

/// Whether all algorithms that the block names are read.
fn modelopt(block: &Map<String, Value>) -> Result<(), String> {
    let inner = block.get("quantization").and_then(Value::as_object).unwrap_or(block);
    let algorithm = text(block, "quant_algo").or(text(inner, "quant_algo")).unwrap_or("none");
    let layers = inner.get("quantized_layers").and_then(Value::as_object);
    let layers = layers.into_iter().flat_map(Map::values).filter_map(|layer| layer["quant_algo"].as_str());
    match [algorithm].into_iter().chain(layers).find(|name| !MODELOPT.contains(&&*name.to_ascii_uppercase()))
    {
        Some(other) => Err(format!("algorithm `{other}`; supported: {}", MODELOPT.join(", "))),
        None => Ok(()),
    }
}
