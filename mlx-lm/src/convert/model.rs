//! A model's tensors, each read when its turn comes, and what a conversion makes of them.

use super::{LayerInfo, WeightChange, layout, pack::quantize_in_parts, writer::Job};
use crate::{
    Error, Result,
    config::ModelConfig,
    gguf::{Gguf, Tensor, TensorInfo},
    weights,
};
use mlx::{
    Array, Dtype,
    io::gguf::{GROUP_SIZE, GgmlType},
    nn::{Mode, Quantization, Quantized, quantize},
    zeros,
};
use std::{collections::BTreeMap, path::Path, rc::Rc};

/// What a checkpoint holds, in the order of its names.
pub(super) struct Tensors {
    stored: Vec<Stored>,
    notes: Vec<String>,
}

/// A tensor, or the parts of a quantized matrix.
struct Stored {
    /// The layer's path for matrices, else the tensor's name.
    path: String,
    /// Of the right shapes and types, and the content itself unless there is `read`.
    like: Content,
    read: Option<Read>,
}

pub(super) type Read = Box<dyn FnOnce() -> Result<Content>>;

/// One thing in a checkpoint.
pub(super) enum Content {
    /// What cannot be quantized.
    Plain(Array),
    /// The matrix of a layer, or a stack of matrices.
    Matrix(Array),
    /// The same in few bits.
    Quantized(Quantized),
}

/// What to do with tensors.
pub(super) struct Change<'a> {
    pub(super) dtype: Option<Dtype>,
    pub(super) weights: &'a WeightChange,
}

/// Parameters that keep their type whatever the model's becomes, by model type; as Python mlx-lm has it.
#[rustfmt::skip]
const KEPT: &[(&[&str], &[&str])] = &[
    (
        &[
            "deepseek_v3", "ernie4_5_moe", "exaone_moe", "glm4_moe", "glm4_moe_lite", "joyai_llm_flash", "kimi_k2",
            "minimax_m2", "solar_open",
        ],
        &["e_score_correction_bias"],
    ),
    (&["bailing_moe", "lfm2_moe"], &["expert_bias"]),
    (&["nemotron_h"], &["e_score_correction_bias", "A_log"]),
    (&["qwen3_5_text", "qwen3_5_moe_text"], &["A_log"]),
];

/// What names of parameters contain that keep their type.
fn kept(model_type: &str) -> &'static [&'static str] {
    KEPT.iter().find(|(types, _)| types.contains(&model_type)).map_or(&[], |(_, names)| names)
}

/// A conversion, thought through but not begun.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    /// How each matrix will be stored.
    pub(super) layers: BTreeMap<String, Option<Quantization>>,
    pub(super) parameters: u64,
    pub(super) notes: Vec<String>,
}

impl Tensors {
    /// Those of a model folder, in Python mlx-lm's layout. That the model can be built of them is checked.
    pub(super) fn of_folder(folder: &Path, config: &ModelConfig) -> Result<Tensors> {
        let weights::Checkpoint { tensors, quantization, warnings: notes } =
            weights::read_folder(folder, config)?;
        let mut tensors = layout::arrange(config, tensors)?;
        let loader = mlx::Loader::with_quantization(tensors.clone(), quantization.overrides.clone());
        crate::models::build(config, &loader).map_err(|error| error.at(folder))?;
        drop(loader);

        let mut stored = vec![];
        let paths: Vec<String> =
            tensors.keys().filter_map(|name| name.strip_suffix(".weight")).map(str::to_owned).collect();
        for path in paths {
            let Some(weight) = tensors.remove(&format!("{path}.weight")) else { continue };
            let Some(scales) = tensors.remove(&format!("{path}.scales")) else {
                stored.push(match layout::is_matrix(&path, weight.ndim()?) {
                    true => Stored::ready(path, Content::Matrix(weight)),
                    false => Stored::ready(format!("{path}.weight"), Content::Plain(weight)),
                });
                continue;
            };
            let said = quantization.of(&path);
            let quantization = stored_quantization(&weight, &scales, said).ok_or_else(|| {
                let (w, s) = (weight.shape().unwrap_or_default(), scales.shape().unwrap_or_default());
                let message = format!("weight {w:?} and scales {s:?} of `{path}` do not fit {said:?}");
                Error::weights(folder, message)
            })?;
            let biases = tensors.remove(&format!("{path}.biases"));
            stored.push(Stored::ready(
                path,
                Content::Quantized(Quantized { weight, scales, biases, quantization }),
            ));
        }
        stored.extend(tensors.into_iter().map(|(name, array)| Stored::ready(name, Content::Plain(array))));
        // What was fused lies together, and is freed together.
        stored.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tensors { stored, notes })
    }

    /// Those of a GGUF file, whose names and layout are Python mlx-lm's already.
    pub(super) fn of_gguf(gguf: Gguf) -> Result<Tensors> {
        let gguf = Rc::new(gguf);
        let mut stored = vec![];
        for info in gguf.tensors() {
            let Some(name) = gguf.hugging_face_name(info)? else { continue };
            let like = placeholder(&gguf, info, &name)?;
            let path = match &like {
                Content::Plain(_) => name.clone(),
                _ => name.strip_suffix(".weight").unwrap_or(&name).to_owned(),
            };
            let (gguf, info) = (gguf.clone(), info.clone());
            let read = move || content(weights::gguf_tensor(&gguf, &info, &name)?, &name);
            stored.push(Stored { path, like, read: Some(Box::new(read)) });
        }
        stored.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tensors { stored, notes: vec![] })
    }

    /// What to write for each.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is nothing to quantize, or a rule does not fit a layer.
    pub(super) fn plan(self, config: &ModelConfig, change: &Change<'_>) -> Result<Plan> {
        let layers = config.field("num_hidden_layers").and_then(|count| count.as_u64()).unwrap_or(0) as usize;
        let mut plan = Plan { jobs: vec![], layers: BTreeMap::new(), parameters: 0, notes: self.notes };
        let kept = kept(&config.model_type);
        let (mut quantized, mut undivided) = (0, 0);
        for Stored { path, like, read } in self.stored {
            plan.parameters += like.parameters()?;
            let to = match (&like, change.weights) {
                (Content::Matrix(array), WeightChange::Quantize(recipe)) => {
                    let (rows, columns) = (array.dim(-2)?, array.dim(-1)?);
                    let layer = LayerInfo { path: &path, rows, columns, layers };
                    let chosen = recipe.choose(&config.model_type, &layer)?;
                    let fits = columns % recipe.default_quantization().group_size == 0;
                    undivided += usize::from(chosen.is_none() && !fits);
                    quantized += usize::from(chosen.is_some());
                    chosen.map_or(To::Same, To::Quantized)
                }
                (Content::Quantized(_), WeightChange::Dequantize) => To::Dense,
                _ => To::Same,
            };
            match (&like, to) {
                (Content::Plain(_), _) => {}
                (Content::Quantized(matrix), To::Same) => {
                    plan.layers.insert(path.clone(), Some(matrix.quantization));
                }
                (_, To::Quantized(quantization)) => {
                    plan.layers.insert(path.clone(), Some(quantization));
                }
                _ => {
                    plan.layers.insert(path.clone(), None);
                }
            }
            let dtype = change.dtype.filter(|_| !kept.iter().any(|name| path.contains(name)));
            let step = Step { path, to, dtype };
            plan.jobs.push(step.job(like, read)?);
        }
        if matches!(change.weights, WeightChange::Quantize(_)) && quantized == 0 {
            let why = "there is nothing to quantize: the model is quantized already (dequantize it first), or all layers \
                       are excepted";
            return Err(Error::Invalid(why.into()));
        }
        if undivided > 0 {
            plan.notes
                .push(format!("{undivided} layers stay as they are: the groups do not divide their columns"));
        }
        Ok(plan)
    }
}

impl Stored {
    fn ready(path: String, like: Content) -> Stored {
        Stored { path, like, read: None }
    }
}

impl Content {
    /// How many numbers it stands for.
    fn parameters(&self) -> Result<u64> {
        Ok(match self {
            Content::Plain(array) | Content::Matrix(array) => array.size()? as u64,
            Content::Quantized(matrix) => {
                matrix.scales.size()? as u64 * matrix.quantization.group_size as u64
            }
        })
    }
}

/// How the parts of a layer are stored: as `said`, if that fits, else the only way that does.
fn stored_quantization(weight: &Array, scales: &Array, said: Option<Quantization>) -> Option<Quantization> {
    let (words, groups) = (weight.dim(-1).ok()?, scales.dim(-1).ok()?);
    let bits_per_group = 32 * i64::from(words) / i64::from(groups.max(1));
    let is_float = scales.dtype().ok()? == Dtype::U8;
    let fits = |q: &Quantization| {
        i64::from(q.bits) * i64::from(q.group_size) == bits_per_group && is_float == (q.mode != Mode::Affine)
    };
    if let Some(said) = said.filter(fits) {
        return Some(said);
    }
    let all = Mode::ALL.into_iter().flat_map(|mode| {
        let widths = mode.bits().iter().copied();
        widths
            .flat_map(move |bits| mode.group_sizes().iter().map(move |&group_size| (mode, bits, group_size)))
    });
    let mut fitting =
        all.map(|(mode, bits, group_size)| Quantization { group_size, bits, mode }).filter(fits);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// What reading the tensor will give, without its numbers. Only of types that MLX may keep packed is the content looked at:
/// whether it can depends on it.
fn placeholder(gguf: &Gguf, info: &TensorInfo, name: &str) -> Result<Content> {
    let packed = matches!(info.ggml_type, GgmlType::Q4_0 | GgmlType::Q4_1 | GgmlType::Q8_0);
    if !packed {
        let dtype = info.ggml_type.dtype().unwrap_or(Dtype::F32);
        return content(Tensor::Dense(zeros(&info.shape, dtype)), name);
    }
    let like = |array: Array| Ok::<_, Error>(zeros(array.shape()?, array.dtype()?));
    content(
        match weights::gguf_tensor(gguf, info, name)? {
            Tensor::Dense(array) => Tensor::Dense(like(array)?),
            Tensor::Affine { weight, scales, biases, bits } => {
                Tensor::Affine { weight: like(weight)?, scales: like(scales)?, biases: like(biases)?, bits }
            }
        },
        name,
    )
}

fn content(tensor: Tensor, name: &str) -> Result<Content> {
    Ok(match tensor {
        Tensor::Dense(array) if name.ends_with(".weight") && array.ndim()? > 1 => Content::Matrix(array),
        Tensor::Dense(array) => Content::Plain(array),
        Tensor::Affine { weight, scales, biases, bits } => Content::Quantized(Quantized {
            weight,
            scales,
            biases: Some(biases),
            quantization: Quantization::affine(GROUP_SIZE, bits),
        }),
    })
}

/// What becomes of one thing.
struct Step {
    path: String,
    to: To,
    dtype: Option<Dtype>,
}

#[derive(Clone, Copy)]
enum To {
    Same,
    Quantized(Quantization),
    Dense,
}

impl Step {
    fn job(self, like: Content, read: Option<Read>) -> Result<Job> {
        let matrix = match &like {
            Content::Matrix(array) if matches!(self.to, To::Quantized(_)) => Some(array.clone()),
            _ => None,
        };
        let outputs = self.apply(like, |matrix, to| Ok(quantize(matrix, to)?))?;
        Ok(match (read, matrix) {
            (Some(read), _) => Job::later(outputs, move || self.apply(read()?, quantize_in_parts)),
            (None, Some(matrix)) => {
                Job::later(outputs, move || self.apply(Content::Matrix(matrix), quantize_in_parts))
            }
            (None, None) => Job::ready(outputs),
        })
    }

    /// The tensors to write; `pack` quantizes matrices.
    fn apply(
        &self,
        content: Content,
        pack: impl Fn(&Array, Quantization) -> Result<Quantized>,
    ) -> Result<Vec<(String, Array)>> {
        let named = |part: &str, array| (format!("{}.{part}", self.path), array);
        Ok(match (content, self.to) {
            (Content::Plain(array), _) => vec![(self.path.clone(), self.cast(array)?)],
            (Content::Matrix(array), To::Quantized(quantization)) => {
                let matrix = pack(&self.cast(array)?, quantization)?;
                let mut parts = vec![named("weight", matrix.weight), named("scales", matrix.scales)];
                parts.extend(matrix.biases.map(|biases| named("biases", biases)));
                parts
            }
            (Content::Matrix(array), _) => vec![named("weight", self.cast(array)?)],
            (Content::Quantized(matrix), To::Dense) => {
                vec![named("weight", self.cast(self.wide(matrix)?.dequantize()?)?)]
            }
            (Content::Quantized(matrix), _) => {
                let mut parts =
                    vec![named("weight", matrix.weight), named("scales", self.cast(matrix.scales)?)];
                if let Some(biases) = matrix.biases {
                    parts.push(named("biases", self.cast(biases)?));
                }
                parts
            }
        })
    }

    /// With scales in single precision if the numbers shall be: they are then not rounded on the way.
    fn wide(&self, matrix: Quantized) -> Result<Quantized> {
        if self.dtype != Some(Dtype::F32) || matrix.quantization.mode != Mode::Affine {
            return Ok(matrix);
        }
        let scales = matrix.scales.astype(Dtype::F32)?;
        let biases = matrix.biases.map(|biases| biases.astype(Dtype::F32)).transpose()?;
        Ok(Quantized { scales, biases, ..matrix })
    }

    fn cast(&self, array: Array) -> Result<Array> {
        match self.dtype {
            Some(dtype) if array.dtype()?.is_float() => Ok(array.astype(dtype)?),
            _ => Ok(array),
        }
    }
}
