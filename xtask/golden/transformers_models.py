"""Logits of tiny models by transformers, the definition of most architectures: `transformers.json` and `.safetensors`.

    python -m venv ENV5; ENV5/bin/pip install torch transformers==5.23.0 safetensors
    python -m venv ENV4; ENV4/bin/pip install transformers==4.57.6
    ENV4/bin/python transformers_models.py configs CONFIGS_FILE
    ENV5/bin/python transformers_models.py logits CONFIGS_FILE OUTPUT_FOLDER [NAME ...]

The weights come from named_weights.py, by the names under which transformers saves them, so that what is compared
includes the layout of a checkpoint. A model whose name ends in `_fused` is saved as transformers 5 holds it in memory,
with all experts of a layer as one tensor; the others as their makers publish them. The JSON file has, for each model, `config.json` as transformers 5 and as
transformers 4 writes it (null for models that it does not know), and the names and shapes of the tensors. The
safetensors file has the logits of the last four of 40 tokens, more than any window.

torch takes gigabytes and the models change seldom, so that no automatic run makes these.
"""

import json
import sys
import tempfile
from pathlib import Path

TOKENS = [(7 * i * i + 3 * i + 17) % 128 for i in range(40)]
POSITIONS = 4

SIZES = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
SPECIAL = {"pad_token_id": None, "bos_token_id": 1, "eos_token_id": 2}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LONGROPE = {"rope_type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], "long_factor": [1, 2, 3, 4, 5, 6, 7, 8]}
GPT2 = {"vocab_size": 128, "n_embd": 64, "n_head": 4, "n_layer": 2, "n_positions": 64}

QWEN_MOE = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32}
GROUPED_MOE = {
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 32,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
}

DEEPSEEK = {
    **GROUPED_MOE,
    "num_key_value_heads": 4,
    "kv_lora_rank": 32,
    "qk_nope_head_dim": 24,
    "qk_rope_head_dim": 16,
    "v_head_dim": 20,
    "rope_theta": 5000.0,
}
DEEPSEEK_YARN = {**YARN, "mscale": 0.7, "mscale_all_dim": 0.8}

YOUTU = {name: value for name, value in DEEPSEEK.items() if name not in GROUPED_MOE}
SOLAR = {name: value for name, value in GROUPED_MOE.items() if name != "first_k_dense_replace"}
GLM_LITE = {name: value for name, value in DEEPSEEK.items() if name != "first_k_dense_replace"}
EXAONE_MOE = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32, "num_shared_experts": 2}

MINIMAX = {"num_local_experts": 8, "num_experts_per_tok": 3, "head_dim": 16, "rotary_dim": 8, "rope_theta": 5000.0}
GPT_OSS = {
    "num_local_experts": 8,
    "head_dim": 16,
    "sliding_window": 8,
    "rope_theta": 5000.0,
    "rope_scaling": {**YARN, "truncate": False},
}
SHARED_KEYS = {
    "num_hidden_layers": 4,
    "head_dim": 16,
    "num_kv_shared_layers": 2,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "sliding_window": 8,
    "hidden_size_per_layer_input": 16,
    "vocab_size_per_layer_input": 128,
}
GEMMA4_MOE = {
    "head_dim": 16,
    "global_head_dim": 32,
    "num_global_key_value_heads": 1,
    "attention_k_eq_v": True,
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 8,
    "hidden_size_per_layer_input": 0,
    "enable_moe_block": True,
    "num_experts": 8,
    "top_k_experts": 3,
    "moe_intermediate_size": 32,
}

MAMBA2 = {
    "vocab_size": 128,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_heads": 8,
    "head_dim": 16,
    "state_size": 16,
    "n_groups": 2,
    "chunk_size": 16,
}
LFM2 = {"num_hidden_layers": 3, "layer_types": ["conv", "full_attention", "conv"], "rope_theta": 5000.0}
LFM2_MOE = {**LFM2, "num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32, "num_dense_layers": 1}
DELTA = {
    "layer_types": ["linear_attention", "full_attention"],
    "head_dim": 16,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 8,
    "rope_theta": 5000.0,
}
SHARED_MOE = {**QWEN_MOE, "shared_expert_intermediate_size": 48}
GRANITE_HYBRID = {
    "layer_types": ["linear_attention", "full_attention"],
    "num_local_experts": 8,
    "num_experts_per_tok": 3,
    "shared_intermediate_size": 48,
    "mamba_n_heads": 4,
    "mamba_d_state": 16,
    "mamba_n_groups": 2,
    "mamba_chunk_size": 16,
    "embedding_multiplier": 3.0,
    "attention_multiplier": 0.2,
    "residual_multiplier": 0.5,
    "logits_scaling": 2.0,
}
GRANITE_MOE = {
    "num_local_experts": 8,
    "num_experts_per_tok": 3,
    "embedding_multiplier": 3.0,
    "attention_multiplier": 0.2,
    "residual_multiplier": 0.5,
    "logits_scaling": 2.0,
}
NEMOTRON_H = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "layers_block_type": ["linear_attention", "moe", "full_attention", "mlp", "linear_attention"],
    "mamba_num_heads": 4,
    "mamba_head_dim": 16,
    "ssm_state_size": 16,
    "n_groups": 2,
    "chunk_size": 16,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 32,
    "moe_shared_expert_intermediate_size": 48,
}

FALCON_H1 = {
    "head_dim": 16,
    "mamba_d_ssm": 64,
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 16,
    "mamba_chunk_size": 16,
    "embedding_multiplier": 3.0,
    "lm_head_multiplier": 0.4,
    "key_multiplier": 0.7,
    "attention_in_multiplier": 1.5,
    "attention_out_multiplier": 0.9,
    "ssm_in_multiplier": 1.25,
    "ssm_out_multiplier": 0.6,
    "mlp_multipliers": [0.8, 0.5],
    "ssm_multipliers": [0.35, 0.25, 1.5, 0.5, 0.7],
    "rope_theta": 5000.0,
}

# As small as its image towers get: they are not compared.
QWEN2_VISION = {"depth": 1, "embed_dim": 8, "hidden_size": 64, "num_heads": 2}
QWEN2_5_VISION = {"depth": 1, "hidden_size": 8, "out_hidden_size": 64, "intermediate_size": 8, "num_heads": 2}
QWEN3_VISION = {**QWEN2_5_VISION, "num_position_embeddings": 4, "deepstack_visual_indexes": []}
QWEN3_5_VISION = {name: value for name, value in QWEN3_VISION.items() if name != "deepstack_visual_indexes"}
QWEN3_5_MROPE = {"rope_type": "default", "mrope_section": [1, 1, 0], "mrope_interleaved": True}
QWEN3_MROPE = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}

# Name -> model type and the fields that differ from SIZES and the model's own defaults. `rope_theta` and `rope_scaling`
# are spelled as transformers 4 does; they become `rope_parameters` for transformers 5.
MODELS = {
    "llama": ("llama", {"rope_theta": 5000.0}),
    "llama_llama3": ("llama", {"rope_theta": 50000.0, "rope_scaling": LLAMA3, "tie_word_embeddings": True}),
    "llama_dynamic": ("llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}, "max_position_embeddings": 24}),
    "mistral": ("mistral", {"sliding_window": 8}),
    "mistral_full": ("mistral", {"sliding_window": None, "head_dim": 32}),
    "qwen2": ("qwen2", {"rope_theta": 5000.0}),
    "qwen2_windows": ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}),
    "qwen3": ("qwen3", {"head_dim": 32}),
    "qwen3_yarn": ("qwen3", {"head_dim": 16, "rope_scaling": YARN, "attention_bias": True}),
    "smollm3": ("smollm3", {"num_hidden_layers": 4}),
    "granite": ("granite", {"attention_multiplier": 0.2, "residual_multiplier": 0.3, "logits_scaling": 4.0}),
    "olmo": ("olmo", {}),
    "olmo_clip": ("olmo", {"clip_qkv": 0.3, "attention_bias": True, "tie_word_embeddings": True}),
    "olmo2": ("olmo2", {"rms_norm_eps": 1e-3}),
    "olmo3": ("olmo3", {"num_hidden_layers": 4, "sliding_window": 8, "rope_scaling": YARN, "rope_theta": 5000.0}),
    "phi": ("phi", {"partial_rotary_factor": 0.25}),
    "phi_norms": ("phi", {"qk_layernorm": True, "hidden_act": "gelu"}),
    "phi3": ("phi3", {"sliding_window": 8}),
    "phi3_short": ("phi3", {"rope_scaling": LONGROPE, "original_max_position_embeddings": 50}),
    "phi3_long": ("phi3", {"rope_scaling": LONGROPE, "original_max_position_embeddings": 16}),
    "gemma": ("gemma", {"head_dim": 32}),
    "gemma2": ("gemma2", {"head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 24}),
    "gemma3_text": ("gemma3_text", {"head_dim": 16, "sliding_window": 8, "num_hidden_layers": 7, "query_pre_attn_scalar": 24}),
    "gemma3n_text": ("gemma3n_text", {**SHARED_KEYS, "laurel_rank": 16, "activation_sparsity_pattern": [0.9, 0.5, 0.0, 0.0]}),
    "gemma4_text": ("gemma4_text", {**SHARED_KEYS, "global_head_dim": 32, "use_double_wide_mlp": True, "final_logit_softcapping": 3.0}),
    "gemma4_text_experts": ("gemma4_text", GEMMA4_MOE),
    "cohere": ("cohere", {"logit_scale": 0.5, "rope_theta": 5000.0}),
    "cohere_norms": ("cohere", {"use_qk_norm": True, "attention_bias": True, "rope_theta": 5000.0}),
    "cohere2": ("cohere2", {"num_hidden_layers": 4, "sliding_window": 8}),
    "glm": ("glm", {"head_dim": 16}),
    "glm4": ("glm4", {"head_dim": 32, "attention_bias": False}),
    "gpt2": ("gpt2", GPT2),
    "gpt2_inner": ("gpt2", {**GPT2, "n_inner": 96, "activation_function": "gelu"}),
    "gpt_neox": ("gpt_neox", {"num_key_value_heads": None}),
    "gpt_neox_sequential": (
        "gpt_neox",
        {"num_key_value_heads": None, "use_parallel_residual": False, "hidden_act": "gelu_fast", "attention_bias": False},
    ),
    "starcoder2": ("starcoder2", {"sliding_window": 8}),
    "stablelm": ("stablelm", {"use_qkv_bias": True}),
    "stablelm_parallel": ("stablelm", {"use_parallel_residual": True, "qk_layernorm": True}),
    "seed_oss": ("seed_oss", {"head_dim": 32}),
    "ernie4_5": ("ernie4_5", {"head_dim": 32, "use_bias": True}),
    "exaone4": ("exaone4", {"num_hidden_layers": 4, "sliding_window": 8, "rope_theta": 5000.0, "rope_scaling": LLAMA3}),
    "exaone4_full": ("exaone4", {"sliding_window": None, "layer_types": ["full_attention"] * 2}),
    "helium": ("helium", {"head_dim": 16, "attention_bias": True, "mlp_bias": True}),
    "nemotron": ("nemotron", {"attention_bias": True, "partial_rotary_factor": 0.25}),
    "apertus": ("apertus", {}),
    "apertus_bias": ("apertus", {"attention_bias": True, "rope_theta": 5000.0, "rope_scaling": LLAMA3, "tie_word_embeddings": True}),
    "hunyuan_v1_dense": ("hunyuan_v1_dense", {"head_dim": 32, "rope_scaling": {"rope_type": "dynamic", "alpha": 100.0, "factor": 1.0}}),
    "hunyuan_v1_moe": ("hunyuan_v1_moe", {"head_dim": 16, "num_experts": 8, "moe_topk": [3, 2], "rope_theta": 5000.0}),
    "hunyuan_v1_moe_fused": (
        "hunyuan_v1_moe",
        {
            "head_dim": 32,
            "attention_bias": True,
            "num_experts": 4,
            "moe_topk": 2,
            "rope_scaling": {"rope_type": "dynamic", "alpha": 100.0, "factor": 1.0},
            "tie_word_embeddings": True,
        },
    ),
    "mixtral": ("mixtral", {"num_local_experts": 4, "sliding_window": 8, "rope_theta": 5000.0}),
    "qwen2_moe": ("qwen2_moe", {**QWEN_MOE, "shared_expert_intermediate_size": 48, "decoder_sparse_step": 2}),
    "qwen3_moe": ("qwen3_moe", {**QWEN_MOE, "norm_topk_prob": True, "rope_scaling": YARN}),
    "qwen3_moe_fused": ("qwen3_moe", QWEN_MOE),
    "olmoe": ("olmoe", {"num_experts": 8, "num_experts_per_tok": 3}),
    "olmoe_clip": ("olmoe", {"num_experts": 4, "num_experts_per_tok": 2, "clip_qkv": 0.3, "norm_topk_prob": True}),
    "granitemoe": ("granitemoe", {**GRANITE_MOE, "rope_theta": 5000.0}),
    "granitemoe_fused": ("granitemoe", {**GRANITE_MOE, "attention_bias": True}),
    "gpt_oss": ("gpt_oss", GPT_OSS),
    "phimoe": ("phimoe", {"num_local_experts": 4, "attention_bias": True, "rope_theta": 5000.0, "sliding_window": 8}),
    "glm4_moe": ("glm4_moe", {**GROUPED_MOE, "head_dim": 16, "use_qk_norm": True, "rope_theta": 5000.0}),
    "glm4_moe_groups": ("glm4_moe", {**GROUPED_MOE, "head_dim": 16, "n_group": 4, "topk_group": 2, "routed_scaling_factor": 1.5}),
    "exaone_moe": ("exaone_moe", {**EXAONE_MOE, "sliding_window": 8, "rope_theta": 5000.0}),
    "exaone_moe_groups": ("exaone_moe", {**EXAONE_MOE, "n_group": 4, "topk_group": 2, "mlp_layer_types": ["sparse"] * 2, "sliding_window_pattern": 2}),
    "glm4_moe_lite": ("glm4_moe_lite", {**GLM_LITE, "q_lora_rank": 32, "rope_theta": 5000.0}),
    "youtu": ("youtu", {**YOUTU, "q_lora_rank": 32, "attention_bias": True, "rope_theta": 5000.0}),
    "solar_open": ("solar_open", {**SOLAR, "head_dim": 16, "rope_theta": 5000.0}),
    "dots1": ("dots1", GROUPED_MOE),
    "deepseek_v2": ("deepseek_v2", {**DEEPSEEK, "q_lora_rank": None, "rope_scaling": DEEPSEEK_YARN}),
    "deepseek_v3": ("deepseek_v3", {**DEEPSEEK, "q_lora_rank": 32, "n_group": 4, "topk_group": 2, "rope_scaling": DEEPSEEK_YARN}),
    "minimax_m2": ("minimax_m2", MINIMAX),
    "minimax_m2_fused": ("minimax_m2", MINIMAX),
    "ernie4_5_moe": ("ernie4_5_moe", {"moe_num_experts": 8, "moe_k": 3, "moe_intermediate_size": 32, "use_bias": False, "rope_theta": 5000.0}),
    "ministral3": ("ministral3", {"head_dim": 16, "rope_scaling": {**YARN, "llama_4_scaling_beta": 0.2}}),
    "mamba2": ("mamba2", MAMBA2),
    "lfm2": ("lfm2", {**LFM2, "block_multiple_of": 32}),
    "lfm2_biases": ("lfm2", {**LFM2, "layer_types": None, "full_attn_idxs": [0, 2], "conv_bias": True, "block_auto_adjust_ff_dim": False}),
    "lfm2_moe": ("lfm2_moe", LFM2_MOE),
    "lfm2_moe_fused": ("lfm2_moe", {**LFM2_MOE, "use_expert_bias": False}),
    "qwen3_next": ("qwen3_next", {**DELTA, **SHARED_MOE}),
    "qwen3_next_fused": ("qwen3_next", {**DELTA, **SHARED_MOE, "norm_topk_prob": False}),
    "qwen3_5_text": ("qwen3_5_text", DELTA),
    "qwen3_5": ("qwen3_5", {"text_config": {**DELTA, "rope_scaling": QWEN3_5_MROPE}, "vision_config": QWEN3_5_VISION}),
    "qwen3_5_moe": ("qwen3_5_moe", {"text_config": {**DELTA, **SHARED_MOE, "rope_scaling": QWEN3_5_MROPE}, "vision_config": QWEN3_5_VISION}),
    "qwen3_5_moe_text_fused": ("qwen3_5_moe_text", {**DELTA, **SHARED_MOE, "linear_num_key_heads": 4}),
    "falcon_h1": ("falcon_h1", {**FALCON_H1, "mamba_n_groups": 2, "mamba_rms_norm": True, "mamba_norm_before_gate": False}),
    "falcon_h1_norm": (
        "falcon_h1",
        {
            **FALCON_H1,
            "mamba_rms_norm": True,
            "mamba_norm_before_gate": True,
            "attention_bias": True,
            "mlp_bias": True,
            "mamba_proj_bias": True,
            "projectors_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "falcon_h1_plain": ("falcon_h1", {**FALCON_H1, "mamba_conv_bias": False, "rope_theta": 1e11}),
    "granitemoehybrid": ("granitemoehybrid", {**GRANITE_HYBRID, "position_embedding_type": "rope", "rope_theta": 5000.0}),
    "granitemoehybrid_fused": ("granitemoehybrid", GRANITE_HYBRID),
    "granitemoehybrid_dense": ("granitemoehybrid", {**GRANITE_HYBRID, "num_local_experts": 0}),
    "nemotron_h": ("nemotron_h", NEMOTRON_H),
    "nemotron_h_fused": ("nemotron_h", {**NEMOTRON_H, "moe_latent_size": 16, "n_group": 4, "topk_group": 2}),
    "qwen2_vl": ("qwen2_vl", {"text_config": {"rope_theta": 5000.0, "rope_scaling": {"type": "mrope", "mrope_section": [4, 2, 2]}}, "vision_config": QWEN2_VISION}),
    "qwen2_5_vl": ("qwen2_5_vl", {"text_config": {"rope_scaling": {"type": "mrope", "mrope_section": [4, 2, 2]}}, "vision_config": QWEN2_5_VISION}),
    "qwen3_vl": ("qwen3_vl", {"text_config": {"head_dim": 16, "rope_theta": 5000.0, "rope_scaling": QWEN3_MROPE}, "vision_config": QWEN3_VISION}),
    "qwen3_vl_moe": ("qwen3_vl_moe", {"text_config": {**QWEN_MOE, "head_dim": 16, "rope_theta": 5000.0}, "vision_config": QWEN3_VISION}),
}

# Models with other names for their sizes.
UNSIZED = ("gpt2", "mamba2", "nemotron_h")


def fields(name: str) -> dict:
    model_type, own = MODELS[name]
    if "text_config" in own:
        return {**own, "text_config": {**SIZES, **SPECIAL, **own["text_config"]}}
    sizes = {} if model_type in UNSIZED else SIZES
    return {**sizes, **SPECIAL, **own}


def without_noise(config: dict) -> dict:
    """Fields that say nothing of the model, but change with each release of transformers."""
    return {name: value for name, value in config.items() if name not in ("transformers_version", "_name_or_path")}


def tagged(value):
    """JSON has no infinity: the form of transformers 5 for what transformers 4 writes bare."""
    if isinstance(value, dict):
        return {name: tagged(item) for name, item in value.items()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    return {"__float__": "Infinity"} if value == float("inf") else value


def write_configs(output: Path) -> None:
    """By transformers 4: the text of `config.json` for each model that it knows."""
    from transformers import AutoConfig

    configs = {}
    for name, (model_type, _) in MODELS.items():
        own = fields(name)
        if model_type == "granitemoehybrid":
            own["layer_types"] = ["mamba", "attention"]
        if model_type == "phi3" and "rope_scaling" in own:
            own["rope_scaling"] = {**own["rope_scaling"], "type": "longrope"}
            del own["rope_scaling"]["rope_type"]
        try:
            config = AutoConfig.for_model(model_type, torch_dtype="float32", **own)
        except ValueError:
            configs[name] = None
            continue
        configs[name] = tagged(without_noise(json.loads(config.to_json_string())))
    output.write_text(json.dumps(configs, indent=1))


def rope_parameters(model_type: str, own: dict) -> dict:
    """The fields with rotary embeddings as transformers 5 takes them."""
    if "text_config" in own:
        return {**own, "text_config": rope_parameters(model_type, own["text_config"])}
    theta, scaling = own.pop("rope_theta", None), own.pop("rope_scaling", None)
    if not theta and not scaling:
        return own
    plain = {"rope_type": "default", **({"rope_theta": theta} if theta else {})}
    parameters = {**plain, **(scaling or {})}
    if model_type == "olmo3":
        parameters = {"full_attention": parameters, "sliding_attention": plain}
    return {**own, "rope_parameters": parameters}


def golden(name: str) -> tuple:
    import torch
    from safetensors import safe_open
    from safetensors.numpy import save_file
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    from named_weights import named_weight

    model_type, own = MODELS[name]
    auto_class = AutoModelForImageTextToText if "vision_config" in own else AutoModelForCausalLM
    config = AutoConfig.for_model(model_type, **rope_parameters(model_type, fields(name)))
    with tempfile.TemporaryDirectory() as folder:
        model = auto_class.from_config(config, dtype=torch.float32, attn_implementation="eager")
        model.save_pretrained(folder, save_original_format=not name.endswith("_fused"))
        file = Path(folder) / "model.safetensors"
        with safe_open(file, "np") as saved:
            tensors = {tensor: list(saved.get_slice(tensor).get_shape()) for tensor in saved.keys()}
        save_file({tensor: named_weight(tensor, tuple(shape)) for tensor, shape in tensors.items()}, file, {"format": "pt"})
        model = auto_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        written = without_noise(json.loads((Path(folder) / "config.json").read_text()))
    with torch.no_grad():
        logits = model(torch.tensor([TOKENS])).logits[0, -POSITIONS:]
    # Of an image tower, one tensor says how they are named.
    tower = [tensor for tensor in tensors if "visual" in tensor][1:]
    return written, {tensor: shape for tensor, shape in tensors.items() if tensor not in tower}, logits.numpy().copy()


def write_logits(configs: Path, output: Path, names: list) -> None:
    import transformers
    from safetensors.numpy import load_file, save_file

    import fixture

    four = json.loads(configs.read_text())
    listing, file = output / "transformers.json", output / "transformers.safetensors"
    models, logits = {}, {}
    if names and listing.exists():
        models = {model["name"]: model for model in json.loads(listing.read_text())["models"]}
        logits = load_file(file)
    for name in names or MODELS:
        config, tensors, logits[name] = golden(name)
        models[name] = {"name": name, "config": config, "config_4": four.get(name), "tensors": tensors}
    ordered = [models[name] for name in MODELS if name in models]
    fixture.write(listing, {"versions": {"transformers": transformers.__version__}, "tokens": TOKENS, "models": ordered})
    save_file(logits, file)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["configs", output]:
            write_configs(Path(output))
        case ["logits", configs, output, *names]:
            write_logits(Path(configs), Path(output), names)
        case _:
            sys.exit(__doc__)
