"""What Python mlx-lm makes of the checkpoints in transformers.json, as docs/architectures.md.

    python architectures_table.py FIXTURES_FOLDER OUTPUT_FILE

A checkpoint has the weights of named_weights.py under the names and in the layout in which transformers saves them, and
`config.json` as transformers 5 and as transformers 4 write it. It matches if no logit behind 40 tokens differs by more
than a thousandth from those of transformers; their standard deviation is about 0.6.
"""

import copy
import json
import sys
from pathlib import Path

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import _get_classes

from named_weights import named_weight

TOLERANCE = 1e-3

TEXT = """# Architectures and dialects

Checkpoints reach people as transformers writes them, and transformers 5 writes another dialect than 4: other names of
fields in `config.json`, other places of rotary embeddings and kinds of layers, defaults left out. The table compares, for
tiny random checkpoints in both dialects, the logits of transformers {transformers} with those of Python mlx-lm {mlx_lm} and of
this crate. A name that ends in `_fused` is a checkpoint as transformers 5 holds it in memory, with all experts of a layer
as one tensor.

* *matches*: no logit behind 40 tokens, which are more than any window, differs by more than 0.001.
* *differs*: it loads without an error, and the logits are others; by how much.
* *fails*: it does not load.
* –: transformers 4.57 does not have the model.

`mlx-lm/tests/transformers.rs` holds this crate to its columns. `cargo xtask golden table` writes this file;
`xtask/golden/transformers_models.py` makes the checkpoints.

Of {count} checkpoints as transformers 5 writes them, Python mlx-lm matches {matches5}; of {count4} as transformers 4 does,
{matches4}. This crate matches all.

| checkpoint | transformers 4: Python mlx-lm | this crate | transformers 5: Python mlx-lm | this crate |
|---|---|---|---|---|
"""


def outcome(config: dict, tensors: dict, tokens: list, expected: mx.array) -> str:
    weights = {name: mx.array(named_weight(name, tuple(shape))) for name, shape in tensors.items()}
    try:
        model_class, args_class = _get_classes(config)
        model = model_class(args_class.from_dict(config))
        if hasattr(model, "sanitize"):
            weights = model.sanitize(weights)
        model.eval()
        model.load_weights(list(weights.items()), strict=True)
        logits = model(mx.array([tokens]), cache=make_prompt_cache(model))[0, -expected.shape[0] :]
        difference = mx.abs(logits - expected).max().item()
    except SystemExit:
        return "fails: ends the process, as it wants another package"
    except Exception as error:
        return f"fails: {reason(error)}"
    return "matches" if difference <= TOLERANCE else f"differs by {difference:.2g}"


def reason(error: Exception) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    text = text.rstrip(": .").replace("|", "/").replace("ModelArgs.__init__() ", "").replace("TextConfig.__init__() ", "")
    return text if len(text) <= 90 else text[:87] + "..."


def main() -> None:
    fixtures, output = map(Path, sys.argv[1:])
    mx.set_default_device(mx.cpu)
    listing = json.loads((fixtures / "transformers.json").read_text())
    logits = mx.load(str(fixtures / "transformers.safetensors"))
    rows, found = [], {"config": [], "config_4": []}
    for model in listing["models"]:
        cells = {}
        for dialect in found:
            if model[dialect] is None:
                cells[dialect] = "– | –"
                continue
            result = outcome(copy.deepcopy(model[dialect]), model["tensors"], listing["tokens"], logits[model["name"]])
            found[dialect].append(result)
            cells[dialect] = f"{result} | matches"
        rows.append(f"| {model['name']} | {cells['config_4']} | {cells['config']} |")
    import mlx_lm

    text = TEXT.format(
        transformers=listing["versions"]["transformers"],
        mlx_lm=mlx_lm.__version__,
        count=len(found["config"]),
        matches5=found["config"].count("matches"),
        count4=len(found["config_4"]),
        matches4=found["config_4"].count("matches"),
    )
    output.write_text(text + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
