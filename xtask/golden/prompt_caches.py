"""Prompt caches of tiny models by Python mlx-lm, and whether it reads those of another writer.

    python prompt_caches.py OUTPUT_FOLDER
    python prompt_caches.py --read FAMILY MODEL FILE

Writes `NAME.safetensors` for each of CASES: the cache behind the long prompt and a few tokens that follow greedily. The
metadata have the tokens that have passed (`passed`), the next one (`last`) and those that follow it (`next`), as JSON.
With `--read`, prints what follows greedily from the cache in FILE after the token `last` of its metadata.
"""

import json
import sys
from pathlib import Path

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import load_prompt_cache, make_prompt_cache, save_prompt_cache

import tiny_models
from goldens import named_model
from tiny_models import PROMPTS

# The model, tokens before the cache is saved, the most tokens that it keeps, and bits.
CASES = {
    "full": ("qwen2", "qwen2", 5, None, None),
    "window": ("gemma3_text", "pattern", 5, None, None),
    "bounded": ("qwen2", "qwen2", 5, 12, None),
    "quantized": ("qwen3", "head_dim", 5, None, 8),
    "latent": ("deepseek_v3", "plain", 5, None, None),
}
FOLLOWING = 8


def greedy(model, tokens: list, cache, count: int, **options) -> list:
    steps = generate_step(mx.array(tokens), model, max_tokens=count, prompt_cache=cache, **options)
    return [int(token) for token, _ in steps]


def write(folder: Path, name: str) -> None:
    family, model_name, count, size, bits = CASES[name]
    model = named_model(tiny_models.config(family, model_name))
    cache = make_prompt_cache(model, size)
    options = {"kv_bits": bits, "kv_group_size": 32, "quantized_kv_start": 0} if bits else {}
    prompt = PROMPTS["long"]
    *generated, last = greedy(model, prompt, make_prompt_cache(model, size), count + 1, **options)
    passed = prompt + generated
    # Feeds every token it gives.
    greedy(model, prompt, cache, count, **options)
    assert cache[0].offset == len(passed), (cache[0].offset, len(passed))
    file = str(folder / f"{name}.safetensors")
    save_prompt_cache(file, cache, {"model": f"{family}/{model_name}"})
    copy = load_prompt_cache(file)
    following = greedy(model, [last], copy, FOLLOWING, **options)
    about = {"passed": passed, "last": last, "next": following}
    save_prompt_cache(file, cache, {key: json.dumps(value) for key, value in about.items()})


def read(family: str, model_name: str, file: str) -> None:
    model = named_model(tiny_models.config(family, model_name))
    cache, metadata = load_prompt_cache(file, return_metadata=True)
    print([type(layer).__name__ for layer in cache], cache[0].offset)
    print(greedy(model, [json.loads(metadata["last"])], cache, FOLLOWING))


def main() -> None:
    mx.set_default_device(mx.cpu)
    if sys.argv[1] == "--read":
        return read(*sys.argv[2:])
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in CASES:
        write(folder, name)


if __name__ == "__main__":
    main()
