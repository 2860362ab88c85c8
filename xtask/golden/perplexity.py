"""Perplexities by Python mlx-lm on the CPU in float32: `perplexity.json`.

    python perplexity.py SMOLLM2_FOLDER OUTPUT_FOLDER

SMOLLM2_FOLDER is what smollm2_folder.py makes. Each case has the ids that were predicted (of SmolLM2, those of `text`), how
they were cut, and what mlx_lm.perplexity computes of them.
"""

import argparse
from pathlib import Path

import mlx.core as mx
from mlx_lm import load
from mlx_lm.perplexity import eval_ppl

import fixture
from goldens import named_model
from named_weights import splitmix64
from tiny_models import BASE

TEXT = (Path(__file__).parents[2] / "LICENSE-MIT").read_text()
CUTS = [(32, 3), (16, 8)]


def golden(model, name: str, ids: list) -> list:
    cases = []
    for length, batch_size in CUTS:
        rows = mx.array(ids[: len(ids) // length * length]).reshape(-1, length)
        value, standard_error = eval_ppl(model, rows, batch_size)
        cut = {"sequence_length": length, "batch_size": batch_size}
        cases.append({"model": name, "ids": ids, **cut, "value": value, "standard_error": standard_error})
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("smollm2", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)
    config = {"model_type": "llama", **BASE}
    ids = [int(i % BASE["vocab_size"]) for i in splitmix64(7, 200)]
    cases = golden(named_model(config), "llama", ids)
    model, tokenizer = load(str(args.smollm2))
    cases += golden(model, "smollm2", tokenizer.encode(TEXT)[:132])
    result = {"versions": fixture.versions(), "config": config, "text": TEXT, "cases": cases}
    fixture.write(args.output / "perplexity.json", result)


if __name__ == "__main__":
    main()
