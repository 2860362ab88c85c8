"""What Python mlx-lm's `convert` makes of tiny models and of SmolLM2: `conversions.json`.

    python conversions.py SMOLLM2_FOLDER FIXTURES OUTPUT_FOLDER

FIXTURES has the goldens of the tiny models, in Python mlx-lm's layout (goldens.py) and in that of transformers
(transformers_models.py). Each is converted in a few ways; recorded are the SHA-256 of the tensors written (names and
bytes, sorted), and the `quantization` of config.json. Models that Python mlx-lm does not load are left out. Of SmolLM2,
dequantized and quantized again, the greedy continuations are recorded too.
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import mlx.core as mx
from mlx_lm import load
from mlx_lm.convert import mixed_quant_predicate_builder
from mlx_lm.generate import generate_step
from mlx_lm.utils import dequantize_model, load_model, quantize_model, save_config, save_model

import fixture
from named_weights import named_weight

# Each model is converted in the ways that its golden has, and a new one in the first and one of the others.
WAYS = {
    "affine_4_32": {"bits": 4, "group_size": 32, "mode": "affine"},
    "affine_3_64": {"bits": 3, "group_size": 64, "mode": "affine"},
    "mixed_3_6": {"recipe": "mixed_3_6", "group_size": 32},
    "mxfp4": {"bits": 4, "group_size": 32, "mode": "mxfp4"},
    "affine_8_64_bfloat16": {"bits": 8, "group_size": 64, "mode": "affine", "dtype": "bfloat16"},
    "nvfp4": {"bits": 4, "group_size": 16, "mode": "nvfp4"},
    "mxfp8": {"bits": 8, "group_size": 32, "mode": "mxfp8"},
    "bfloat16": {"dtype": "bfloat16"},
}
# Of these Python mlx-lm forgets a multiplier.
DEVIATING = "transformers/falcon_h1"
PROMPTS = ["The capital of France is", "1, 2, 3, 4,", "def fibonacci(n):\n"]
MAX_TOKENS = 24


def checksum(folder: Path) -> str:
    tensors = {}
    for file in sorted(folder.glob("model*.safetensors")):
        tensors.update(mx.load(str(file)))
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        array = tensors[name]
        digest.update(bytes(array.reshape(-1).view(mx.uint8)) if array.size else b"")
    return digest.hexdigest()


def write_checkpoint(folder: Path, config: dict, shapes: dict) -> None:
    tensors = {name: mx.array(named_weight(name, tuple(shape))) for name, shape in shapes.items()}
    mx.save_safetensors(str(folder / "model.safetensors"), tensors)
    (folder / "config.json").write_text(json.dumps(config))


def converted(source: Path, target: Path, way: dict) -> dict:
    """The steps of mlx_lm.convert, for a folder without a tokenizer."""
    model, config = load_model(source, lazy=True)
    if "dtype" in way:
        keep = getattr(model, "cast_predicate", lambda _: True)
        dtype = getattr(mx, way["dtype"])

        def cast(path, value):
            return value.astype(dtype) if keep(path) and mx.issubdtype(value.dtype, mx.floating) else value

        from mlx.utils import tree_map_with_path

        model.update(tree_map_with_path(cast, model.parameters()))
    if "recipe" in way:
        predicate = mixed_quant_predicate_builder(way["recipe"], model, way["group_size"])
        model, config = quantize_model(model, config, way["group_size"], None, quant_predicate=predicate)
    elif "bits" in way:
        model, config = quantize_model(model, config, way["group_size"], way["bits"], mode=way["mode"])
    save_model(target, model, donate_model=True)
    save_config(config, target / "config.json")
    return json.loads((target / "config.json").read_text())


def golden(config: dict, shapes: dict, way: dict) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.mkdir()
        write_checkpoint(source, config, shapes)
        written = converted(source, target, way)
        return {"sha256": checksum(target), "quantization": written.get("quantization")}


def tiny_models(fixtures: Path):
    for file in sorted(fixtures.glob("*.json")):
        if file.stem in ("transformers", "conversions"):
            continue
        for model in json.loads(file.read_text()).get("models", []):
            yield f"{file.stem}/{model['name']}", model["config"], model["tensors"]
    for model in json.loads((fixtures / "transformers.json").read_text())["models"]:
        yield f"transformers/{model['name']}", model.get("config_4") or model["config"], model["tensors"]


def golden_models(fixtures: Path) -> dict:
    models = {}
    first, *others = WAYS
    known = json.loads((fixtures / "conversions.json").read_text())["models"]
    for i, (name, config, shapes) in enumerate(tiny_models(fixtures)):
        if name.startswith(DEVIATING):
            continue
        for way in known.get(name, [first, others[i % len(others)]]):
            try:
                models.setdefault(name, {})[way] = golden(config, shapes, WAYS[way])
            except (Exception, SystemExit) as error:
                print(f"{name}, {way}: {type(error).__name__}: {str(error)[:120]}")
    return {name: ways for name, ways in models.items() if ways}


def golden_smollm2(source: Path) -> dict:
    model, tokenizer, config = load(str(source), return_config=True)
    model = dequantize_model(model)
    config.pop("quantization"), config.pop("quantization_config", None)
    with tempfile.TemporaryDirectory() as folder:
        dense, packed = Path(folder) / "dense", Path(folder) / "packed"
        save_model(dense, model)
        model, config = quantize_model(model, config, 64, 4)
        save_model(packed, model)
        cases = []
        for text in PROMPTS:
            prompt = tokenizer.encode(text)
            ids = [int(token) for token, _ in generate_step(mx.array(prompt), model, max_tokens=MAX_TOKENS)]
            cases.append({"text": text, "ids": ids})
        return {"dense_sha256": checksum(dense), "affine_4_64_sha256": checksum(packed), "cases": cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("smollm2", type=Path)
    parser.add_argument("fixtures", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)
    result = {
        "versions": fixture.versions(),
        "ways": WAYS,
        "smollm2": golden_smollm2(args.smollm2),
        "models": golden_models(args.fixtures),
    }
    fixture.write(args.output / "conversions.json", result)


if __name__ == "__main__":
    main()
