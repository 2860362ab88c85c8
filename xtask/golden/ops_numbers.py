"""Cases of the operations on elements, reductions, scans and sorts, for ops.py."""

import mlx.core as mx

from ops_recorder import A, DTYPES, FLOATS, INTS, Recorder

# Differentiable where the elements of the kind lie.
UNARY = {
    "abs": "away", "arccos": "unit", "arccosh": None, "arcsin": "unit", "arcsinh": "", "arctan": "", "arctanh": "unit",
    "bitwise_invert": None, "ceil": None, "conjugate": "", "cos": "", "cosh": "", "degrees": "", "erf": "",
    "erfinv": "unit", "exp": "", "expm1": "", "floor": None, "imag": None, "isfinite": None, "isinf": None,
    "isnan": None, "isneginf": None, "isposinf": None, "log": "unit", "log10": "unit", "log1p": "unit", "log2": "unit",
    "logical_not": None, "negative": "", "radians": "", "real": None, "reciprocal": "unit", "rsqrt": "unit",
    "sigmoid": "", "sign": None, "sin": "", "sinh": "", "sqrt": "unit", "square": "", "stop_gradient": None,
    "tan": "unit", "tanh": "", "trunc": None, "round": None,
}  # fmt: skip

BINARY = {
    "add": "", "arctan2": "unit", "bitwise_and": None, "bitwise_or": None, "bitwise_xor": None, "divide": "unit",
    "equal": None, "floor_divide": None, "greater": None, "greater_equal": None, "left_shift": None, "less": None,
    "less_equal": None, "logaddexp": "", "logical_and": None, "logical_or": None, "logical_xor": None, "maximum": "",
    "minimum": "", "multiply": "", "not_equal": None, "power": "unit", "remainder": None, "right_shift": None,
    "subtract": "", "divmod": None,
}  # fmt: skip

PROMOTED = [
    "f32 i32", "bf16 f16", "bf16 f32", "i8 u8", "i32 u32", "u64 i64", "bool i8", "bool f16", "f32 c64", "i64 bf16",
    "u8 c64", "f64 f32",
]  # fmt: skip


def unary(case: Recorder) -> None:
    for op, kind in UNARY.items():
        case.dtypes(op, "*:2x3")
        for name in ("f32:", "f32:0x3", "f32:2x3.T", "f32:2x4.S", "f32:3.B", "f32:12~special", "f16:12~special"):
            case(op, name, expect="either")
        if kind is not None:
            case(op, f"f32:2x3~{kind}" if kind else "f32:2x3", grad=True)
    case("arccosh", "f32:3~distinct", grad=False)
    for decimals in (-1, 0, 1, 2):
        case("round", "f32:2x3", decimals=decimals)
        case("round", "i32:2x3", decimals=decimals)
    case("nan_to_num", "f32:12~special")
    case("nan_to_num", "f16:12~special", nan=1.5, posinf=9.0, neginf=-9.0)
    case("nan_to_num", "f32:12~special", nan=0.0, posinf=3.0)
    case("nan_to_num", "i32:2x3", nan=4.0)
    case("nan_to_num", "f32:2x3", grad=True)


def binary(case: Recorder) -> None:
    for op, kind in BINARY.items():
        # Not defined are shifts by negative places, or by more than there are bits, and integers to a negative power. A
        # quotient by zero is another one for each device.
        second = {"power": "~index3", "left_shift": "~index4", "right_shift": "~index4"}.get(op, "#1")
        by_place = lambda a, b, op=op: getattr(mx, op)(a, b)
        divides = op in ("floor_divide", "remainder", "divmod")
        for dtype in DTYPES:
            if divides and dtype in INTS:
                case(op, f"{dtype}:2x3", function=by_place, expect="either", b=3)
            else:
                case(op, f"{dtype}:2x3", f"{dtype}:2x3{second}", expect="either")
        scalars = {"f32": [2, 2.5, True], "bf16": [2, 2.5], "i8": [2, 2.5], "u32": [2], "bool": [2]}
        if not divides and op != "power":
            for a, b in (pair.split() for pair in PROMOTED):
                case(op, f"{a}:2x3", f"{b}:2x3{second}", expect="either")
            scalars |= {"i8": [2, 2.5, True], "bool": [2, 2.5, True], "c64": [2, 2.5]}
        for dtype, numbers in scalars.items():
            for b in numbers:
                case(op, f"{dtype}:2x3", function=by_place, expect="either", b=b)
        other = "~unit" if op == "power" else "#1"
        broadcasting = ("| 2x3", "2x3 3", "2x1 1x3", "0x3 1x3", "2x3.T 3x2", "2x4.S 2x4.S")
        for a, b in (pair.split() for pair in broadcasting):
            shape, dot, view = b.partition(".")
            case(op, f"f32:{a.strip('|')}", f"f32:{shape}{other}{dot}{view}", expect="either")
        case.fails(op, "f32:2x3", "f32:3x2")
        case(op, "f32:12~special", "f32:12~special.R", expect="either")
        if kind is not None:
            kind = f"~{kind}" if kind else ""
            case(op, f"f32:2x3{kind}", f"f32:2x3#1{kind}", grad=True)
            case(op, f"f32:2x1{kind}", f"f32:3{kind}", grad=True)


def comparisons(case: Recorder) -> None:
    for op in ("isclose", "allclose"):
        case(op, "f32:2x3", "f32:2x3")
        case(op, "f32:2x3", "f32:2x3#1", rtol=0.5, atol=0.5)
        case(op, "f32:12~special", "f32:12~special")
        case(op, "f32:12~special", "f32:12~special", equal_nan=True)
        case.dtypes(op, "*:2x3", "*:2x3~ties", rtol=0.1, atol=1.0)
        case.fails(op, "f32:2x3", "f32:3x2")
    for a, b in (
        ("f32:2x3", "f32:2x3"),
        ("f32:2x3", "f32:3x2"),
        ("f32:12~special", "f32:12~special"),
        ("i32:3", "f32:3"),
    ):
        case("array_equal", a, b)
        case("array_equal", a, b, equal_nan=True)
    case.dtypes("array_equal", "*:2x3", "*:2x3")


def choices(case: Recorder) -> None:
    where = lambda condition, x, y: mx.where(condition, x, y)
    case.dtypes("where", "bool:2x3", "*:2x3", "*:2x3#1")
    case("where", "bool:2x1", "f32:3", "f32:")
    case("where", "i32:2x3~ties", "f32:2x3", "i32:2x3")
    case("where", "bool:2x3", "f32:2x3", "f32:2x3#1", grad=True)
    case("where", "bool:0x3", "f32:0x3", "f32:3")
    case("where", "bool:2x3", "bf16:2x3", function=lambda c, y, x: where(c, x, y), x=2.5)
    case.fails("where", "bool:2x3", "f32:3x2", "f32:2x3")
    clip = lambda x, a_min, a_max: mx.clip(x, a_min, a_max)
    for dtype in ("f32", "i32", "bf16", "u8", "i8"):
        case("clip", f"{dtype}:2x3", function=clip, a_min=1, a_max=3)
    case("clip", "f32:2x3", function=clip, a_min=-1.0, a_max=1.0, grad=True)
    case("clip", "i32:2x3", function=clip, a_min=-0.5, a_max=2.5)
    case("clip", "f32:2x3", function=clip, a_min=A("f32:3~unit"), a_max=A("f32:2x1~unit"))


def reductions(case: Recorder) -> None:
    everywhere = (
        "all",
        "any",
        "count_nonzero",
        "logsumexp",
        "max",
        "mean",
        "median",
        "min",
        "prod",
        "sum",
        "minmax",
        "var",
        "std",
    )
    differentiable = ("logsumexp", "max", "mean", "min", "prod", "sum", "var", "std")
    for op in everywhere:
        case.dtypes(op, "*:2x3")
        case.dtypes(op, "*:2x3x4", axis=1, dtypes=("f32", "bf16", "i8", "bool"))
        for axis in (0, -1, [0, 2], [-2, -1], [], None):
            case(op, "f32:2x3x4", axis=axis, expect="either")
            case(op, "i32:2x3x4.T", axis=axis, keepdims=True, expect="either")
        for name in ("f32:", "f32:0x3", "f32:3x4.S", "f32:3x4.R", "f32:3.B", "f32:12~special", "bool:2x3"):
            case(op, name, expect="either")
        case(op, "f32:0x3", axis=0, expect="either")
        case(op, "f32:0x3", axis=1, expect="either")
        for axis in (2, -3, [0, 0], [0, -2]):
            case(op, "f32:2x3", axis=axis, expect="fails")
        if op in differentiable:
            case(op, "f32:2x3", grad=True)
            case(op, "f32:2x3x4", axis=[0, 2], grad=True)
    for op in ("var", "std"):
        for ddof in (1, 3):
            case(op, "f32:2x3", axis=1, ddof=ddof)
            case(op, "i32:2x3", keepdims=True, ddof=ddof)
    for op in ("argmax", "argmin"):
        case.dtypes(op, "*:2x3", axis=1)
        for axis in (0, -1, None):
            case(op, "f32:3x4~ties", axis=axis)
            case(op, "f32:3x4~ties.T", axis=axis, keepdims=True)
        case(op, "f32:12~special")
        case(op, "f32:")
        case.fails(op, "f32:0x3", axis=1)
        case.fails(op, "f32:2x3", axis=2)
    for precise in (False, True):
        case.dtypes("softmax", "*:2x3", axis=-1, precise=precise, dtypes=[*FLOATS, "i32", "bool", "c64"])
        for axis in (0, -1, [0, 1], None):
            case("softmax", "f32:3x4.T", axis=axis, precise=precise)
        case("softmax", "f32:0x3", axis=-1, precise=precise)
        case("softmax", "f32:", precise=precise)
        case("softmax", "f32:12~special", precise=precise)
        case("softmax", "f32:2x3", axis=0, precise=precise, grad=True)
        case.fails("softmax", "f32:2x3", axis=2, precise=precise)


def scans(case: Recorder) -> None:
    for op in ("cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"):
        case.dtypes(op, "*:2x3", axis=1)
        for axis in (0, -1, None):
            for reverse in (False, True):
                for inclusive in (False, True):
                    case(op, "f32:2x3x4", axis=axis, reverse=reverse, inclusive=inclusive)
            case(op, "f32:3x4.T", axis=axis)
        case(op, "f32:0x3", axis=0)
        case(op, "f32:3x4", axis=1, grad=True)
        case(op, "f32:3x4", axis=0, reverse=True, inclusive=False, grad=True)
        case.fails(op, "f32:2x3", axis=2)
    case.dtypes("diff", "*:2x4")
    for n in (0, 1, 2, 5):
        case("diff", "f32:3x4", n=n, axis=0)
    case("diff", "f32:3x4", n=2, grad=True)
    case.fails("diff", "f32:3x4", n=-1)
    case.fails("diff", "f32:3x4", axis=2)


def order(case: Recorder) -> None:
    for op in ("sort", "argsort"):
        case.dtypes(op, "*:2x4~ties", axis=-1)
        for axis in (0, 1, -2, None):
            case(op, "f32:3x4~ties", axis=axis)
            case(op, "f32:3x4.T", axis=axis)
        case(op, "f32:12~special", axis=0)
        case(op, "f32:0x3", axis=0)
        case.fails(op, "f32:2x3", axis=2)
    case("sort", "f32:3x4~distinct", axis=1, grad=True)
    for op in ("partition", "argpartition"):
        case.dtypes(op, "*:2x4~distinct", kth=2, axis=-1)
        for kth in (0, 2, -1):
            case(op, "f32:3x4~distinct", kth=kth, axis=0, expect="either")
            case(op, "f32:3x4~distinct", kth=kth, axis=None)
        case.fails(op, "f32:3x4", kth=4, axis=-1)
        case.fails(op, "f32:3x4", kth=-5, axis=-1)
    case.dtypes("topk", "*:2x4~distinct", k=2, axis=-1)
    for k in (1, 3):
        case("topk", "f32:3x4~distinct", k=k, axis=0)
        case("topk", "f32:3x4~distinct.T", k=k, axis=None)
    case("topk", "f32:3x4~distinct", k=2, axis=1, grad=True)
    case.fails("topk", "f32:3x4", k=5, axis=-1)
    case.fails("topk", "f32:3x4", k=-1, axis=-1)
    for side in ("left", "right"):
        case.dtypes("searchsorted", "*:6~sorted", "*:2x3~ties", side=side)
        case("searchsorted", "f32:12~sorted", "f32:3x4.T", side=side)
        case("searchsorted", "f32:0", "f32:3", side=side)
        case("searchsorted", "f32:6~sorted", "f32:12~special", side=side)
    case.fails("searchsorted", "f32:2x3", "f32:3", side="left")
    options = dict(return_index=True, return_inverse=True, return_counts=True)
    unique = lambda x, **args: mx.unique(x, **options, **args)
    case.dtypes("unique", "*:2x4~ties", function=unique, size=4)
    for size in (0, 1, 3, 9):
        case("unique", "i32:3x4~ties", function=unique, size=size, expect="either")
        case("unique", "f32:3x4~ties.T", function=unique, size=size, fill_value=7, expect="either")
    case.fails("unique", "f32:3x4", function=unique, size=-1)


FAMILIES = [unary, binary, comparisons, choices, reductions, scans, order]
