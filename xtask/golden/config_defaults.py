"""What transformers assumes where a `config.json` says nothing: the table `mlx-lm/src/config/defaults.json`.

    python config_defaults.py OUTPUT_FILE

One line per `model_type`, with the fields that change numbers. The sizes of a model are left out: a file without them
is broken.
"""

import json
import sys
from pathlib import Path

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

TYPES = """
    apertus cohere cohere2 deepseek_v2 deepseek_v3 dots1 ernie4_5 ernie4_5_moe exaone4 exaone_moe falcon_h1 gemma gemma2 gemma3_text gemma3n_text
    gemma4_text glm glm4 glm4_moe glm4_moe_lite gpt2 gpt_neox gpt_oss granite granitemoe granitemoehybrid helium
    hunyuan_v1_dense hunyuan_v1_moe lfm2 lfm2_moe llama mamba2 minimax_m2
    ministral ministral3 mistral mixtral nemotron nemotron_h olmo olmo2 olmo3 olmoe phi phi3 phimoe qwen2 qwen2_5_vl_text
    qwen2_moe qwen2_vl_text qwen3 qwen3_5_moe_text qwen3_5_text qwen3_moe qwen3_next qwen3_vl_moe_text qwen3_vl_text
    seed_oss smollm3 solar_open stablelm starcoder2 youtu
""".split()

# Not used by a forward pass; whether a head is tied, the checkpoint shows.
UNUSED = """
    add_cross_attention attention_dropout attn_pdrop base_config_key bos_token_id chunk_size_feed_forward
    classifier_dropout embd_pdrop embedding_dropout eos_token_id hidden_dropout initializer_range input_jitter_noise
    is_decoder is_encoder_decoder mamba_ssm_cache_dtype model_type moe_shared_expert_overlap num_logits_to_keep
    output_attentions output_hidden_states output_router_logits pad_token_id pretraining_tp reorder_and_upcast_attn
    rescale_prenorm_residual resid_pdrop residual_dropout residual_in_fp32 return_dict router_aux_loss_coef
    summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
    tie_word_embeddings use_cache use_mamba_kernels
""".split()
SIZES = "hidden_size intermediate_size n_embd n_layer num_hidden_layers vocab_size".split()

# What transformers has in the code of a configuration instead of its fields.
CODE = {
    "apertus": {
        "rope_parameters": {
            "rope_type": "llama3",
            "factor": 8.0,
            "original_max_position_embeddings": 8192,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
        },
    },
    "cohere2": {"sliding_window_pattern": 4},
    "gemma2": {"sliding_window_pattern": 2},
    "gemma3_text": {"sliding_window_pattern": 6, "vocab_size": 262208},
    "gemma3n_text": {"sliding_window_pattern": 5},
    "gemma4_text": {
        "global_head_dim": 512,
        "rope_parameters": {
            "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional"},
            "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
        },
        "sliding_window_pattern": 6,
    },
    "glm": {"partial_rotary_factor": 0.5},
    "glm4": {"partial_rotary_factor": 0.5},
    "glm4_moe": {"partial_rotary_factor": 0.5},
    "glm4_moe_lite": {"first_k_dense_replace": 1},
    "gpt_neox": {"partial_rotary_factor": 0.25},
    "gpt_oss": {"sliding_window_pattern": 2},
    # It has neither attention nor feed-forward layers.
    "mamba2": {"intermediate_size": 1, "num_attention_heads": 1},
    "olmo3": {"sliding_window_pattern": 4},
    "hunyuan_v1_dense": {"use_qk_norm": True},
    "nemotron": {"partial_rotary_factor": 0.5},
    "phi": {"partial_rotary_factor": 0.5},
    "qwen3_5_moe_text": {"full_attention_interval": 4, "norm_topk_prob": True, "partial_rotary_factor": 0.25},
    "qwen3_5_text": {"full_attention_interval": 4, "partial_rotary_factor": 0.25},
    "qwen3_next": {"full_attention_interval": 4, "partial_rotary_factor": 0.25},
    "qwen3_vl_moe_text": {"norm_topk_prob": True},
    "solar_open": {"first_k_dense_replace": 0, "partial_rotary_factor": 1.0, "use_qk_norm": False},
    "stablelm": {"partial_rotary_factor": 0.25},
    # DeepSeek's attention without its experts.
    "youtu": {
        "first_k_dense_replace": 0,
        "moe_intermediate_size": 0,
        "n_routed_experts": 0,
        "norm_topk_prob": False,
        "num_experts_per_tok": 0,
        "routed_scaling_factor": 1.0,
    },
}

# Models whose configuration comes with the checkpoint as Python code.
FOREIGN = {
    "bailing_moe": {
        "hidden_act": "silu",
        "moe_router_enable_expert_bias": False,
        "n_group": 1,
        "norm_head": False,
        "rms_norm_eps": 1e-6,
        "routed_scaling_factor": 1.0,
        "score_function": "softmax",
        "topk_group": 1,
        "use_bias": False,
        "use_qk_norm": False,
        "use_qkv_bias": False,
    },
    "deepseek": {
        "attention_bias": False,
        "first_k_dense_replace": 0,
        "hidden_act": "silu",
        "norm_topk_prob": False,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "routed_scaling_factor": 1.0,
    },
    "exaone": {"attention_bias": False, "mlp_bias": False, "rms_norm_eps": 1e-5, "rope_theta": 10000.0},
    "hunyuan": {"attention_bias": False, "hidden_act": "silu", "rms_norm_eps": 1e-5, "rope_theta": 10000.0},
    "internlm2": {"rms_norm_eps": 1e-6, "bias": True, "rope_theta": 10000.0},
    "mimo": {"hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "use_sliding_window": False},
    "telechat3": {"attention_bias": False, "mlp_bias": False, "rope_theta": 10000.0},
    "minicpm": {
        "dim_model_base": 1,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "scale_depth": 1.0,
        "scale_emb": 1.0,
    },
}


def defaults(model_type: str) -> dict:
    config = CONFIG_MAPPING[model_type]
    fields = {name: field.default for name, field in config.__dataclass_fields__.items()}
    plain = {name: value for name, value in fields.items() if isinstance(value, (bool, int, float, str))}
    theta = config.default_theta
    thetas = {"rope_theta": theta}
    if isinstance(theta, dict):
        thetas = {"rope_theta": theta["global"], "rope_local_base_freq": theta["local"]}
    kept = {name: value for name, value in plain.items() if name not in UNUSED + SIZES}
    return {**kept, **thetas, **CODE.get(model_type, {})}


def main() -> None:
    table = {**{model_type: defaults(model_type) for model_type in TYPES}, **FOREIGN}
    lines = [f'  "{name}": {json.dumps(table[name], sort_keys=True)}' for name in sorted(table)]
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
