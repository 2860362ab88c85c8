"""Cases that every operation of ops.py has: each kind of number, arrays without elements, and without axes."""

import re

from ops_recorder import DTYPES, Recorder

KINDS = ["f16", "bf16", "i32", "bool", "c64"]
NAME = re.compile(r"(\w+):([0-9x]*)(.*)")

# Where Python's process ends, or gives what stands in foreign memory.
UNDEFINED = {
    "first": """gather_mm conv1d conv_transpose1d conv2d conv_transpose2d conv3d conv_transpose3d quantized_matmul
        gather_qmm linalg.lu linalg.lu_factor as_strided""",
    "last": """conv1d conv_transpose1d conv2d conv_transpose2d conv3d conv_transpose3d conv_general quantized_matmul
        gather_qmm linalg.lu linalg.lu_factor as_strided""",
    "scalar": "as_strided",
    # Python has only the width.
    **dict.fromkeys(KINDS, "random.bits"),
}


def variations(record: Recorder) -> None:
    """The first case of each operation that works, with other arrays for its `f32` ones, where no case has such."""
    for op, (inputs, options) in list(record.first.items()):
        names = [name for case in record.cases if case["op"] == op for name in case["in"]]
        given = [dtype for case in record.cases if case["op"] == op for dtype in case["out"] if case["out"] != "error"]
        present = {NAME.match(name)[1] for name in names} | set(given)
        shapes = {NAME.match(name)[2] for name in names}

        def case(variation: str, changed: list, **more) -> None:
            if (changed != inputs or more) and op not in UNDEFINED.get(variation, "").split():
                record(op, *changed, expect="either", **{**options, **more})

        for kind in KINDS:
            if kind not in present:
                more = {"dtype": DTYPES[kind]} if "dtype" in options else {}
                case(kind, [name.replace("f32:", f"{kind}:") for name in inputs], **more)
        if not any("0" in shape.split("x") for shape in shapes):
            case("first", [reshaped(name, lambda extents: ["0", *extents[1:]]) for name in inputs])
            case("last", [reshaped(name, lambda extents: [*extents[:-1], "0"]) for name in inputs])
        if "" not in shapes:
            case("scalar", [reshaped(name, lambda extents: []) for name in inputs])


def reshaped(name: str, change) -> str:
    """The name of an array of another shape, without views and without a kind that needs an axis."""
    dtype, shape, rest = NAME.match(name).groups()
    rest = re.sub(r"~(sorted|lengths|definite)\d*|\..*", "", rest)
    return f"{dtype}:{'x'.join(change(shape.split('x')))}{rest}" if shape else name
