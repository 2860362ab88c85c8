"""Runs the cases of ops.py and keeps what they give."""

import json
import zlib

import mlx.core as mx
import numpy as np

DTYPES = {
    "bool": mx.bool_, "u8": mx.uint8, "u16": mx.uint16, "u32": mx.uint32, "u64": mx.uint64, "i8": mx.int8,
    "i16": mx.int16, "i32": mx.int32, "i64": mx.int64, "f16": mx.float16, "f32": mx.float32, "f64": mx.float64,
    "bf16": mx.bfloat16, "c64": mx.complex64,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
INTS = [name for name in DTYPES if name[0] in "ui"]
FLOATS = ["f16", "f32", "f64", "bf16"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-30, -1e30, np.inf, -np.inf, np.nan]


class A:
    """An array among the named arguments."""

    def __init__(self, name: str):
        self.name = name


class Inputs:
    """Arrays by name: `DTYPE:EXTENTxEXTENT#SEED~KIND.VIEWS`, of which seed, kind and views may be missing.

    Each name has random elements of its own, as its kind says. A view is T (transposed), S (every second element of the
    last axis), R (the last axis reversed) or B (broadcast along a new first axis of 2).
    """

    def __init__(self):
        self.arrays = {}

    def get(self, name: str) -> mx.array:
        base, _, views = name.partition(".")
        if base not in self.arrays:
            self.arrays[base] = self.make(base)
        x = self.arrays[base]
        for view in views:
            x = self.view(x, view)
        return x

    @staticmethod
    def view(x: mx.array, view: str) -> mx.array:
        match view:
            case "T":
                return x.T
            case "S":
                return x[..., ::2]
            case "R":
                return x[..., ::-1]
            case "B":
                return mx.broadcast_to(x, (2, *x.shape))

    @staticmethod
    def make(name: str) -> mx.array:
        rest, _, kind = name.partition("~")
        rest = rest.partition("#")[0]
        dtype, _, extents = rest.partition(":")
        shape = tuple(int(extent) for extent in extents.split("x")) if extents else ()
        random = np.random.RandomState(zlib.crc32(name.encode()))
        numbers = elements(dtype, shape, kind, random)
        if dtype == "c64" and kind != "special":
            numbers = numbers + 1j * elements(dtype, shape, kind, random)
        kinds = {"f": np.float64, "b": np.float64 if dtype == "bf16" else np.bool_, "c": np.complex64}
        numbers = np.asarray(numbers).astype(kinds.get(dtype[0], np.int64))
        made = mx.array(numbers, dtype=mx.float64 if dtype in FLOATS else None)
        return made.astype(DTYPES[dtype]).reshape(shape)


def elements(dtype: str, shape: tuple, kind: str, random: np.random.RandomState) -> np.ndarray:
    count = int(kind.lstrip("abcdefghijklmnopqrstuvwxyz") or 0)
    match kind.rstrip("0123456789"):
        case "unit":
            return random.uniform(0.2, 0.9, shape)
        case "away":
            x = random.normal(size=shape)
            return x + 0.2 * np.sign(x)
        case "special":
            return np.resize(SPECIAL, shape)
        case "index":
            return random.randint(0, count, shape)
        case "signed":
            return random.randint(-count, count, shape)
        case "wild":
            return random.randint(-3 * count, 3 * count, shape)
        case "distinct":
            return random.permutation(int(np.prod(shape))).reshape(shape)
        case "sorted":
            return np.sort(np.round(2 * random.normal(size=shape), 1))
        case "lengths":
            return np.sort(random.randint(0, count, shape), axis=-1)
        case "ties":
            return random.randint(-2, 3, shape)
        case "definite":
            a = random.normal(size=shape)
            return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])
    if dtype == "bool":
        return random.randint(0, 2, shape)
    if dtype in INTS:
        return random.randint(0 if dtype[0] == "u" else -9, 10, shape)
    return 2 * random.normal(size=shape)


class Recorder:
    def __init__(self):
        self.inputs, self.results, self.cases, self.counts = Inputs(), {}, [], {}
        self.surprises = []
        # Of each operation the first case that works: the inputs, and all else that it was called with.
        self.first = {}

    def __call__(self, op: str, *inputs: str, function=None, grad=False, expect="works", **args) -> None:
        """Records a case that `expect` says "works", "fails", or is either."""
        number = self.counts[op] = self.counts.get(op, -1) + 1
        name = f"{op}.{number}"
        options = {"function": function, **args}
        function = function or lookup(op)
        values = {k: self.inputs.get(v.name) if isinstance(v, A) else v for k, v in args.items()}
        run = lambda *arrays: listed(function(*arrays, **values))
        arrays = [self.inputs.get(input) for input in inputs]
        case = {"op": op, "in": list(inputs), "args": {k: plain(v) for k, v in args.items()}}
        try:
            outputs = run(*arrays)
            mx.eval(outputs)
            case["out"] = [NAMES[output.dtype] for output in outputs]
            self.keep(f"{name}/out", outputs)
            self.first.setdefault(op, (list(inputs), options))
        except (ValueError, TypeError, RuntimeError, IndexError, OverflowError) as error:
            # A TypeError tells that the arguments are not the function's, rather than that it refuses them.
            if expect == "works" or isinstance(error, TypeError) and expect == "either":
                self.surprises.append(f"{json.dumps(case)}: {error}")
            case["out"] = "error"
        if expect == "fails" and case["out"] != "error":
            self.surprises.append(f"{json.dumps(case)} works")
        if grad and case["out"] != "error":
            case["grad"] = self.gradients(name, run, arrays, outputs)
        self.cases.append(case)

    def gradients(self, name: str, run, arrays: list, outputs: list):
        """The number of gradients."""
        argnums = [i for i, array in enumerate(arrays) if array.dtype == mx.float32]
        cotangents = [self.cotangent(i, output) for i, output in enumerate(outputs)]

        def loss(*inputs):
            real = lambda x: x.real + x.imag if x.dtype == mx.complex64 else x
            weighted = [real(x) * c for x, c in zip(run(*inputs), cotangents) if c is not None]
            return sum((w.sum() for w in weighted), start=mx.array(0.0))

        try:
            gradients = listed(mx.grad(loss, argnums=argnums)(*arrays))
            mx.eval(gradients)
        except (ValueError, RuntimeError):
            return "error"
        self.keep(f"{name}/grad", gradients)
        return len(gradients)

    def cotangent(self, number: int, output: mx.array):
        if output.dtype not in (mx.float32, mx.complex64):
            return None
        return self.inputs.get(f"f32:{'x'.join(map(str, output.shape))}#c{number}")

    def keep(self, name: str, arrays: list) -> None:
        self.results |= {f"{name}.{i}": array for i, array in enumerate(arrays)}

    # Families of cases.

    def dtypes(self, op: str, *inputs: str, dtypes=DTYPES, **args) -> None:
        """The same with `*` for every dtype, whether it works or not."""
        for dtype in dtypes:
            self(op, *[name.replace("*", dtype) for name in inputs], expect="either", **args)

    def fails(self, op: str, *inputs: str, **args) -> None:
        self(op, *inputs, expect="fails", **args)


def lookup(op: str):
    place = mx
    for part in op.split("."):
        place = getattr(place, part)
    return place


def listed(outputs) -> list:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def plain(value):
    """An argument as JSON."""
    if isinstance(value, A):
        return {"array": value.name}
    return NAMES[value] if isinstance(value, mx.Dtype) else value
