"""Logits of tiny models by Python mlx-lm on the CPU in float32: `FAMILY.json` and `FAMILY.safetensors`.

    python goldens.py OUTPUT_FOLDER [FAMILY ...]

The weights come from named_weights.py, the configs and token ids from tiny_models.py. The JSON file has the prompts,
the names and shapes of each model's tensors and, for each variant of each model, the SHA-256 of its weights as loaded
(packed where quantized) and the eight ids that follow the long prompt greedily. The safetensors file has the logits,
float32, named MODEL.VARIANT.WHAT:

    short    (2, vocab)         the last two positions of the short prompt, in a fresh cache
    long     (4, vocab)         the last four positions of the long prompt, in a fresh cache; only of the variant `f32`
    decode   (8, vocab)         after the long prompt, row i after feeding prompts.decode[i] alone
    batch    (2, 2, vocab)      the last positions of two prompts of the same length at once; only of `f32`
    chunked  (2, vocab)         the last two positions of a prompt of several chunks; only of `f32`, and of models with a
                                recurrence
"""

import argparse
from pathlib import Path
from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.generate import generate_step
from mlx_lm.models import gemma, starcoder2
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes
from safetensors.numpy import save

import fixture
import tiny_models
from named_weights import checksum, named_weight
from tiny_models import CHUNKED, GREEDY_TOKENS, PROMPTS, RECURRENT


def correct_deviations() -> None:
    """Python mlx-lm computes GELU exactly in two models whose definition is the approximation by tanh."""
    names = {**vars(nn), "gelu": nn.gelu_approx}
    gemma.nn = starcoder2.nn = SimpleNamespace(**names)


def named_model(config: dict) -> nn.Module:
    model_class, args_class = _get_classes(config)
    model = model_class(args_class.from_dict(config))
    names = {name: value.shape for name, value in tree_flatten(model.parameters())}
    weights = {name: mx.array(named_weight(name, shape)) for name, shape in names.items()}
    if config["model_type"].startswith("gemma3") and is_tied(config):
        # The class always has a head, and gives it up where the checkpoint has none.
        weights = model.sanitize({name: value for name, value in weights.items() if "lm_head" not in name})
    model.load_weights(list(weights.items()))
    return model


def is_tied(config: dict) -> bool:
    return config.get("text_config", config)["tie_word_embeddings"]


def exceptions(model: nn.Module, group_size: int) -> dict:
    """What has a matrix of weights, but is none of the modules that MLX quantizes, or does not divide into groups."""
    found = {}
    for path, module in model.named_modules():
        weight = module.get("weight")
        if getattr(weight, "ndim", 0) > 1 and not (hasattr(module, "to_quantized") and weight.shape[-1] % group_size == 0):
            found[path] = False
    return found


def quantize(model: nn.Module, quantization: dict) -> None:
    """As mlx-lm reads `quantization`: entries by path (parameters or false) before the common parameters."""

    def parameters(path: str, module: nn.Module):
        return hasattr(module, "to_quantized") and quantization.get(path, True)

    common = {key: quantization[key] for key in ("group_size", "bits", "mode")}
    nn.quantize(model, **common, class_predicate=parameters)


def weights_checksum(model: nn.Module) -> str:
    return checksum({name: np.array(value) for name, value in tree_flatten(model.parameters())})


def prefill(model: nn.Module, tokens: list) -> tuple:
    """The logits of a batch of prompts, and the cache behind them."""
    cache = make_prompt_cache(model)
    logits = model(mx.array(tokens), cache=cache)
    return np.array(logits), cache


def decode(model: nn.Module, prompt: list, tokens: list) -> np.ndarray:
    """The logits after each of `tokens`, fed one at a time behind `prompt`."""
    _, cache = prefill(model, [prompt])
    return np.stack([np.array(model(mx.array([[token]]), cache=cache))[0, 0] for token in tokens])


def greedy(model: nn.Module, prompt: list) -> list:
    steps = generate_step(mx.array(prompt), model, max_tokens=GREEDY_TOKENS)
    return [int(token) for token, _ in steps]


def golden_variant(config: dict, name: str, quantization: dict | None) -> tuple:
    model = named_model(config)
    if quantization:
        quantization = {**quantization, **exceptions(model, quantization["group_size"])}
        quantize(model, quantization)
    logits = {
        "short": prefill(model, [PROMPTS["short"]])[0][0, -2:],
        "decode": decode(model, PROMPTS["long"], PROMPTS["decode"]),
    }
    if not quantization:
        logits["long"] = prefill(model, [PROMPTS["long"]])[0][0, -4:]
        logits["batch"] = prefill(model, PROMPTS["batch"])[0][:, -2:]
        if config["model_type"] in RECURRENT:
            logits["chunked"] = prefill(model, [CHUNKED])[0][0, -2:]
    described = {"name": name, "quantization": quantization, "weights_sha256": weights_checksum(model)}
    return {**described, "greedy_ids": greedy(model, PROMPTS["long"])}, logits


def golden_model(family: str, name: str) -> tuple:
    config, variants, logits = tiny_models.config(family, name), [], {}
    for variant, quantization in tiny_models.variants(name).items():
        described, rows = golden_variant(config, variant, quantization)
        variants.append(described)
        contiguous = {what: np.ascontiguousarray(value) for what, value in rows.items()}
        logits.update({f"{name}.{variant}.{what}": value for what, value in contiguous.items()})
    tensors = {path: list(value.shape) for path, value in tree_flatten(named_model(config).parameters())}
    return {"name": name, "config": config, "tensors": tensors, "variants": variants}, logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("families", nargs="*", default=list(tiny_models.MODELS))
    arguments = parser.parse_args()
    output = arguments.output
    mx.set_default_device(mx.cpu)
    correct_deviations()
    for family, models in ((family, tiny_models.MODELS[family]) for family in arguments.families):
        goldens = [golden_model(family, name) for name in models]
        prompts = {**PROMPTS, "chunked": CHUNKED} if family in RECURRENT else PROMPTS
        described = {"versions": fixture.versions(), "prompts": prompts, "models": [model for model, _ in goldens]}
        fixture.write(output / f"{family}.json", described)
        logits = {name: rows for _, model in goldens for name, rows in model.items()}
        (output / f"{family}.safetensors").write_bytes(save(logits))


if __name__ == "__main__":
    main()
