//! One form for the dialects of `config.json`.
//!
//! transformers 4 and 5 write the same model differently, multimodal checkpoints nest the language model's fields, and
//! old checkpoints have names of their own. What comes out of here has one shape:
//!
//! * The language model's fields lie at the top, under the names that transformers uses today.
//! * A field that is absent has the value that transformers assumes for this model type ([`DEFAULTS`]); where there is
//!   none, reading the field is an error. One that is `null` stays so.
//! * `layer_types` has an entry for each layer.
//! * `rope_parameters` has, for each kind of layer, all there is to know of its rotary embeddings.

use super::NESTED;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

type Fields = Map<String, Value>;

/// By model type, what transformers assumes where a file says nothing; made by `cargo xtask golden defaults`.
static DEFAULTS: LazyLock<Fields> =
    LazyLock::new(|| serde_json::from_str(include_str!("defaults.json")).unwrap_or_default());

/// The type of the language model inside models of several modalities, where the nested fields do not name it.
const LANGUAGE_MODELS: &[(&str, &str)] = &[
    ("gemma3", "gemma3_text"),
    ("gemma3n", "gemma3n_text"),
    ("gemma4", "gemma4_text"),
    ("gemma4_unified", "gemma4_text"),
    ("joyai_llm_flash", "deepseek_v3"),
    ("kimi_k2", "deepseek_v3"),
    ("llava", "llama"),
    ("minimax", "minimax_m2"),
    ("mistral3", "mistral"),
    ("qwen2_5_vl", "qwen2_5_vl_text"),
    ("qwen2_vl", "qwen2_vl_text"),
    ("qwen3_5", "qwen3_5_text"),
    ("qwen3_5_moe", "qwen3_5_moe_text"),
    ("qwen3_vl", "qwen3_vl_text"),
    ("qwen3_vl_moe", "qwen3_vl_moe_text"),
    ("youtu_llm", "youtu"),
];

/// Names of older checkpoints, and today's.
const RENAMED: &[(&str, &[(&str, &str)])] = &[
    ("bailing_moe", &[("num_experts", "n_routed_experts"), ("num_shared_experts", "n_shared_experts")]),
    (
        "exaone",
        &[
            ("num_layers", "num_hidden_layers"),
            ("layer_norm_epsilon", "rms_norm_eps"),
            ("activation_function", "hidden_act"),
        ],
    ),
    ("exaone_moe", &[("num_experts", "n_routed_experts"), ("num_shared_experts", "n_shared_experts")]),
    (
        "gpt2",
        &[
            ("n_embd", "hidden_size"),
            ("n_layer", "num_hidden_layers"),
            ("n_head", "num_attention_heads"),
            ("n_inner", "intermediate_size"),
            ("n_positions", "max_position_embeddings"),
            ("layer_norm_epsilon", "layer_norm_eps"),
            ("activation_function", "hidden_act"),
        ],
    ),
    // What transformers 5 calls the experts.
    ("qwen3_moe", &[("num_local_experts", "num_experts")]),
    ("qwen3_vl_moe_text", &[("num_local_experts", "num_experts")]),
    ("starcoder2", &[("norm_epsilon", "layer_norm_eps")]),
    ("granitemoehybrid", &[("layers_block_type", "layer_types")]),
    (
        "lfm2",
        &[
            ("block_ff_dim", "intermediate_size"),
            ("norm_eps", "rms_norm_eps"),
            ("tie_embedding", "tie_word_embeddings"),
        ],
    ),
    ("lfm2_moe", &[("norm_eps", "rms_norm_eps"), ("tie_embedding", "tie_word_embeddings")]),
    ("mamba2", &[("layer_norm_epsilon", "rms_norm_eps")]),
    ("nemotron", &[("norm_eps", "layer_norm_eps")]),
    ("nemotron_h", &[("layers_block_type", "layer_types"), ("layer_norm_epsilon", "rms_norm_eps")]),
];

/// Models whose `sliding_window`, if not null, is that of all layers.
const WINDOWED: &[&str] = &["ministral", "mistral", "mixtral", "phi3", "phimoe", "starcoder2"];

/// Models that stretch the rotary embeddings of their full-attention layers only.
pub(super) const SCALED_IN_FULL_LAYERS: &[&str] = &["gemma3_text", "gemma3n_text", "olmo3"];

/// The type of the language model that `json` describes, and its fields.
///
/// # Errors
/// The text says what contradicts itself.
pub(super) fn normalize(json: &Value, model_type: &str) -> Result<(String, Fields), String> {
    let nested = NESTED.iter().find_map(|key| json.get(key)?.as_object());
    let outer = json.as_object().cloned().unwrap_or_default();
    let mut fields = nested.cloned().unwrap_or_else(|| outer.clone());
    if let Some(tied) = outer.get("tie_word_embeddings") {
        fields.insert("tie_word_embeddings".into(), tied.clone());
    }
    let named = nested.and_then(|nested| nested.get("model_type")?.as_str()).unwrap_or(model_type);
    let model_type =
        LANGUAGE_MODELS.iter().find(|(outer, _)| *outer == named).map_or(named, |(_, text)| text);

    let mut defaults = DEFAULTS.get(model_type).and_then(Value::as_object).cloned().unwrap_or_default();
    rename(model_type, &mut fields);
    rename(model_type, &mut defaults);
    if fields.contains_key("rope_scaling") {
        // An older name of what the default stands for.
        defaults.shift_remove("rope_parameters");
    }
    for (name, value) in defaults {
        let given = fields.entry(name.clone()).or_insert_with(|| value.clone());
        if name == "rope_parameters" && given.is_null() {
            *given = value;
        }
    }
    if model_type == "gpt2" && fields.get("intermediate_size").is_none_or(Value::is_null) {
        let hidden = fields.get("hidden_size").and_then(Value::as_u64).unwrap_or_default();
        fields.insert("intermediate_size".into(), (4 * hidden).into());
    }
    if let (None, Some(size)) =
        (fields.get("intermediate_size"), fields.get("moe_intermediate_size").cloned())
    {
        fields.insert("intermediate_size".into(), size);
    }
    check_heads(&fields)?;
    name_layer_types(&mut fields);
    name_mlp_types(&mut fields);
    set_layer_types(model_type, &mut fields)?;
    if model_type == "gemma4_text"
        && let Some(Value::Array(types)) = fields.get_mut("layer_types")
        && let Some(last) = types.last_mut()
    {
        // Whatever the file says.
        *last = "full_attention".into();
    }
    lift_layer_sizes(&mut fields)?;
    set_rope_parameters(model_type, &mut fields)?;
    Ok((model_type.to_owned(), fields))
}

/// The older names that files of a model type have for some fields, and those of here.
pub(super) fn older_names(model_type: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    RENAMED.iter().filter(move |(name, _)| *name == model_type).flat_map(|(_, names)| *names)
}

fn rename(model_type: &str, fields: &mut Fields) {
    for (old, new) in older_names(model_type) {
        if let Some(value) = fields.shift_remove(*old) {
            fields.entry(*new).or_insert(value);
        }
    }
    let size = |name: &str| fields.get(name).and_then(Value::as_f64).filter(|size| *size > 0.0);
    if let (Some(rotated), Some(dim)) = (size("rotary_dim"), size("head_dim")) {
        fields.entry("partial_rotary_factor").or_insert((rotated / dim).into());
    }
    // Files of Gemma have both names; the newer one counts.
    if let Some(activation) = fields.shift_remove("hidden_activation").filter(|value| !value.is_null()) {
        fields.insert("hidden_act".into(), activation);
    }
}

/// Gives layers with experts and without the names of today.
fn name_mlp_types(fields: &mut Fields) {
    let Some(Value::Array(sparse)) = fields.shift_remove("is_moe_layer") else { return };
    let names = sparse.iter().map(|sparse| if *sparse == true { "sparse" } else { "dense" });
    let names: Vec<Value> = names.map(Value::from).collect();
    fields.entry("mlp_layer_types").or_insert(names.into());
}

fn check_heads(fields: &Fields) -> Result<(), String> {
    let size = |name: &str| fields.get(name).and_then(Value::as_u64);
    let Some(heads) = size("num_attention_heads").filter(|heads| *heads > 0) else { return Ok(()) };
    let kv_heads = size("num_key_value_heads").unwrap_or(heads);
    let dim = size("head_dim").or(size("hidden_size").map(|hidden| hidden / heads));
    match dim {
        Some(dim) if dim == 0 || kv_heads == 0 || heads % kv_heads != 0 => {
            Err(format!("{heads} heads of {dim} do not fit {kv_heads} key-value heads"))
        }
        _ => Ok(()),
    }
}

/// Gives kinds of layers the names of today, and reads Nemotron's pattern, which has a character for each.
fn name_layer_types(fields: &mut Fields) {
    let mut names: Vec<String> =
        match (fields.shift_remove("hybrid_override_pattern"), fields.get("layer_types")) {
            (_, Some(Value::Array(types))) => {
                types.iter().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect()
            }
            (Some(Value::String(pattern)), _) => pattern.chars().map(String::from).collect(),
            _ => return,
        };
    for name in &mut names {
        let today = match name.as_str() {
            "M" | "mamba" => "linear_attention",
            "*" | "attention" => "full_attention",
            "-" => "mlp",
            "E" => "moe",
            _ => continue,
        };
        today.clone_into(name);
    }
    fields.entry("num_hidden_layers").or_insert(names.len().into());
    fields.insert("layer_types".into(), names.into());
}

fn set_layer_types(model_type: &str, fields: &mut Fields) -> Result<(), String> {
    let count = |name: &str| fields.get(name).and_then(Value::as_u64);
    let Some(layers) = count("num_hidden_layers") else { return Ok(()) };
    if let Some(types) = fields.get("layer_types").and_then(Value::as_array) {
        return match types.len() as u64 {
            found if found == layers => Ok(()),
            found => Err(format!("`layer_types` names {found} layers of {layers}")),
        };
    }
    let windowed = fields.get("sliding_window").is_some_and(|window| !window.is_null());
    let uses_window = fields.get("use_sliding_window").and_then(Value::as_bool).unwrap_or(true);
    let pattern = count("sliding_window_pattern").filter(|pattern| *pattern > 0);
    // A letter for each layer, again and again: `L` for local, `G` for global.
    let word = fields.get("sliding_window_pattern").and_then(Value::as_str).filter(|word| !word.is_empty());
    let first = count("max_window_layers");
    let slides = |layer: u64| match (word, pattern, first) {
        _ if !windowed || !uses_window => false,
        (Some(word), ..) => word.as_bytes()[layer as usize % word.len()] == b'L',
        (None, Some(pattern), _) => !(layer + 1).is_multiple_of(pattern),
        (None, None, Some(first)) => layer >= first,
        (None, None, None) => WINDOWED.contains(&model_type),
    };
    let interval = count("full_attention_interval").filter(|interval| *interval > 0);
    let attending = fields.get("full_attn_idxs").and_then(Value::as_array);
    let name = |layer: u64| match (interval, attending) {
        (Some(interval), _) if !(layer + 1).is_multiple_of(interval) => "linear_attention",
        (None, Some(layers)) if !layers.contains(&layer.into()) => "conv",
        _ if model_type == "granitemoehybrid" => "linear_attention",
        _ if slides(layer) => "sliding_attention",
        _ => "full_attention",
    };
    let types: Vec<Value> = (0..layers).map(|layer| name(layer).into()).collect();
    fields.insert("layer_types".into(), types.into());
    Ok(())
}

/// Takes apart what fields say of single layers: Gemma 3n lists the features of all feed-forward layers, and Gemma 4
/// has the heads of its full-attention layers in `per_layer_config` since transformers 5.
fn lift_layer_sizes(fields: &mut Fields) -> Result<(), String> {
    if let Some(Value::Array(sizes)) = fields.get("intermediate_size").cloned() {
        fields.insert("intermediate_size".into(), sizes.first().cloned().unwrap_or_default());
        fields.insert("intermediate_sizes".into(), sizes.into());
    }
    let Some(Value::Object(layers)) = fields.shift_remove("per_layer_config") else { return Ok(()) };
    let types = fields.get("layer_types").and_then(Value::as_array).cloned().unwrap_or_default();
    let full = (0..types.len()).filter(|layer| types[*layer] == "full_attention");
    let mut own = full.map(|layer| layers.get(&layer.to_string()));
    let first = own.next().flatten();
    if own.any(|other| other != first) || layers.values().any(|layer| Some(layer) != first) {
        return Err(
            "`per_layer_config` is not the same for all full-attention layers and absent for others".into()
        );
    }
    for (name, global) in
        [("head_dim", "global_head_dim"), ("num_key_value_heads", "num_global_key_value_heads")]
    {
        let value = first.and_then(|first| first.get(name)).cloned().unwrap_or_default();
        fields.insert(global.into(), value);
    }
    Ok(())
}

fn set_rope_parameters(model_type: &str, fields: &mut Fields) -> Result<(), String> {
    let mut kinds: Vec<String> = match fields.get("layer_types") {
        Some(Value::Array(types)) => {
            types.iter().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect()
        }
        _ => vec![],
    };
    kinds.push("full_attention".into());
    kinds.sort();
    kinds.dedup();
    let given = ["rope_parameters", "rope_scaling"]
        .iter()
        .find_map(|name| fields.get(*name).filter(|value| !value.is_null()))
        .cloned()
        .unwrap_or_else(|| json!({}));
    let Value::Object(given) = given else {
        return Err(format!("rope scaling is {given}, expected an object"));
    };
    let by_kind = kinds.iter().any(|kind| given.get(kind).is_some_and(Value::is_object));
    let mut all = Fields::new();
    for kind in kinds {
        let own = match given.get(&kind) {
            _ if !by_kind => Some(&given),
            Some(Value::Object(own)) => Some(own),
            // Layers of this kind have no rotary embeddings.
            _ => None,
        };
        if let Some(own) = own {
            let full_only =
                !by_kind && kind != "full_attention" && SCALED_IN_FULL_LAYERS.contains(&model_type);
            let own =
                if full_only { only(own, &["rope_theta", "partial_rotary_factor"]) } else { own.clone() };
            all.insert(kind.clone(), rope_of_kind(&kind, own, fields).into());
        }
    }
    fields.shift_remove("rope_scaling");
    fields.insert("rope_parameters".into(), all.into());
    Ok(())
}

fn only(fields: &Fields, names: &[&str]) -> Fields {
    fields
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

/// `own` parameters of a kind of layers, completed by what `fields` says of all layers.
fn rope_of_kind(kind: &str, mut own: Fields, fields: &Fields) -> Fields {
    let old_name = own.shift_remove("type");
    let name = own.get("rope_type").cloned().or(old_name);
    let name = name.as_ref().and_then(Value::as_str).unwrap_or("default");
    let name = match name {
        "su" => "longrope",
        "deepseek_yarn" | "telechat3-yarn" => "yarn",
        // The three axes of positions of an image are one for text.
        "mrope" => "default",
        name => name,
    };
    own.insert("rope_type".into(), name.into());
    let local = if kind == "sliding_attention" { "rope_local_base_freq" } else { "rope_theta" };
    let scaled = ["llama3", "yarn", "longrope"].contains(&name);
    // Files of Phi-3 have the original length outside; it goes before the one inside.
    if let Some(original) = fields.get("original_max_position_embeddings").filter(|_| scaled) {
        own.insert("original_max_position_embeddings".into(), original.clone());
    }
    let sources: [(&str, &[&str]); 4] = [
        ("rope_theta", &["rotary_emb_base", local, "rope_theta"]),
        ("partial_rotary_factor", &["rope_pct", "rotary_pct", "partial_rotary_factor"]),
        ("max_position_embeddings", &["max_position_embeddings"]),
        ("original_max_position_embeddings", &["max_position_embeddings"]),
    ];
    for (name, places) in sources {
        let missing = own.get(name).is_none_or(Value::is_null);
        let found = places.iter().find_map(|place| fields.get(*place).filter(|value| !value.is_null()));
        if let (true, Some(value)) = (missing, found) {
            own.insert(name.into(), value.clone());
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: Value) -> Fields {
        let model_type = json["model_type"].as_str().unwrap_or_default().to_owned();
        normalize(&json, &model_type).unwrap().1
    }

    #[test]
    fn both_dialects_say_the_same() {
        let four = json!({"model_type": "llama", "num_hidden_layers": 1, "max_position_embeddings": 64,
            "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 4.0}, "torch_dtype": "bfloat16"});
        let five = json!({"model_type": "llama", "num_hidden_layers": 1, "max_position_embeddings": 64,
            "rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 4.0}, "dtype": "bfloat16"});
        assert_eq!(fields(four)["rope_parameters"], fields(five)["rope_parameters"]);

        let four = json!({"model_type": "gemma3_text", "num_hidden_layers": 2, "sliding_window_pattern": 2,
            "rope_theta": 1e6, "rope_local_base_freq": 1e4, "rope_scaling": {"rope_type": "linear", "factor": 8.0}});
        let five = json!({"model_type": "gemma3_text", "num_hidden_layers": 2,
            "layer_types": ["sliding_attention", "full_attention"],
            "rope_parameters": {"full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0},
                "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}}});
        for name in ["rope_parameters", "layer_types"] {
            assert_eq!(fields(four.clone())[name], fields(five.clone())[name], "{name}");
        }
    }

    #[test]
    fn what_is_absent_has_the_default_of_its_model_type() {
        let theta = |model_type: &str| {
            fields(json!({"model_type": model_type}))["rope_parameters"]["full_attention"]["rope_theta"]
                .clone()
        };
        assert_eq!(theta("llama"), 10_000.0);
        assert_eq!(theta("smollm3"), 2_000_000.0);
        assert_eq!(theta("unheard_of"), Value::Null);
        let null = fields(json!({"model_type": "mistral", "num_hidden_layers": 1, "sliding_window": null}));
        assert_eq!(null["layer_types"], json!(["full_attention"]));
        let absent = fields(json!({"model_type": "mistral", "num_hidden_layers": 1}));
        assert_eq!(
            (&absent["layer_types"], &absent["sliding_window"]),
            (&json!(["sliding_attention"]), &4096.into())
        );
    }

    #[test]
    fn nested_fields_come_up_and_name_the_model() {
        let nested = json!({"model_type": "gemma3", "tie_word_embeddings": false,
            "text_config": {"hidden_size": 640, "tie_word_embeddings": true}});
        let (model_type, fields) = normalize(&nested, "gemma3").unwrap();
        assert_eq!((model_type.as_str(), &fields["hidden_size"]), ("gemma3_text", &640.into()));
        assert_eq!(fields["tie_word_embeddings"], false);
        let ministral = json!({"model_type": "mistral3", "text_config": {"model_type": "ministral3"}});
        assert_eq!(normalize(&ministral, "mistral3").unwrap().0, "ministral3");
    }

    #[test]
    fn layers_follow_patterns() {
        let types = |json: Value| {
            let slides = |kind: &Value| if kind == "sliding_attention" { 's' } else { 'f' };
            fields(json)["layer_types"].as_array().unwrap().iter().map(slides).collect::<String>()
        };
        assert_eq!(types(json!({"model_type": "cohere2", "num_hidden_layers": 5})), "sssfs");
        assert_eq!(types(json!({"model_type": "gemma2", "num_hidden_layers": 3})), "sfs");
        let exaone =
            json!({"model_type": "exaone4", "num_hidden_layers": 5, "sliding_window_pattern": "LLG"});
        assert_eq!(types(exaone.clone()), "ssfss");
        let mut unlimited = exaone;
        unlimited["sliding_window"] = Value::Null;
        assert_eq!(types(unlimited), "fffff");
        let qwen = json!({"model_type": "qwen2", "num_hidden_layers": 3, "max_window_layers": 1});
        assert_eq!(types(qwen.clone()), "fff");
        let mut windows = qwen;
        windows["use_sliding_window"] = true.into();
        assert_eq!(types(windows), "fss");
        assert_eq!(types(json!({"model_type": "gemma4_text", "num_hidden_layers": 8})), "sssssfsf");
        let short = json!({"model_type": "llama", "num_hidden_layers": 2, "layer_types": ["full_attention"]});
        assert!(normalize(&short, "llama").unwrap_err().contains("names 1 layers of 2"));
    }

    #[test]
    fn kinds_of_layers_have_the_names_of_today() {
        let types = |json: Value| fields(json)["layer_types"].clone();
        let nemotron = json!({"model_type": "nemotron_h", "hybrid_override_pattern": "M-*E"});
        assert_eq!(types(nemotron.clone()), json!(["linear_attention", "mlp", "full_attention", "moe"]));
        assert_eq!(fields(nemotron)["num_hidden_layers"], 4);
        let granite = json!({"model_type": "granitemoehybrid", "layers_block_type": ["mamba", "attention"]});
        assert_eq!(types(granite), json!(["linear_attention", "full_attention"]));
        let granite = json!({"model_type": "granitemoehybrid", "num_hidden_layers": 1});
        assert_eq!(types(granite), json!(["linear_attention"]));
        let lfm2 = json!({"model_type": "lfm2", "num_hidden_layers": 3, "full_attn_idxs": [1]});
        assert_eq!(types(lfm2), json!(["conv", "full_attention", "conv"]));
        let qwen = json!({"model_type": "qwen3_next", "num_hidden_layers": 2, "full_attention_interval": 2});
        assert_eq!(types(qwen), json!(["linear_attention", "full_attention"]));
    }

    #[test]
    fn sizes_of_single_layers_are_taken_apart() {
        let gemma = |overrides: Value| {
            let json = json!({"model_type": "gemma4_text", "layer_types": ["sliding_attention", "full_attention"],
                "num_hidden_layers": 2, "per_layer_config": overrides});
            normalize(&json, "gemma4_text").map(|(_, fields)| fields)
        };
        let lifted = gemma(json!({"1": {"head_dim": 32}})).unwrap();
        assert_eq!(
            (&lifted["global_head_dim"], &lifted["num_global_key_value_heads"]),
            (&32.into(), &Value::Null)
        );
        assert_eq!(gemma(Value::Null).unwrap()["global_head_dim"], 512);
        assert!(gemma(json!({"0": {"head_dim": 32}})).unwrap_err().contains("per_layer_config"));

        let listed = fields(json!({"model_type": "gemma3n_text", "intermediate_size": [64, 32]}));
        assert_eq!(
            (&listed["intermediate_size"], &listed["intermediate_sizes"]),
            (&64.into(), &json!([64, 32]))
        );
    }
}
