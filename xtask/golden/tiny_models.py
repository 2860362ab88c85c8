"""The tiny models of goldens.py: what each is for, and how it is quantized."""

BASE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "vocab_size": 128,
    "max_position_embeddings": 256,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    # Low enough that a head of 16 has frequencies below, between and above the two borders.
    "original_max_position_embeddings": 64,
}

GRANITE = {
    "embedding_multiplier": 12.0,
    "attention_multiplier": 0.15,
    "residual_multiplier": 0.22,
    "logits_scaling": 8.0,
}

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}

MINICPM = {"scale_emb": 12, "scale_depth": 1.4, "dim_model_base": 16}

MINISTRAL = {
    "head_dim": 16,
    "rope_parameters": {
        "type": "yarn",
        "rope_theta": 1000000.0,
        "factor": 16.0,
        "original_max_position_embeddings": 16,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "llama_4_scaling_beta": 0.1,
    },
    "rope_theta": None,
}

LAYER_NORM = {"layer_norm_eps": 1e-5, "rms_norm_eps": None}

GEMMA2 = {
    "head_dim": 16,
    "query_pre_attn_scalar": 16,
    "attn_logit_softcapping": 2.0,
    "final_logit_softcapping": 3.0,
    "tie_word_embeddings": True,
}

GEMMA3 = {
    "head_dim": 32,
    "query_pre_attn_scalar": 24,
    "sliding_window": 8,
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 1000.0,
    "tie_word_embeddings": True,
}

COHERE = {"logit_scale": 0.25, "tie_word_embeddings": True, "sliding_window": 8}

GPT2 = {
    "n_ctx": 64,
    "n_embd": 64,
    "n_head": 4,
    "n_layer": 2,
    "n_positions": 64,
    "layer_norm_epsilon": 1e-5,
    **{name: None for name in BASE if name != "vocab_size"},
}

GPT_NEOX = {
    **LAYER_NORM,
    "intermediate_size": 256,
    "num_key_value_heads": None,
    "rope_theta": None,
    "rotary_emb_base": 10000,
    "rotary_pct": 0.25,
    # Python mlx-lm approximates GELU, whatever the configuration asks for.
    "hidden_act": "gelu_fast",
}

# Many experts and choices, so that the long prompt has more than 64 choices, which are then sorted.
QWEN_MOE = {
    "num_experts": 8,
    "num_experts_per_tok": 4,
    "moe_intermediate_size": 64,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "norm_topk_prob": False,
    "max_window_layers": 2,
}

GROUPED_MOE = {
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "n_shared_experts": 1,
    "moe_intermediate_size": 64,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "norm_topk_prob": True,
    "routed_scaling_factor": 1.5,
    "head_dim": 16,
    "rope_scaling": {"rope_type": "default"},
}

ERNIE_MOE = {
    "moe_num_experts": 8,
    "moe_k": 3,
    "moe_intermediate_size": 64,
    "moe_num_shared_experts": 1,
    "moe_layer_start_index": 1,
    "moe_layer_interval": 1,
    "use_bias": False,
}

PHIMOE = {
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "original_max_position_embeddings": 2,
    "attention_bias": True,
    "lm_head_bias": True,
    "router_jitter_noise": 0.1,
    "rope_scaling": {
        "type": "longrope",
        "short_factor": [1.0] * 8,
        "long_factor": [1, 1.1, 1.4, 2, 4, 8, 9, 10],
        "short_mscale": 1.1,
        "long_mscale": 1.2,
    },
}

GPT_OSS = {
    "num_local_experts": 8,
    "num_experts_per_tok": 4,
    "head_dim": 16,
    "sliding_window": 8,
    "rope_scaling": {**YARN, "truncate": True},
}

# A latent of 64, so that it has groups of 64 in four bits.
DEEPSEEK = {
    "num_key_value_heads": 4,
    "moe_intermediate_size": 64,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
    "routed_scaling_factor": 1.5,
    "norm_topk_prob": False,
    "kv_lora_rank": 64,
    "q_lora_rank": 64,
    "qk_nope_head_dim": 64,
    "qk_rope_head_dim": 16,
    "v_head_dim": 32,
    "attention_bias": False,
    "rope_scaling": {**YARN, "type": "yarn", "mscale": 0.7, "mscale_all_dim": 0.8, "beta_fast": 32, "beta_slow": 1},
}

MINIMAX = {"num_local_experts": 8, "num_experts_per_tok": 3, "shared_intermediate_size": 0, "head_dim": 16, "rotary_dim": 8}

# Two layers lend their keys and values to the last two; one window, one not.
GEMMA3N = {
    "model_type": "gemma3n_text",
    "num_hidden_layers": 4,
    "head_dim": 16,
    "num_kv_shared_layers": 2,
    "vocab_size_per_layer_input": 128,
    "hidden_size_per_layer_input": 64,
    "sliding_window": 8,
    "rope_local_base_freq": 1000.0,
    "final_logit_softcapping": 3.0,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "activation_sparsity_pattern": [0.95, 0.6, 0.0, 0.0],
    "altup_num_inputs": 4,
    "altup_coef_clip": 120.0,
    "altup_correct_scale": True,
    "altup_active_idx": 0,
    "laurel_rank": 64,
    "tie_word_embeddings": True,
}

GEMMA4_ROPE = {
    "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional"},
    "sliding_attention": {"rope_theta": 1000.0, "rope_type": "default"},
}

GEMMA4 = {
    "model_type": "gemma4_text",
    "num_hidden_layers": 4,
    "head_dim": 16,
    "global_head_dim": 32,
    "num_kv_shared_layers": 2,
    "vocab_size_per_layer_input": 128,
    "hidden_size_per_layer_input": 64,
    "sliding_window": 8,
    "use_double_wide_mlp": True,
    "attention_k_eq_v": False,
    "final_logit_softcapping": 3.0,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "rope_parameters": GEMMA4_ROPE,
    "rope_theta": None,
    "tie_word_embeddings": True,
}

# No sharing of keys between layers, but keys that are values, and experts.
GEMMA4_MOE = {
    **GEMMA4,
    "num_key_value_heads": 2,
    "num_global_key_value_heads": 1,
    "num_kv_shared_layers": 0,
    "hidden_size_per_layer_input": 0,
    "use_double_wide_mlp": False,
    "attention_k_eq_v": True,
    "final_logit_softcapping": 30.0,
    "enable_moe_block": True,
    "num_experts": 8,
    "top_k_experts": 3,
    "moe_intermediate_size": 64,
}

QWEN_VL_ROPE = {"type": "mrope", "mrope_section": [2, 3, 3]}
QWEN3_VL_ROPE = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [4, 2, 2]}

MAMBA2 = {
    "num_heads": 4,
    "head_dim": 32,
    "state_size": 16,
    # Python mlx-lm normalizes all groups together.
    "n_groups": 1,
    "conv_kernel": 4,
    "layer_norm_epsilon": 1e-5,
    "rms_norm_eps": None,
    "time_step_rank": "auto",
    "time_step_limit": [0.0, 1e30],
    "use_bias": False,
    "use_conv_bias": True,
}

LFM2 = {
    "num_hidden_layers": 3,
    "layer_types": ["conv", "full_attention", "conv"],
    "conv_L_cache": 3,
    "conv_bias": False,
    "norm_eps": 1e-5,
    "rms_norm_eps": None,
    "tie_word_embeddings": True,
    "block_dim": 64,
    "block_ff_dim": 160,
    "block_multiple_of": 64,
    "block_ffn_dim_multiplier": 1.2,
    "block_auto_adjust_ff_dim": True,
}

LFM2_MOE = {
    "num_experts": 8,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 64,
    "num_dense_layers": 1,
    "norm_topk_prob": True,
    "use_expert_bias": True,
    "routed_scaling_factor": 1.5,
}

QWEN3_NEXT = {
    "num_hidden_layers": 4,
    "head_dim": 32,
    "partial_rotary_factor": 0.25,
    "full_attention_interval": 2,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "num_experts": 8,
    "num_experts_per_tok": 4,
    "moe_intermediate_size": 64,
    "shared_expert_intermediate_size": 64,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "norm_topk_prob": True,
}

QWEN3_5 = {
    **{name: value for name, value in QWEN3_NEXT.items() if "expert" not in name and "moe" not in name and "mlp" not in name},
    "rope_parameters": {
        "rope_type": "default",
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
        "rope_theta": 5000.0,
        "partial_rotary_factor": 0.25,
    },
    "rope_theta": None,
    "norm_topk_prob": None,
}

GRANITE_HYBRID = {
    **GRANITE,
    "num_hidden_layers": 3,
    "layer_types": ["mamba", "attention", "mamba"],
    "attention_bias": False,
    "position_embedding_type": "nope",
    "num_local_experts": 8,
    "num_experts_per_tok": 3,
    "shared_intermediate_size": 128,
    "mamba_n_heads": 4,
    "mamba_d_head": 32,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_n_groups": 1,
    "mamba_expand": 2,
    "mamba_conv_bias": True,
    "mamba_proj_bias": False,
    "time_step_limit": [0.3, 0.7],
}

NEMOTRON_H = {
    "head_dim": 16,
    "attention_bias": False,
    "mlp_bias": False,
    "mlp_hidden_act": "relu2",
    "mamba_num_heads": 4,
    "mamba_head_dim": 16,
    "mamba_proj_bias": False,
    "ssm_state_size": 16,
    "n_groups": 2,
    "conv_kernel": 4,
    "use_bias": False,
    "use_conv_bias": True,
    "layer_norm_epsilon": 1e-5,
    "rms_norm_eps": None,
    "num_hidden_layers": None,
    "hybrid_override_pattern": "M-M*-E",
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 64,
    "moe_shared_expert_intermediate_size": 128,
    "norm_topk_prob": True,
    "routed_scaling_factor": 1.5,
    "n_group": 1,
    "topk_group": 1,
}

EXAONE = {"num_layers": 2, "num_hidden_layers": None, "layer_norm_epsilon": 1e-5, "rms_norm_eps": None}

# Of fields that Python mlx-lm wants to be there: JSON's null.
NULL = "null"

EXAONE4 = {"head_dim": 16, "num_hidden_layers": 4, "sliding_window": 8, "sliding_window_pattern": "LLG", "rope_scaling": LLAMA3_ROPE}

DEEPSEEK_V1 = {
    name: value
    for name, value in GROUPED_MOE.items()
    if name not in ("norm_topk_prob", "routed_scaling_factor", "n_group", "topk_group", "head_dim", "rope_scaling")
}

EXAONE_MOE = {
    "head_dim": 16,
    "num_experts": 8,
    "num_experts_per_tok": 3,
    "num_shared_experts": 2,
    "moe_intermediate_size": 64,
    "sliding_window": 8,
    "layer_types": ["sliding_attention", "full_attention"],
    "is_moe_layer": [False, True],
}

YOUTU = {
    "rms_norm_eps": 1e-6,
    "num_key_value_heads": 4,
    "q_lora_rank": 64,
    "kv_lora_rank": 64,
    "qk_nope_head_dim": 32,
    "qk_rope_head_dim": 16,
    "v_head_dim": 32,
}

HELIUM = {"head_dim": 16, "attention_bias": False, "mlp_bias": False}

NEMOTRON = {"hidden_act": "relu2", "norm_eps": 1e-5, "rms_norm_eps": None}

APERTUS = {
    "hidden_act": "xielu",
    "attention_bias": False,
    "mlp_bias": False,
    "post_norm": False,
    "qk_norm": True,
    "rope_scaling": LLAMA3_ROPE,
}

GRANITE_MOE = {**GRANITE, "attention_bias": False, "num_local_experts": 8, "num_experts_per_tok": 4}

BAILING = {
    **{name: value for name, value in DEEPSEEK_V1.items() if not name.startswith("n_")},
    "num_experts": 8,
    "num_shared_experts": 1,
    "norm_topk_prob": True,
}

FALCON_H1 = {
    "head_dim": 16,
    "attention_bias": False,
    "mlp_bias": False,
    "mamba_d_ssm": 128,
    "mamba_d_head": 32,
    "mamba_n_heads": 4,
    "mamba_d_state": 16,
    "mamba_n_groups": 1,
    "mamba_d_conv": 4,
    "mamba_rms_norm": True,
    "mamba_norm_before_gate": False,
    # Python mlx-lm has no multiplier of keys, and others are in the weights.
    "key_multiplier": 1.0,
    "embedding_multiplier": 4.0,
    "lm_head_multiplier": 0.5,
    "tie_word_embeddings": True,
}

# Output file -> model -> what differs from BASE, and from `model_type`, which is the file's name.
MODELS = {
    "llama": {
        "gqa": {"tie_word_embeddings": True},
        "mha_biases": {
            
            "num_key_value_heads": None,
            "attention_bias": True,
            "mlp_bias": True,
        },
        "rope_llama3": {
            
            "num_key_value_heads": 1,
            "rope_theta": 500000.0,
            "rope_scaling": LLAMA3_ROPE,
        },
        "rope_linear": {
            
            "tie_word_embeddings": True,
            "rope_scaling": {"type": "linear", "factor": 4.0},
        },
        "rope_traditional": {"rope_traditional": True},
        "head_dim": {"head_dim": 32, "rms_norm_eps": 1e-2},
        "sliding": {
            
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": 8,
        },
        "mistral": {"model_type": "mistral", "num_hidden_layers": 3, "head_dim": 16, "rope_theta": 1000000.0},
    },
    "qwen2": {
        "qwen2": {},
        "qwen2_tied": {
            
            "tie_word_embeddings": True,
            "num_key_value_heads": 4,
            "rope_theta": 1000000.0,
        },
    },
    "qwen3": {
        "head_dim": {"head_dim": 32, "rope_theta": 1000000.0},
        "yarn": {
            
            "head_dim": 16,
            "tie_word_embeddings": True,
            "num_key_value_heads": 1,
            "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
        },
    },
    "smollm3": {
        "interval": {"num_hidden_layers": 4, "tie_word_embeddings": True},
        "listed": {"no_rope_layers": [0, 1], "no_rope_layer_interval": 4},
    },
    "granite": {
        "tied": {"tie_word_embeddings": True, "attention_bias": False, "mlp_bias": False, **GRANITE},
        "biases": {"attention_bias": True, "mlp_bias": True, **GRANITE, "logits_scaling": 3.0},
    },
    "minicpm": {
        "gqa": MINICPM,
        "mha_linear": {
            **MINICPM,
            "num_key_value_heads": 4,
            "scale_depth": 1.0,
            "scale_emb": 3,
            "rope_scaling": {"type": "linear", "factor": 2.0},
        },
    },
    "seed_oss": {
        "qkv_bias": {"attention_bias": True, "head_dim": 32},
        "all_biases": {"attention_bias": True, "attention_out_bias": True, "mlp_bias": True, "head_dim": 16},
    },
    "ernie4_5": {
        "tied": {"use_bias": False, "head_dim": 32, "tie_word_embeddings": True},
        "biases": {"use_bias": True, "head_dim": 16, "num_key_value_heads": 4, "rope_theta": 500000.0},
    },
    "olmo2": {
        "mha": {"num_key_value_heads": 4, "rms_norm_eps": 1e-6},
        "gqa": {"attention_bias": True, "tie_word_embeddings": True, "rope_theta": 500000.0},
    },
    "olmo3": {
        "pattern": {"num_hidden_layers": 4, "sliding_window": 8},
        "yarn": {
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": 6,
            "rope_scaling": YARN,
            "tie_word_embeddings": True,
        },
    },
    "mistral3": {
        "llama": {"text_config": {**BASE, "model_type": "mistral", "head_dim": 32}},
        "ministral": {"text_config": {**BASE, "model_type": "ministral3", **MINISTRAL}},
    },
    "ministral3": {
        "windows": {**MINISTRAL, "layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8},
        "tied": {**MINISTRAL, "tie_word_embeddings": True, "head_dim": 32},
    },
    "phi": {
        "mha": {**LAYER_NORM, "num_key_value_heads": 4, "partial_rotary_factor": 0.5},
        "gqa": {**LAYER_NORM, "partial_rotary_factor": 0.25, "rope_theta": 5000.0},
    },
    "phi3": {
        "plain": {"original_max_position_embeddings": 256, "rope_traditional": False},
        "long": {
            "num_key_value_heads": 4,
            "tie_word_embeddings": True,
            "partial_rotary_factor": 0.75,
            # So short that each prompt is beyond it: Python mlx-lm has no short factors.
            "original_max_position_embeddings": 2,
            "rope_scaling": {"type": "longrope", "short_factor": [1.0] * 6, "long_factor": [1, 1.1, 1.4, 2, 4, 8]},
        },
    },
    "gemma": {
        "mqa": {"head_dim": 16, "num_key_value_heads": 1, "tie_word_embeddings": True},
        "head_dim": {"head_dim": 32, "tie_word_embeddings": True, "rope_theta": 500.0},
    },
    "gemma2": {
        # A window that no prompt leaves: Python mlx-lm has none.
        "caps": {**GEMMA2, "sliding_window": 4096},
        "scalar": {**GEMMA2, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 0.5, "num_key_value_heads": 4},
    },
    "gemma3_text": {
        "pattern": {**GEMMA3, "num_hidden_layers": 6, "sliding_window_pattern": 3},
        "untied": {
            **GEMMA3,
            "tie_word_embeddings": False,
            "sliding_window_pattern": 2,
            "rope_scaling": {"rope_type": "linear", "factor": 8.0},
            "num_key_value_heads": 1,
        },
    },
    "gemma3": {
        "nested": {"vocab_size": 128, "text_config": {**BASE, **GEMMA3, "model_type": "gemma3_text", "sliding_window_pattern": 2}},
        "untied": {
            "vocab_size": 128,
            "text_config": {
                **BASE,
                **GEMMA3,
                "model_type": "gemma3_text",
                "num_hidden_layers": 3,
                "num_key_value_heads": 4,
                "sliding_window": 5,
                "sliding_window_pattern": 3,
                "query_pre_attn_scalar": 64,
                "rope_scaling": {"rope_type": "linear", "factor": 8.0},
                "tie_word_embeddings": False,
            },
        },
    },
    "gemma3n": {
        "nested": {"text_config": {**BASE, **GEMMA3N}},
        # One layer lends twice; streams are not scaled, the third of them is computed.
        "small": {
            "text_config": {
                **BASE,
                **GEMMA3N,
                "num_key_value_heads": 1,
                "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
                "num_hidden_layers": 5,
                "num_kv_shared_layers": 3,
                "intermediate_size": [64, 128, 64, 128, 64],
                "activation_sparsity_pattern": [0.0] * 5,
                "altup_num_inputs": 3,
                "altup_active_idx": 2,
                "altup_correct_scale": False,
            },
        },
    },
    "gemma4": {
        "nested": {"vocab_size": 128, "text_config": {**BASE, **GEMMA4}},
        "experts": {
            "vocab_size": 128,
            "text_config": {**BASE, **GEMMA4_MOE, "num_key_value_heads": 4, "sliding_window": 6, "top_k_experts": 2},
        },
    },
    "gemma4_text": {
        "experts": GEMMA4_MOE,
        "dense": {**GEMMA4_MOE, "enable_moe_block": False, "tie_word_embeddings": False, "sliding_window": 5},
    },
    "cohere": {
        "plain": {**LAYER_NORM, **COHERE},
        "norms": {**LAYER_NORM, **COHERE, "use_qk_norm": True, "attention_bias": True, "layer_norm_bias": True},
    },
    "cohere2": {
        "pattern": {**LAYER_NORM, **COHERE, "head_dim": 16, "num_hidden_layers": 4, "sliding_window_pattern": 2},
        "bias": {**LAYER_NORM, **COHERE, "head_dim": 16, "num_hidden_layers": 4, "attention_bias": True},
    },
    "glm": {
        # Python mlx-lm rotates all of each head.
        "bias": {"head_dim": 16, "partial_rotary_factor": 1.0, "attention_bias": True},
        "tied": {"head_dim": 32, "partial_rotary_factor": 1.0, "attention_bias": False, "tie_word_embeddings": True},
    },
    "glm4": {
        "bias": {"head_dim": 16, "partial_rotary_factor": 0.5, "attention_bias": True},
        "plain": {"head_dim": 32, "partial_rotary_factor": 0.25, "attention_bias": False, "num_key_value_heads": 1},
    },
    "gpt2": {
        "two": GPT2,
        "eight_heads": {**GPT2, "n_head": 8, "n_layer": 3, "layer_norm_epsilon": 1e-2},
    },
    "gpt_neox": {
        "parallel": GPT_NEOX,
        "sequential": {**GPT_NEOX, "use_parallel_residual": False, "rotary_pct": 1.0, "rotary_emb_base": 500},
    },
    "starcoder2": {
        "tied": {"norm_epsilon": 1e-5, "tie_word_embeddings": True, "sliding_window": None},
        "untied": {"norm_epsilon": 1e-2, "num_key_value_heads": 1, "rope_theta": 100000.0},
    },
    "stablelm": {
        "plain": {**LAYER_NORM, "use_qkv_bias": True, "partial_rotary_factor": 0.25},
        "parallel": {
            **LAYER_NORM,
            "use_qkv_bias": False,
            "partial_rotary_factor": 0.5,
            "use_parallel_residual": True,
            "qk_layernorm": True,
        },
    },
    "internlm2": {
        "bias": {"bias": True},
        "tied": {
            "bias": False,
            "tie_word_embeddings": True,
            "num_key_value_heads": 4,
            "rope_scaling": {"type": "linear", "factor": 2.0},
        },
    },
    "exaone": {
        "tied": {**EXAONE, "tie_word_embeddings": True},
        "biases": {
            **EXAONE,
            "attention_bias": True,
            "mlp_bias": True,
            "rope_theta": 500000.0,
            "rope_scaling": LLAMA3_ROPE,
        },
    },
    "mixtral": {
        "gqa": {"num_local_experts": 8, "num_experts_per_tok": 3, "rope_traditional": False},
        "tied": {"num_local_experts": 4, "num_experts_per_tok": 2, "tie_word_embeddings": True, "rope_theta": 1e6},
    },
    "qwen2_moe": {
        "shared": {**QWEN_MOE, "shared_expert_intermediate_size": 128},
        "mha": {**QWEN_MOE, "num_experts": 4, "num_key_value_heads": 4, "shared_expert_intermediate_size": 64},
    },
    "qwen3_moe": {
        "dense_first": {**QWEN_MOE, "mlp_only_layers": [0], "norm_topk_prob": True, "head_dim": 32},
        "every_second": {**QWEN_MOE, "decoder_sparse_step": 2, "head_dim": 16, "tie_word_embeddings": True},
    },
    "olmoe": {
        "plain": {"num_experts": 8, "num_experts_per_tok": 4, "attention_bias": False, "norm_topk_prob": False},
        "norm": {"num_experts": 8, "num_experts_per_tok": 2, "norm_topk_prob": True, "num_key_value_heads": 4},
    },
    "gpt_oss": {
        "windows": GPT_OSS,
        "sinks": {**GPT_OSS, "head_dim": 32, "num_hidden_layers": 4, "rope_scaling": {**YARN, "factor": 32.0}},
    },
    "phimoe": {
        "two": PHIMOE,
        "wide": {**PHIMOE, "router_jitter_noise": 0.4, "num_key_value_heads": 4},
    },
    "minimax": {
        "norms": MINIMAX,
        "plain": {**MINIMAX, "use_qk_norm": False, "rotary_dim": 16, "num_key_value_heads": 4, "tie_word_embeddings": True},
    },
    "qwen2_vl": {
        "flat": {"num_key_value_heads": 1, "rope_theta": 1000000.0, "rope_scaling": QWEN_VL_ROPE},
        "nested": {"text_config": {**BASE, "model_type": "qwen2_vl_text", "tie_word_embeddings": True, "rope_scaling": QWEN_VL_ROPE}},
    },
    "qwen2_5_vl": {
        "nested": {"text_config": {**BASE, "model_type": "qwen2_5_vl_text", "rope_scaling": QWEN_VL_ROPE}},
        "tied": {
            "text_config": {
                **BASE,
                "model_type": "qwen2_5_vl_text",
                "num_hidden_layers": 3,
                "num_key_value_heads": 1,
                "rope_theta": 1000000.0,
                "tie_word_embeddings": True,
            },
        },
    },
    "qwen3_vl": {
        "nested": {"text_config": {**BASE, "model_type": "qwen3_vl_text", "head_dim": 16, "rope_scaling": QWEN3_VL_ROPE}},
        "tied": {"text_config": {**BASE, "model_type": "qwen3_vl_text", "head_dim": 32, "tie_word_embeddings": True}},
    },
    "qwen3_vl_moe": {
        "nested": {
            "text_config": {
                **BASE,
                **QWEN_MOE,
                "model_type": "qwen3_vl_moe_text",
                "head_dim": 16,
                "norm_topk_prob": True,
                "rope_scaling": QWEN3_VL_ROPE,
            },
        },
        "sparse": {
            "text_config": {
                **BASE,
                **QWEN_MOE,
                "model_type": "qwen3_vl_moe_text",
                "num_key_value_heads": 4,
                "head_dim": 32,
                "decoder_sparse_step": 2,
                "norm_topk_prob": True,
            },
        },
    },
    "mamba2": {
        "plain": MAMBA2,
        "biases": {
            **MAMBA2,
            "head_dim": 16,
            "num_heads": 8,
            "conv_kernel": 3,
            "time_step_limit": [0.3, 0.7],
            "use_bias": True,
            "use_conv_bias": False,
            "tie_word_embeddings": True,
        },
    },
    "lfm2": {
        "adjusted": LFM2,
        "biases": {
            **LFM2,
            "layer_types": None,
            "full_attn_idxs": [0],
            "conv_L_cache": 4,
            "conv_bias": True,
            "block_ff_dim": None,
            "block_auto_adjust_ff_dim": False,
            "rope_theta": 500.0,
        },
    },
    "lfm2_moe": {
        "bias": {**LFM2, **LFM2_MOE},
        "plain": {
            **LFM2,
            **LFM2_MOE,
            "layer_types": ["full_attention", "conv", "full_attention"],
            "num_dense_layers": 0,
            "use_expert_bias": False,
            "norm_topk_prob": False,
            "num_key_value_heads": 4,
        },
    },
    "granitemoehybrid": {
        "experts": GRANITE_HYBRID,
        "dense": {
            **GRANITE_HYBRID,
            "layer_types": ["attention", "mamba", "attention"],
            "num_local_experts": 0,
            "position_embedding_type": "rope",
            "mamba_proj_bias": True,
            "mamba_conv_bias": False,
            "tie_word_embeddings": True,
        },
    },
    "nemotron_h": {
        "pattern": NEMOTRON_H,
        "latent": {
            **NEMOTRON_H,
            "hybrid_override_pattern": None,
            "layers_block_type": ["attention", "mamba", "moe", "mamba"],
            "moe_latent_size": 64,
            "n_group": 4,
            "topk_group": 2,
            "n_groups": 1,
            "mamba_proj_bias": True,
            "attention_bias": True,
            "mlp_bias": True,
            "norm_topk_prob": False,
        },
    },
    "qwen3_next": {
        "experts": QWEN3_NEXT,
        "sparse": {
            **QWEN3_NEXT,
            "full_attention_interval": 4,
            "linear_num_key_heads": 4,
            "linear_key_head_dim": 16,
            "linear_conv_kernel_dim": 2,
            "mlp_only_layers": [1],
            "decoder_sparse_step": 2,
            "norm_topk_prob": False,
            "tie_word_embeddings": True,
            "rope_scaling": YARN,
        },
    },
    "qwen3_5": {
        "nested": {"text_config": {**BASE, **QWEN3_5, "model_type": "qwen3_5_text"}},
        "tied": {
            "text_config": {
                **BASE,
                **QWEN3_5,
                "model_type": "qwen3_5_text",
                "full_attention_interval": 3,
                "linear_num_key_heads": 4,
                "linear_value_head_dim": 32,
                "tie_word_embeddings": True,
            },
        },
    },
    "qwen3_5_moe": {
        "nested": {
            "text_config": {
                **BASE,
                **QWEN3_5,
                "model_type": "qwen3_5_moe_text",
                "num_experts": 8,
                "num_experts_per_tok": 4,
                "moe_intermediate_size": 64,
                "shared_expert_intermediate_size": 128,
            },
        },
        "tied": {
            "text_config": {
                **BASE,
                **QWEN3_5,
                "model_type": "qwen3_5_moe_text",
                "full_attention_interval": 3,
                "linear_num_key_heads": 1,
                "linear_value_head_dim": 32,
                "num_key_value_heads": 1,
                "num_experts": 6,
                "num_experts_per_tok": 2,
                "moe_intermediate_size": 128,
                "shared_expert_intermediate_size": 64,
                "tie_word_embeddings": True,
            },
        },
    },
    "glm4_moe": {
        "norms": {**GROUPED_MOE, "use_qk_norm": True, "attention_bias": True, "partial_rotary_factor": 0.5},
        "groups": {
            **GROUPED_MOE,
            "n_group": 4,
            "topk_group": 2,
            "use_qk_norm": False,
            "attention_bias": False,
            "partial_rotary_factor": 1.0,
        },
    },
    "bailing_moe": {
        "softmax": {**BAILING, "use_qkv_bias": True, "num_shared_experts": 2, "norm_topk_prob": False, "tie_word_embeddings": True},
        "sigmoid": {
            **BAILING,
            "head_dim": 16,
            "use_qk_norm": True,
            "score_function": "sigmoid",
            "moe_router_enable_expert_bias": True,
            "routed_scaling_factor": 2.5,
            "n_group": 4,
            "topk_group": 2,
            "partial_rotary_factor": 0.5,
            "rotary_dim": 8,
            "moe_shared_expert_intermediate_size": 128,
            "first_k_dense_replace": 0,
        },
    },
    "falcon_h1": {
        "norms": FALCON_H1,
        "biases": {
            **FALCON_H1,
            "num_key_value_heads": 4,
            "attention_bias": True,
            "mlp_bias": True,
            "mamba_d_ssm": 64,
            "mamba_d_head": 16,
            "mamba_n_groups": 2,
            "mamba_d_conv": 3,
            "mamba_rms_norm": False,
            "mamba_conv_bias": False,
            "mamba_proj_bias": True,
            "projectors_bias": True,
            "rope_theta": 100000000000.0,
            "tie_word_embeddings": False,
        },
    },
    "exaone_moe": {
        "windows": EXAONE_MOE,
        "groups": {
            **EXAONE_MOE,
            "layer_types": ["full_attention", "sliding_attention"],
            "is_moe_layer": [True, True],
            "num_shared_experts": 1,
            "n_group": 4,
            "topk_group": 2,
            "norm_topk_prob": False,
            "tie_word_embeddings": True,
        },
    },
    "deepseek": {
        "shared": DEEPSEEK_V1,
        "plain": {
            **DEEPSEEK_V1,
            "num_hidden_layers": 3,
            "n_shared_experts": None,
            "moe_layer_freq": 2,
            "first_k_dense_replace": 0,
            "attention_bias": True,
            "rope_scaling": {"type": "linear", "factor": 4.0},
        },
    },
    "glm4_moe_lite": {
        "groups": {**DEEPSEEK, "rms_norm_eps": 1e-6, "rope_scaling": None, "n_group": 4, "topk_group": 2, "norm_topk_prob": True},
        "plain": {**DEEPSEEK, "rms_norm_eps": 1e-6, "attention_bias": True, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 0},
    },
    "youtu_llm": {
        "tied": {**YOUTU, "tie_word_embeddings": True},
        "bias": {**YOUTU, "q_lora_rank": NULL, "attention_bias": True, "rope_theta": 1600000.0},
    },
    "exaone4": {
        "windows": EXAONE4,
        "full": {
            **EXAONE4,
            "head_dim": 32,
            "num_hidden_layers": 2,
            "num_key_value_heads": 1,
            "sliding_window": NULL,
            "sliding_window_pattern": NULL,
            "rope_scaling": {"rope_type": "default"},
            "tie_word_embeddings": True,
        },
    },
    "helium": {
        "plain": HELIUM,
        "biases": {**HELIUM, "attention_bias": True, "mlp_bias": True, "num_key_value_heads": 4, "rope_theta": 100000.0},
    },
    "nemotron": {
        "plain": NEMOTRON,
        "biases": {
            **NEMOTRON,
            "head_dim": 32,
            "attention_bias": True,
            "mlp_bias": True,
            "partial_rotary_factor": 0.25,
            "rope_scaling": {"type": "linear", "factor": 4.0},
            "tie_word_embeddings": True,
        },
    },
    "mimo": {
        "plain": {},
        "tied": {"num_key_value_heads": 1, "rope_theta": 640000.0, "tie_word_embeddings": True},
    },
    "telechat3": {
        "plain": {"head_dim": 16},
        "biases": {
            "head_dim": 32,
            "num_key_value_heads": 4,
            "attention_bias": True,
            "mlp_bias": True,
            "rope_scaling": {**YARN, "rope_type": "telechat3-yarn"},
            "tie_word_embeddings": True,
        },
    },
    "apertus": {
        "plain": APERTUS,
        "tied": {**APERTUS, "num_key_value_heads": 4, "rope_theta": 12000000.0, "tie_word_embeddings": True},
    },
    "hunyuan_v1_dense": {
        "alpha": {"head_dim": 32, "rope_scaling": {"type": "dynamic", "alpha": 100.0, "factor": 1.0}},
        "plain": {
            "head_dim": 16,
            "num_key_value_heads": 1,
            "attention_bias": True,
            "use_qk_norm": False,
            "tie_word_embeddings": True,
        },
    },
    "granitemoe": {
        "tied": {**GRANITE_MOE, "tie_word_embeddings": True},
        "bias": {**GRANITE_MOE, "attention_bias": True, "num_local_experts": 4, "num_experts_per_tok": 2, "logits_scaling": 3.0},
    },
    "solar_open": {
        "plain": {**GROUPED_MOE, "partial_rotary_factor": 1.0},
        "groups": {
            **GROUPED_MOE,
            "n_group": 4,
            "topk_group": 2,
            "use_qk_norm": True,
            "attention_bias": True,
            "partial_rotary_factor": 0.5,
            "first_k_dense_replace": 0,
        },
    },
    "dots1": {
        "plain": GROUPED_MOE,
        "groups": {**GROUPED_MOE, "n_group": 4, "topk_group": 3, "norm_topk_prob": False, "first_k_dense_replace": 0},
    },
    "deepseek_v2": {
        "greedy": {**DEEPSEEK, "topk_method": "greedy", "attention_bias": True},
        "groups": {**DEEPSEEK, "topk_method": "group_limited_greedy", "n_group": 4, "topk_group": 2, "first_k_dense_replace": 0},
    },
    "deepseek_v3": {
        "groups": {**DEEPSEEK, "n_group": 4, "topk_group": 2, "norm_topk_prob": True},
        "plain": {**DEEPSEEK, "attention_bias": True, "rope_scaling": None, "n_group": 1, "topk_group": 1},
    },
    "ernie4_5_moe": {
        "shared": {**ERNIE_MOE, "moe_layer_end_index": 1, "head_dim": 32, "tie_word_embeddings": True},
        "sigmoid": {
            **ERNIE_MOE,
            "num_hidden_layers": 3,
            "moe_gate_act": "sigmoid",
            "moe_layer_start_index": 0,
            "moe_layer_end_index": 1,
        },
    },
}

# Variants of every model; the value is `quantization` of config.json.
VARIANTS = {
    "f32": None,
    "q4": {"group_size": 64, "bits": 4, "mode": "affine"},
}

# Further variants of one model.
MORE_VARIANTS = {
    "gqa": {
        "q8": {"group_size": 32, "bits": 8, "mode": "affine"},
        "q3": {"group_size": 32, "bits": 3, "mode": "affine"},
        "q4_group32": {"group_size": 32, "bits": 4, "mode": "affine"},
        "q6": {"group_size": 64, "bits": 6, "mode": "affine"},
        "mxfp4": {"group_size": 32, "bits": 4, "mode": "mxfp4"},
        "mxfp8": {"group_size": 32, "bits": 8, "mode": "mxfp8"},
        "nvfp4": {"group_size": 16, "bits": 4, "mode": "nvfp4"},
    },
    "mha_biases": {
        # By path: other bits, another group size, another mode, or not quantized at all.
        "mixed": {
            "group_size": 64,
            "bits": 4,
            "mode": "affine",
            "model.embed_tokens": {"group_size": 32, "bits": 8},
            "lm_head": {"group_size": 64, "bits": 6},
            "model.layers.0.self_attn.v_proj": {"group_size": 32, "bits": 5},
            "model.layers.0.mlp.down_proj": False,
            "model.layers.1.mlp.up_proj": {"group_size": 32, "bits": 4, "mode": "mxfp4"},
        },
    },
}


def config(family: str, name: str) -> dict:
    own = {"model_type": family, **MODELS[family][name]}
    merged = own if "text_config" in own else {**BASE, **own}
    merged = {key: {k: v for k, v in value.items() if v is not None} if key == "text_config" else value for key, value in merged.items()}
    return {key: None if value == NULL else value for key, value in merged.items() if value is not None}


def variants(name: str) -> dict:
    return {**VARIANTS, **MORE_VARIANTS.get(name, {})}


def token_ids(start: int, count: int, vocab_size: int) -> list:
    return [(7 * i * i + 3 * i + start) % vocab_size for i in range(count)]

PROMPTS = {
    "short": token_ids(5, 5, BASE["vocab_size"]),
    "long": token_ids(11, 23, BASE["vocab_size"]),
    "decode": token_ids(40, 8, BASE["vocab_size"]),
    "batch": [token_ids(2, 6, BASE["vocab_size"]), token_ids(71, 6, BASE["vocab_size"])],
}
# For models with a recurrence, beyond the chunks in which it is computed.
CHUNKED = token_ids(3, 300, BASE["vocab_size"])
RECURRENT = ["falcon_h1", "granitemoehybrid", "lfm2", "lfm2_moe", "mamba2", "nemotron_h", "qwen3_5", "qwen3_5_moe", "qwen3_next"]
GREEDY_TOKENS = 8
