//! Which layers become quantized, and how.

use crate::{Error, Result};
use mlx::nn::{Mode, Quantization};
use std::fmt;

/// A layer that can be quantized.
#[derive(Clone, Copy, Debug)]
pub struct LayerInfo<'a> {
    /// Its path in the checkpoint: `model.layers.0.mlp.down_proj`.
    pub path: &'a str,
    /// Rows of its matrix, or of each matrix of a stack.
    pub rows: i32,
    /// Columns of its matrix, which the group size must divide.
    pub columns: i32,
    /// How many decoder layers the model has.
    pub layers: usize,
}

type Rule = Box<dyn Fn(&LayerInfo<'_>) -> Option<Option<Quantization>> + Send>;

/// Which layers become quantized, and how: the first rule that has an opinion of a layer decides, then what suits the
/// architecture (routers of experts want 8 bits), then the default. Layers that the default's groups do not divide stay
/// as they are.
pub struct Recipe {
    default: Quantization,
    rules: Vec<Rule>,
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recipe { default, rules } = self;
        f.debug_struct("Recipe").field("default", default).field("rules", &rules.len()).finish()
    }
}

impl Recipe {
    /// All layers alike.
    pub fn new(default: Quantization) -> Recipe {
        Recipe { default, rules: vec![] }
    }

    /// More bits where they help most, in the manner of llama.cpp's mixtures; the default is then `bits.low`.
    pub fn mixed(bits: MixedBits, group_size: i32) -> Recipe {
        let MixedBits { low, high } = bits;
        let with = move |bits| Some(Quantization::affine(group_size, bits));
        Recipe::new(Quantization::affine(group_size, low)).rule(move |layer| match bits.wants_more(layer) {
            _ if layer.columns % group_size != 0 || is_router(layer.path) => None,
            true => Some(with(high)),
            false => Some(with(low)),
        })
    }

    /// With `rule` before those that are there: `None` leaves the layer to them, `Some(None)` keeps it as it is.
    pub fn rule(
        mut self,
        rule: impl Fn(&LayerInfo<'_>) -> Option<Option<Quantization>> + Send + 'static,
    ) -> Recipe {
        self.rules.insert(0, Box::new(rule));
        self
    }

    /// With a rule for the layers that `pattern` matches: a run of whole segments of the path (`mlp.down_proj`), or,
    /// with `*` for anything, the whole path. `None` keeps them as they are.
    pub fn layer(self, pattern: impl Into<String>, quantization: Option<Quantization>) -> Recipe {
        let pattern = pattern.into();
        self.rule(move |layer| matches(&pattern, layer.path).then_some(quantization))
    }

    /// For layers that no rule names.
    pub fn default_quantization(&self) -> Quantization {
        self.default
    }

    /// How the layer is to be stored: `None` as it is.
    ///
    /// # Errors
    /// A rule asks for what MLX lacks, or for groups that do not divide the columns.
    pub(super) fn choose(&self, model_type: &str, layer: &LayerInfo<'_>) -> Result<Option<Quantization>> {
        let ruled = self.rules.iter().find_map(|rule| rule(layer));
        let fits = |q: &Quantization| layer.columns % q.group_size == 0;
        match ruled {
            Some(None) => Ok(None),
            Some(Some(chosen)) => {
                let chosen = chosen.check()?;
                if fits(&chosen) {
                    return Ok(Some(chosen));
                }
                let LayerInfo { path, columns, .. } = layer;
                let size = chosen.group_size;
                Err(Error::Invalid(format!(
                    "groups of {size} do not divide the {columns} columns of `{path}`"
                )))
            }
            None => {
                let default = self.default.check()?;
                let of_architecture = architecture_rule(model_type, layer.path).filter(|_| fits(&default));
                Ok(of_architecture.unwrap_or(Some(default)).filter(fits))
            }
        }
    }
}

/// Whether the layer chooses experts.
fn is_router(path: &str) -> bool {
    let mut parts = path.rsplit('.');
    let is_name = |part: &str| ["gate", "router", "shared_expert_gate"].contains(&part);
    parts.next().is_some_and(is_name) || parts.next().is_some_and(is_name)
}

const EIGHT_BITS: Option<Quantization> = Some(Quantization::affine(64, 8));

/// Model types, ends of paths, and what suits such layers; as Python mlx-lm has it.
type ArchitectureRule = (&'static [&'static str], &'static [&'static str], Option<Quantization>);

#[rustfmt::skip]
const ARCHITECTURE_RULES: &[ArchitectureRule] = &[
    // Routers that Python mlx-lm does not hold as a linear layer.
    (
        &[
            "deepseek", "deepseek_v2", "deepseek_v3", "kimi_k2", "joyai_llm_flash", "dots1", "glm4_moe", "glm4_moe_lite",
            "exaone_moe", "nemotron_h", "solar_open",
        ],
        &["mlp.gate", "mixer.gate"],
        None,
    ),
    (
        &["qwen3_moe", "qwen3_vl_moe_text", "qwen3_next", "qwen3_5_moe", "qwen3_5_moe_text"],
        &["mlp.gate", "mlp.shared_expert_gate"],
        EIGHT_BITS,
    ),
    (&["bailing_moe"], &["mlp.gate.gate_proj"], EIGHT_BITS),
    (&["lfm2_moe"], &["feed_forward.gate"], EIGHT_BITS),
    (&["minimax", "minimax_m2"], &["block_sparse_moe.gate"], EIGHT_BITS),
    (&["gpt_oss"], &["mlp.router"], EIGHT_BITS),
    (&["gemma4_text"], &["router.proj"], EIGHT_BITS),
    (&["granitemoe", "granitemoehybrid"], &["router.layer"], EIGHT_BITS),
    // Their numbers are so small that the scales of floating-point modes vanish.
    (
        &["granite", "granitemoe"],
        &["self_attn.o_proj", "mlp.down_proj", "switch_mlp.down_proj", "lm_head"],
        EIGHT_BITS,
    ),
];

fn architecture_rule(model_type: &str, path: &str) -> Option<Option<Quantization>> {
    let applies = |(types, ends, _): &&ArchitectureRule| {
        types.contains(&model_type)
            && ends.iter().any(|end| path == *end || path.ends_with(&format!(".{end}")))
    };
    ARCHITECTURE_RULES.iter().find(applies).map(|(.., quantization)| *quantization)
}

/// The bits of a mixture: few for most layers, more for values, for what leads out of feed-forward layers at both ends of
/// the model and in every third layer between, and for the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedBits {
    /// Bits of most layers.
    pub low: i32,
    /// Bits of those that matter more.
    pub high: i32,
}

impl MixedBits {
    /// The mixtures that have a name.
    pub const NAMED: [(&str, MixedBits); 5] = [
        ("mixed_2_6", MixedBits { low: 2, high: 6 }),
        ("mixed_3_4", MixedBits { low: 3, high: 4 }),
        ("mixed_3_6", MixedBits { low: 3, high: 6 }),
        ("mixed_4_6", MixedBits { low: 4, high: 6 }),
        ("mixed_4_8", MixedBits { low: 4, high: 8 }),
    ];

    fn wants_more(self, layer: &LayerInfo<'_>) -> bool {
        if layer.path.contains("lm_head") {
            return true;
        }
        let index = layer.path.split('.').find_map(|part| part.parse::<usize>().ok()).unwrap_or(0);
        let eighth = layer.layers / 8;
        let inner = index.checked_sub(eighth).is_some_and(|inner| inner % 3 == 2);
        let sensitive = ["v_proj", "v_a_proj", "v_b_proj", "down_proj"];
        (index < eighth || index >= 7 * layer.layers / 8 || inner)
            && sensitive.iter().any(|name| layer.path.contains(name))
    }
}

impl Recipe {
    /// Reads how a layer is stored: `BITS[:GROUP[:MODE]]`, such as `8`, `6:32` or `4:32:mxfp4`; `none` for a layer that is
    /// kept as it is. What is left out is the mode's default.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another form, and for what MLX lacks.
    pub fn parse_quantization(text: &str) -> Result<Option<Quantization>> {
        if text == "none" {
            return Ok(None);
        }
        let invalid =
            |why: &str| Error::Invalid(format!("`{text}`: {why}; expected BITS[:GROUP[:MODE]] or none"));
        let mut parts = text.split(':');
        let mut number = || parts.next().map(str::parse::<i32>).transpose().map_err(|_| invalid("no number"));
        let (bits, group_size) = (number()?, number()?);
        let mode = match parts.next() {
            None => Mode::Affine,
            Some(name) => Mode::from_name(name).ok_or_else(|| invalid("unknown mode"))?,
        };
        if parts.next().is_some() {
            return Err(invalid("too many parts"));
        }
        let quantization = Quantization {
            group_size: group_size.unwrap_or(mode.group_sizes()[0]),
            bits: bits.unwrap_or(mode.bits()[0]),
            mode,
        };
        quantization.check().map(Some).map_err(|error| invalid(error.message()))
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        return format!(".{path}.").contains(&format!(".{pattern}."));
    }
    let mut parts = pattern.split('*');
    let (first, mut parts) = (parts.next().unwrap_or_default(), parts.peekable());
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_runs_of_segments_or_have_stars() {
        for (pattern, path, expected) in [
            ("down_proj", "model.layers.0.mlp.down_proj", true),
            ("mlp.down_proj", "model.layers.0.mlp.down_proj", true),
            ("layers.0", "model.layers.0.mlp.down_proj", true),
            ("layers.1", "model.layers.10.mlp.down_proj", false),
            ("down", "model.layers.0.mlp.down_proj", false),
            ("*.down_proj", "model.layers.0.mlp.down_proj", true),
            ("model.layers.*.mlp.*", "model.layers.0.mlp.down_proj", true),
            ("model.layers.1*.mlp.*", "model.layers.0.mlp.down_proj", false),
            ("*", "lm_head", true),
            ("*_head", "lm_head.x", false),
            ("lm*head*", "lm_head", true),
            ("", "lm_head", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn settings_as_text() {
        let settings = |group_size, bits, mode| Some(Quantization { group_size, bits, mode });
        for (text, expected) in [
            ("8", settings(64, 8, Mode::Affine)),
            ("6:32", settings(32, 6, Mode::Affine)),
            ("4:32:mxfp4", settings(32, 4, Mode::Mxfp4)),
            ("4:16:nvfp4", settings(16, 4, Mode::Nvfp4)),
            ("none", None),
        ] {
            assert_eq!(Recipe::parse_quantization(text).unwrap(), expected, "{text}");
        }
        for text in ["", "x", "7", "4:48", "4:64:mxfp4", "4:64:affine:1", "4:64:fp5", "None"] {
            let error = Recipe::parse_quantization(text).unwrap_err().to_string();
            assert!(error.contains("BITS[:GROUP[:MODE]]"), "{error}");
        }
    }

    #[test]
    fn the_last_rule_given_decides_first() {
        let four = Quantization::affine(64, 4);
        let recipe = Recipe::new(four)
            .layer("*", Some(Quantization::affine(64, 2)))
            .layer("mlp", Some(Quantization::affine(32, 3)))
            .layer("mlp.down_proj", None);
        let choose = |path, columns| recipe.choose("llama", &LayerInfo { path, rows: 1, columns, layers: 1 });
        assert_eq!(choose("lm_head", 64).unwrap(), Some(Quantization::affine(64, 2)));
        assert_eq!(choose("a.mlp.up_proj", 96).unwrap(), Some(Quantization::affine(32, 3)));
        assert_eq!(choose("a.mlp.down_proj", 96).unwrap(), None);
        assert!(
            choose("lm_head", 96)
                .unwrap_err()
                .to_string()
                .contains("do not divide the 96 columns of `lm_head`")
        );

        let plain = Recipe::new(four);
        let choose = |model, path, columns| {
            plain.choose(model, &LayerInfo { path, rows: 1, columns, layers: 1 }).unwrap()
        };
        assert_eq!(choose("llama", "lm_head", 96), None);
        assert_eq!(choose("qwen3_moe", "model.layers.0.mlp.gate", 64), EIGHT_BITS);
        assert_eq!(choose("deepseek_v3", "model.layers.0.mlp.gate", 64), None);
        assert_eq!(choose("mixtral", "model.layers.0.mlp.gate", 64), Some(four));

        let mixed = Recipe::mixed(MixedBits { low: 2, high: 6 }, 32);
        let choose =
            |model, path| mixed.choose(model, &LayerInfo { path, rows: 1, columns: 64, layers: 1 }).unwrap();
        for (model, path, expected) in [
            ("bailing_moe", "model.layers.0.mlp.gate.gate_proj", EIGHT_BITS),
            ("gemma4_text", "model.layers.0.router.proj", EIGHT_BITS),
            ("gpt_oss", "model.layers.0.mlp.router", EIGHT_BITS),
            ("granitemoehybrid", "model.layers.0.block_sparse_moe.router.layer", EIGHT_BITS),
            ("lfm2_moe", "model.layers.0.feed_forward.gate", EIGHT_BITS),
            ("minimax_m2", "model.layers.0.block_sparse_moe.gate", EIGHT_BITS),
            ("qwen3_next", "model.layers.0.mlp.shared_expert_gate", EIGHT_BITS),
            ("deepseek_v3", "model.layers.0.mlp.gate", None),
            ("mixtral", "model.layers.0.block_sparse_moe.gate", Some(Quantization::affine(32, 2))),
            ("qwen3_moe", "model.layers.0.mlp.gate_proj", Some(Quantization::affine(32, 2))),
        ] {
            assert_eq!(choose(model, path), expected, "{model} {path}");
        }
    }

    #[test]
    fn mixtures_favour_both_ends_and_every_third_layer() {
        let bits = MixedBits { low: 3, high: 6 };
        let more: Vec<usize> = (0..16)
            .filter(|i| {
                let path = format!("model.layers.{i}.mlp.down_proj");
                bits.wants_more(&LayerInfo { path: &path, rows: 1, columns: 64, layers: 16 })
            })
            .collect();
        assert_eq!(more, [0, 1, 4, 7, 10, 13, 14, 15]);
        let of = |path| bits.wants_more(&LayerInfo { path, rows: 1, columns: 64, layers: 16 });
        assert!(of("lm_head") && !of("model.embed_tokens") && !of("model.layers.0.mlp.up_proj"));
    }
}
