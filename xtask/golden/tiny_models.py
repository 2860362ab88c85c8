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

# Output file -> model -> what differs from BASE.
MODELS = {
    "llama": {
        "gqa": {"model_type": "llama", "tie_word_embeddings": True},
        "mha_biases": {
            "model_type": "llama",
            "num_key_value_heads": None,
            "attention_bias": True,
            "mlp_bias": True,
        },
        "rope_llama3": {
            "model_type": "llama",
            "num_key_value_heads": 1,
            "rope_theta": 500000.0,
            "rope_scaling": LLAMA3_ROPE,
        },
        "rope_linear": {
            "model_type": "llama",
            "tie_word_embeddings": True,
            "rope_scaling": {"type": "linear", "factor": 4.0},
        },
        "rope_traditional": {"model_type": "llama", "rope_traditional": True},
        "head_dim": {"model_type": "llama", "head_dim": 32, "rms_norm_eps": 1e-2},
        "sliding": {
            "model_type": "llama",
            "layer_types": ["sliding_attention", "full_attention"],
            "sliding_window": 8,
        },
        "mistral": {"model_type": "mistral", "num_hidden_layers": 3, "head_dim": 16, "rope_theta": 1000000.0},
    },
    "qwen2": {
        "qwen2": {"model_type": "qwen2"},
        "qwen2_tied": {
            "model_type": "qwen2",
            "tie_word_embeddings": True,
            "num_key_value_heads": 4,
            "rope_theta": 1000000.0,
        },
    },
}

# Variants of every model; the value is `quantization` of config.json.
VARIANTS = {
    "f32": None,
    "q4": {"group_size": 64, "bits": 4, "mode": "affine"},
    "q8": {"group_size": 32, "bits": 8, "mode": "affine"},
}

# Further variants of one model.
MORE_VARIANTS = {
    "gqa": {
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
    merged = {**BASE, **MODELS[family][name]}
    return {key: value for key, value in merged.items() if value is not None}


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
GREEDY_TOKENS = 8
