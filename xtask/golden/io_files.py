"""Files for the tests of `mlx::io`, written by NumPy and by Python's MLX, and a check of files written by Rust.

    pip install -r requirements.txt
    python io_files.py write ../../mlx/tests/golden/io
    python io_files.py check FOLDER    # after MLX_IO_FOLDER=FOLDER cargo test -p mlx --test npy --test npz ...

All arrays are `numbers(shape)` below in the dtype that their name says, so that tests need no second copy.
"""

import struct
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np

SHAPE = (2, 3)
NUMPY = ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8"]
MLX = ["bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
MLX += ["float16", "float32", "bfloat16", "complex64"]


def numbers(shape=SHAPE):
    """0, 1, 2, .. in row-major order."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


def npy(folder):
    for descr in NUMPY:
        np.save(folder / f"little_{descr}.npy", numbers().astype("<" + descr))
    for descr in ["u2", "u4", "i8", "f2", "f4", "f8", "c8"]:
        np.save(folder / f"big_{descr}.npy", numbers().astype(">" + descr))
    np.save(folder / "fortran.npy", np.asfortranarray(numbers((2, 3, 4)).astype("f4")))
    np.save(folder / "scalar.npy", np.float32(7))
    np.save(folder / "empty.npy", np.zeros((0, 5), "i4"))
    for version in [(2, 0), (3, 0)]:
        with open(folder / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, numbers().astype("i4"), version)
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder / "records.npy", np.zeros(2, dtype=[("a", "i4"), ("b", "f4")]))
    np.save(folder / "text.npy", np.array(["a", "bc"]))
    np.save(folder / "complex128.npy", numbers().astype("c16"))
    for name in ["float32", "bfloat16", "bool_"]:
        mx.save(str(folder / f"mlx_{name}.npy"), mx.array(numbers()).astype(getattr(mx, name)))
    mx.save(str(folder / "mlx_transposed.npy"), mx.array(numbers((3, 2)).astype("f4")).T)


def npz(folder):
    arrays = {"floats": numbers().astype("f4"), "a/b.c": np.int64(5), "many": np.zeros((64, 64), "u1")}
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)
    mx.savez(str(folder / "mlx.npz"), mx.array([1, 2]), b=mx.array([1.5]))


def safetensors(folder):
    arrays = {name: mx.array(numbers()).astype(getattr(mx, name)) for name in MLX}
    mx.save_safetensors(str(folder / "mlx.safetensors"), arrays, {"format": "mlx", "emoji": "🦀"})


def gguf(folder):
    dtypes = ["float32", "float16", "int8", "int16", "int32"]
    arrays = {name: mx.array(numbers()).astype(getattr(mx, name)) for name in dtypes}
    arrays |= {"scalar": mx.array(7.0), "five": mx.ones((1, 2, 1, 2, 1)), "empty": mx.zeros((0, 3))}
    integers = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32"]
    metadata = {name: mx.array(3, getattr(mx, name)) for name in integers}
    metadata |= {name + "s": mx.array([1, 2], getattr(mx, name)) for name in integers}
    metadata |= {"bool": mx.array(True), "string": "a 🦀", "strings": ["a", "", "bc"]}
    mx.save_gguf(str(folder / "mlx.gguf"), arrays, metadata)


def quantized(folder):
    """Random blocks of the types that MLX repacks, and what it makes of them."""
    rng = np.random.default_rng(0)
    table, data = b"", b""
    for name, kind, halves, rest in [("q4_0.weight", 2, 1, 16), ("q4_1.weight", 3, 2, 16), ("q8_0", 8, 1, 32)]:
        scales = rng.normal(size=(4, halves)).astype("<f2").view("u1")
        blocks = np.concatenate([scales, rng.integers(0, 256, (4, rest), dtype="u1")], axis=1).tobytes()
        table += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQQIQ", 2, 64, 2, kind, len(data))
        data += blocks + bytes(-len(blocks) % 32)
    header = b"GGUF" + struct.pack("<IQQ", 3, 3, 0) + table
    (folder / "quantized.gguf").write_bytes(header + bytes(-len(header) % 32) + data)
    mx.save_safetensors(str(folder / "quantized.safetensors"), mx.load(str(folder / "quantized.gguf")))


def dequantized(folder):
    """Random blocks of the types that become dense, and what the package `gguf` makes of them."""
    import gguf

    rng = np.random.default_rng(1)
    floats = {"Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2]}
    floats |= {"Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": []}
    writer = gguf.GGUFWriter(folder / "dequantized.gguf", "llama")
    for name, offsets in floats.items():
        kind = gguf.GGMLQuantizationType[name]
        length, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (512 // length, size), dtype=np.uint8)
        for offset in offsets:
            blocks[:, offset : offset + 2] = rng.normal(0, 0.05, (len(blocks), 1)).astype("<f2").view("u1")
        blocks = blocks.reshape(1, -1)
        writer.add_tensor(name, blocks, raw_dtype=kind)
        writer.add_tensor(f"{name}.expected", gguf.quants.dequantize(blocks, kind).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def same(found, expected):
    found = np.array(found.astype(mx.float32)) if isinstance(found, mx.array) else found
    np.testing.assert_array_equal(found, expected)


def check(folder):
    """Reads what the tests in Rust wrote, with NumPy and MLX."""
    count = 0
    for path in sorted(folder.glob("*.npy")):
        expected = numbers()
        if "bool" in path.stem:
            expected = expected != 0
        loaded = mx.load(str(path))
        assert str(loaded.dtype) == f"mlx.core.{path.stem}", (path, loaded.dtype)
        with mx.stream(mx.cpu):
            same(loaded, expected)
        if path.stem != "bfloat16":
            assert np.load(path).dtype == path.stem, path
            same(np.load(path), expected)
        count += 1
    for path in sorted(folder.glob("*.npz")):
        for loaded in [np.load(path), mx.load(str(path))]:
            assert sorted(loaded.keys()) == ["a/b.c", "numbers", "ü"], sorted(loaded.keys())
            same(loaded["numbers"], numbers())
            same(loaded["a/b.c"], 7)
            same(loaded["ü"], np.zeros((3, 0)))
        count += 1
    for path in sorted(folder.glob("*.safetensors")):
        arrays, metadata = mx.load(str(path), return_metadata=True)
        assert metadata == {"format": "mlx", "emoji": "🦀"}, metadata
        assert sorted(arrays) == sorted(name.removesuffix("_") for name in MLX), sorted(arrays)
        for name, array in arrays.items():
            assert str(array.dtype) == f"mlx.core.{name}", (name, array.dtype)
            same(array, numbers() != 0 if name == "bool" else numbers())
        count += 1
    for path in sorted(folder.glob("*.gguf")):
        arrays, metadata = mx.load(str(path), return_metadata=True)
        assert sorted(arrays) == ["empty", "five", "float16", "float32", "int16", "int32", "int8"], sorted(arrays)
        for name in ["float16", "float32", "int16", "int32", "int8"]:
            assert str(arrays[name].dtype) == f"mlx.core.{name}"
            same(arrays[name], numbers())
        assert arrays["five"].shape == (1, 2, 1, 2, 1) and arrays["empty"].shape == (0, 3)
        assert metadata["string"] == "a 🦀" and metadata["strings"] == ["a", "", "bc"], metadata
        assert metadata["count"].item() == 3 and metadata["count"].dtype == mx.uint32
        assert metadata["floats"].tolist() == [0.5, -1.0] and metadata["flag"].item() is True
        count += 1
    print(f"{count} files are what they should be")
    assert count == 18, count


if __name__ == "__main__":
    mode, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if mode == "check":
        check(folder)
    else:
        for write in [npy, npz, safetensors, gguf, quantized, dequantized]:
            write(folder)
