"""Weights derived from parameter names, so that a fixture is a config and a few logits, not a checkpoint.

A parameter is named as in the checkpoint, for example `model.layers.0.self_attn.q_proj.weight`.

    seed   = FNV-1a, 64 bits, of the name's UTF-8 bytes
             (start 0xcbf29ce484222325; per byte: xor, then multiply by 0x100000001b3)
    x_i    = output i = 0, 1, ... of SplitMix64 with that seed as its state; all arithmetic modulo 2^64:
             z = seed + (i + 1) * 0x9e3779b97f4a7c15
             z = (z xor (z >> 30)) * 0xbf58476d1ce4e5b9
             z = (z xor (z >> 27)) * 0x94d049bb133111eb
             x_i = z xor (z >> 31)
    t_i    = 2 * ((x_i >> 40) / 2^24) - 1              in [-1, 1), exact
    value  = t_i / sqrt(last dimension)                 two or more dimensions
             1 + 0.1 * t_i                              a name that ends in `norm.weight`, `scale` or `scalar`
             0.1 * t_i                                  any other vector

Element i is in row-major order. Each operation is done in float64 as written; the result is rounded to float32
once.
"""

import hashlib

import numpy as np

FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
MASK = (1 << 64) - 1


def fnv1a(data: bytes) -> int:
    state = FNV_START
    for byte in data:
        state = ((state ^ byte) * FNV_PRIME) & MASK
    return state


def splitmix64(seed: int, count: int) -> np.ndarray:
    step = np.arange(1, count + 1, dtype=np.uint64)
    z = np.uint64(seed) + step * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def named_weight(name: str, shape: tuple) -> np.ndarray:
    x = splitmix64(fnv1a(name.encode()), int(np.prod(shape)))
    t = 2.0 * ((x >> np.uint64(40)).astype(np.float64) / 2.0**24) - 1.0
    if len(shape) > 1:
        values = t / np.sqrt(np.float64(shape[-1]))
    elif name.endswith(("norm.weight", "scale", "scalar")):
        values = 1.0 + 0.1 * t
    else:
        values = 0.1 * t
    return values.astype(np.float32).reshape(shape)


def checksum(tensors: dict) -> str:
    """SHA-256 over the tensors sorted by name: the name's bytes, then the elements' in row-major order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
