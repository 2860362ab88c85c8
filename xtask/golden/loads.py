"""Whether Python mlx-lm loads what `mlx-lm convert` writes, and computes the same.

    python loads.py PROGRAM FIXTURES

FIXTURES has the checkpoints of transformers_models.py, in both dialects of `config.json` and with the logits of
transformers, and the goldens of goldens.py. Each is converted by PROGRAM and loaded by Python mlx-lm; the goldens also in
four bits, which must lead to the tokens that Python mlx-lm's own conversion leads to. Fails if one does not load, or has
other logits, and is not listed below; or is, and no longer belongs there.
"""

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model, quantize_model

from goldens import correct_deviations
from named_weights import named_weight
from tiny_models import GREEDY_TOKENS

TOLERANCE = 1e-3

# Why Python mlx-lm cannot compute the same, whatever the files say.
DEVIATIONS = {
    "apertus_bias": "attention has no biases",
    "ernie4_5_moe": "leaves out what balances the choice of experts",
    "falcon_h1": "normalizes all groups of heads together",
    "gemma2": "ignores windows",
    "gemma3n_text": "knows only the model that sees and hears",
    "glm": "rotates all of each head",
    "gpt_neox": "takes the size of feed-forward layers from the others",
    "gpt_neox_sequential": "attention always has biases",
    "gpt2_inner": "takes the size of feed-forward layers from the others",
    "granitemoehybrid": "normalizes all groups of heads together",
    "granitemoehybrid_dense": "takes another size for feed-forward layers",
    "granitemoehybrid_fused": "normalizes all groups of heads together",
    "hunyuan_v1_moe": "knows it by another name, and leaves the weights of experts as they are",
    "hunyuan_v1_moe_fused": "knows it by another name, and leaves the weights of experts as they are",
    "mamba2": "normalizes all groups of heads together",
    "mistral": "ignores windows of all layers",
    "mixtral": "ignores windows",
    "olmo": "wants another package",
    "olmo_clip": "wants another package",
    "olmoe_clip": "ignores the bound of queries, keys and values",
    "phi3": "ignores windows",
    "phi3_short": "has the factors of long sequences only",
    "phi_norms": "has no norms of queries and keys",
    "phimoe": "the head always has a bias",
    "qwen2_moe": "knows no layers without experts",
    "qwen2_windows": "ignores windows",
    "qwen3_moe": "does not stretch rotary embeddings",
    "qwen3_yarn": "attention has no biases",
    "starcoder2": "ignores windows",
}


QUANTIZED = ["--quantize", "--q-bits", "4", "--q-group-size", "32"]


def write_checkpoint(folder: Path, config: dict, shapes: dict) -> None:
    folder.mkdir()
    tensors = {name: mx.array(named_weight(name, tuple(shape))) for name, shape in shapes.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)
    (folder / "config.json").write_text(json.dumps(config))


class Failure(Exception):
    """What is wrong with a conversion."""


@contextmanager
def converted(program: str, config: dict, shapes: dict, options: list):
    """The model that Python mlx-lm loads of the conversion, and the folder that was converted."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        write_checkpoint(source, config, shapes)
        command = [program, "convert", "--model", source, "--output", target, "--dtype", "float32", *options]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise Failure(f"is not converted: {run.stderr.strip()[-200:]}")
        yield load_model(target)[0], source


def greedy(model, prompt: list) -> list:
    return [int(token) for token, _ in generate_step(mx.array(prompt), model, max_tokens=GREEDY_TOKENS)]


def compare_logits(model, tokens: list, expected: mx.array) -> None:
    logits = model(mx.array([tokens]), cache=make_prompt_cache(model))[0, -expected.shape[0] :]
    difference = mx.abs(logits - expected).max().item()
    if difference > TOLERANCE:
        raise Failure(f"differs by {difference:.2g}")


def outcome(check) -> str | None:
    """What is wrong, if anything."""
    try:
        with redirect_stdout(StringIO()):
            check()
    except Failure as failure:
        return str(failure)
    except (Exception, SystemExit) as error:
        return f"fails: {type(error).__name__}: {str(error)[:150]}"


def transformers_checks(program: str, fixtures: Path):
    """Of each checkpoint of transformers: its name, what it is, and how to compare it."""
    fixture = json.loads((fixtures / "transformers.json").read_text())
    logits = mx.load(str(fixtures / "transformers.safetensors"))
    for model in fixture["models"]:
        for dialect, config in (("5", model["config"]), ("4", model["config_4"])):

            def check(model=model, config=config):
                with converted(program, config, model["tensors"], []) as (loaded, _):
                    compare_logits(loaded, fixture["tokens"], logits[model["name"]])

            if config:
                yield model["name"], f"transformers {dialect}", check


def golden_checks(program: str, fixtures: Path):
    """The same of each tiny model, dense and in four bits."""
    correct_deviations()
    for file in sorted(fixtures.glob("*.json")):
        fixture = json.loads(file.read_text())
        if "prompts" not in fixture:
            continue
        logits, prompt = mx.load(str(file.with_suffix(".safetensors"))), fixture["prompts"]["long"]
        for model in fixture["models"]:
            name, config, shapes = model["name"], model["config"], model["tensors"]

            def dense(model=model, expected=logits[f"{name}.f32.long"], prompt=prompt):
                with converted(program, model["config"], model["tensors"], []) as (loaded, _):
                    compare_logits(loaded, prompt, expected)
                    if greedy(loaded, prompt) != model["variants"][0]["greedy_ids"]:
                        raise Failure("says something else")

            def quantized(config=config, shapes=shapes, prompt=prompt):
                with converted(program, config, shapes, QUANTIZED) as (loaded, source):
                    own, _ = quantize_model(*load_model(source), 32, 4)
                    if greedy(loaded, prompt) != greedy(own, prompt):
                        raise Failure("says something else than Python's own conversion")

            yield f"{file.stem}/{name}", "dense", dense
            yield f"{file.stem}/{name}", "four bits", quantized


def main() -> None:
    program, fixtures = sys.argv[1], Path(sys.argv[2])
    mx.set_default_device(mx.cpu)
    wrong, count = [], 0
    for name, what, check in (*transformers_checks(program, fixtures), *golden_checks(program, fixtures)):
        count += 1
        found = outcome(check)
        if bool(found) != (name in DEVIATIONS):
            wrong.append(f"{name}, {what}: {found or 'is as it should be, and listed as a deviation'}")
    print(f"{count} conversions, of which {len(wrong)} are not as expected", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
