"""Whether Python mlx-lm loads what `mlx-lm convert` writes, and computes the same.

    python loads.py PROGRAM FIXTURES

FIXTURES has the checkpoints of transformers_models.py, in both dialects of `config.json` and with the logits of
transformers. Each is converted by PROGRAM and loaded by Python mlx-lm. Fails if one does not load, or has other logits, and is not
listed below; or is, and no longer belongs there.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model

from named_weights import named_weight

TOLERANCE = 1e-3

# Why Python mlx-lm cannot compute the same, whatever the files say.
DEVIATIONS = {
    "apertus_bias": "attention has no biases",
    "ernie4_5_moe": "leaves out what balances the choice of experts",
    "gemma2": "ignores windows",
    "gemma3n_text": "knows only the model that sees and hears",
    "glm": "rotates all of each head",
    "gpt_neox": "takes the size of feed-forward layers from the others",
    "gpt_neox_sequential": "attention always has biases",
    "gpt2_inner": "takes the size of feed-forward layers from the others",
    "granitemoehybrid": "normalizes all groups of heads together",
    "granitemoehybrid_dense": "takes another size for feed-forward layers",
    "granitemoehybrid_fused": "normalizes all groups of heads together",
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


def write_checkpoint(folder: Path, config: dict, shapes: dict) -> None:
    folder.mkdir()
    tensors = {name: mx.array(named_weight(name, tuple(shape))) for name, shape in shapes.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)
    (folder / "config.json").write_text(json.dumps(config))


def outcome(program: str, config: dict, shapes: dict, tokens: list, expected: mx.array) -> str | None:
    """What is wrong, if anything."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        write_checkpoint(source, config, shapes)
        command = [program, "convert", "--model", source, "--output", target, "--dtype", "float32"]
        converted = subprocess.run(command, capture_output=True, text=True)
        if converted.returncode != 0:
            return f"is not converted: {converted.stderr.strip()[-200:]}"
        try:
            model, _ = load_model(target)
            logits = model(mx.array([tokens]), cache=make_prompt_cache(model))[0, -expected.shape[0] :]
        except (Exception, SystemExit) as error:
            return f"fails: {type(error).__name__}: {str(error)[:150]}"
        difference = mx.abs(logits - expected).max().item()
        return f"differs by {difference:.2g}" if difference > TOLERANCE else None


def main() -> None:
    program, fixtures = sys.argv[1], Path(sys.argv[2])
    mx.set_default_device(mx.cpu)
    fixture = json.loads((fixtures / "transformers.json").read_text())
    logits = mx.load(str(fixtures / "transformers.safetensors"))
    wrong, count = [], 0
    for model in fixture["models"]:
        name = model["name"]
        for dialect, config in (("5", model["config"]), ("4", model["config_4"])):
            if not config:
                continue
            count += 1
            found = outcome(program, config, model["tensors"], fixture["tokens"], logits[name])
            if bool(found) != (name in DEVIATIONS):
                wrong.append(f"{name}, transformers {dialect}: {found or 'is as it should be, and listed as a deviation'}")
    print(f"{count} conversions, of which {len(wrong)} are not as expected", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
