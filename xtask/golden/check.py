"""Compares fresh goldens with the committed ones; prints each difference and fails if there is one.

    python check.py COMMITTED_FOLDER FRESH_FOLDER

Ids, texts and checksums must be equal. Floats may differ by the rounding of another processor's arithmetic.
"""

import json
import sys
from pathlib import Path

import mlx.core as mx

LOGIT_TOLERANCE = 1e-4  # of logits whose standard deviation is about 0.6
MARGIN_TOLERANCE = 5e-3  # of a real model's logits, after 30 layers


def json_differences(committed, fresh, place: str):
    if isinstance(committed, dict) and isinstance(fresh, dict):
        for key in committed.keys() | fresh.keys():
            yield from json_differences(committed.get(key), fresh.get(key), f"{place}.{key}")
    elif isinstance(committed, list) and isinstance(fresh, list) and len(committed) == len(fresh):
        for i, (one, other) in enumerate(zip(committed, fresh)):
            yield from json_differences(one, other, f"{place}[{i}]")
    elif isinstance(committed, float) and isinstance(fresh, float):
        if abs(committed - fresh) > MARGIN_TOLERANCE:
            yield f"{place}: {committed} is now {fresh}"
    elif committed != fresh:
        yield f"{place}: {committed!r} is now {fresh!r}"


def tensor_differences(committed: dict, fresh: dict, file: str):
    for name in sorted(committed.keys() | fresh.keys()):
        if name not in committed or name not in fresh:
            yield f"{file}: {name} is only in the {'committed' if name in committed else 'fresh'} file"
        elif (was := described(committed[name])) != (now := described(fresh[name])):
            yield f"{file}: {name}: {was} is now {now}"
        elif not mx.allclose(committed[name], fresh[name], rtol=1e-5, atol=LOGIT_TOLERANCE, equal_nan=True).item():
            yield f"{file}: {name}: {committed[name]} is now {fresh[name]}"


def described(array: mx.array) -> str:
    return f"{array.dtype} of shape {array.shape}"


def differences(committed: Path, fresh: Path):
    if not committed.exists():
        yield f"{committed.name} is not committed"
    elif fresh.suffix == ".json":
        yield from json_differences(json.loads(committed.read_text()), json.loads(fresh.read_text()), fresh.name)
    else:
        yield from tensor_differences(mx.load(str(committed)), mx.load(str(fresh)), fresh.name)


def main() -> None:
    committed, fresh = map(Path, sys.argv[1:])
    files = sorted(fresh.iterdir())
    found = [text for file in files for text in differences(committed / file.name, file)]
    print("\n".join(found) or f"{len(files)} files agree")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
