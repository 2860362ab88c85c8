"""Writes an exported function for the tests of `mlx::export`: export.py FOLDER

The test computes the same with Rust's operations and compares.
"""

import sys
from pathlib import Path

import mlx.core as mx

mx.set_default_device(mx.cpu)
weight = mx.arange(12, dtype=mx.float32).reshape(3, 4) / 10
mx.eval(weight)


def block(x, *, scale):
    hidden = x @ weight
    probabilities = mx.softmax(hidden[:, 1:], axis=-1) * scale
    return probabilities, mx.concatenate([hidden, x], axis=1).sum(axis=0)


path = Path(sys.argv[1]) / "python.mlxfn"
with mx.exporter(str(path), block) as exporter:
    for rows in (2, 5):
        exporter(mx.ones((rows, 3)), scale=mx.array(1.0))
