"""Cases of the operations on shapes, layouts, creation and indexing, for ops.py."""

import mlx.core as mx

from ops_recorder import DTYPES, FLOATS, Recorder


def shapes(case: Recorder) -> None:
    def cases(op: str, *arguments: dict, fails: tuple = (), name: str = "f32:2x3x4") -> None:
        for args in arguments:
            case(op, name, **args)
            case(op, f"{name}.T", **args)
        for args in fails:
            case.fails(op, name, **args)

    shape = lambda *list: [dict(shape=shape) for shape in list]
    cases("reshape", *shape([24], [4, 6], [-1, 3], [2, -1, 1, 4]), fails=shape([5, 5], [-1, -1], [-1, 5], [-2, 12]))
    case("reshape", "f32:0x3", shape=[3, 0])
    case("reshape", "f32:", shape=[1, 1])
    case.fails("reshape", "f32:0x3", shape=[-1, 0])
    case.dtypes("reshape", "*:2x3", shape=[6])
    axes = lambda *list: [dict(axes=axes) for axes in list]
    cases("transpose", *axes([0, 2, 1], [-1, 0, 1], None), fails=axes([0, 1], [0, 1, 1], [0, 1, 3]))
    case.dtypes("transpose", "*:2x3")
    case("transpose", "f32:")
    cases("matrix_transpose", {})
    case.fails("matrix_transpose", "f32:3")
    two = lambda *pairs: [dict(axis1=a, axis2=b) for a, b in pairs]
    cases("swapaxes", *two((0, 2), (-1, 1), (1, 1)), fails=two((0, 3), (-4, 0)))
    move = lambda *pairs: [dict(source=a, destination=b) for a, b in pairs]
    cases("moveaxis", *move((0, 2), (-1, 0), (1, 1)), fails=move((0, 3), (-4, 0)))
    axis = lambda *list: [dict(axis=axis) for axis in list]
    cases("squeeze", *axis(0, [0, -1], None), fails=axis(1, [0, 0], 4, -5), name="f32:1x3x1")
    cases("expand_dims", *axis(0, -1, [0, 3], [1, 2, -1]), fails=axis([0, 0], 5, -6))
    ends = lambda *pairs: [dict(start_axis=a, end_axis=b) for a, b in pairs]
    cases(
        "flatten",
        *ends((0, -1), (1, 2), (0, 1), (1, 1)),
        fails=ends(
            (2, 0),
        ),
    )
    case("flatten", "f32:")
    unflattened = lambda *pairs: [dict(axis=axis, shape=shape) for axis, shape in pairs]
    cases("unflatten", *unflattened((1, [3, 1]), (-2, [1, -1]), (1, [-1])), fails=unflattened((1, [2, 2]), (3, [3])))
    cases("broadcast_to", *shape([2, 3, 3, 3]), fails=shape([2, 3, 5], [3, 4]), name="f32:3x1x3")
    cases("broadcast_to", *shape([2, 3]), name="f32:1x1")
    case("broadcast_to", "f32:1x3", shape=[0, 3])
    repeat = lambda *pairs: [dict(repeats=n, axis=axis) for n, axis in pairs]
    cases("repeat", *repeat((2, 0), (3, -1), (0, 1), (2, None)), fails=repeat((-1, 0), (2, 3)))
    tile = lambda x, reps: mx.tile(x, reps)
    for reps in ([2], [1, 2, 1], [2, 1, 1, 1], [0, 1, 1]):
        case("tile", "f32:2x3x1.T", function=tile, reps=reps)
    case.fails("tile", "f32:2x3", function=tile, reps=[-1])
    cases("flip", *axis(0, [0, -1], None), fails=axis(3, -4))
    roll = lambda x, shift, axis=None: mx.roll(x, shift, axis)
    for shift, along in ((1, 0), (-2, -1), (5, None), ([1, 2], [0, 2]), (1, [0, 1])):
        case("roll", "f32:2x3x4", function=roll, shift=shift, axis=along)
        case("roll", "i8:2x3x4.T", function=roll, shift=shift, axis=along)
    case.fails("roll", "f32:2x3", function=roll, shift=1, axis=2)
    case("roll", "f32:2x3", function=roll, shift=[1, 2, 3], axis=[0, 1])
    case("roll", "f32:0x3", function=roll, shift=1, axis=0)
    for op in ("atleast_1d", "atleast_2d", "atleast_3d"):
        for name in ("f32:", "f32:3", "i32:2x3", "f32:2x1x2", "f32:0"):
            case(op, name)


def joints(case: Recorder) -> None:
    together = {
        op: lambda *arrays, axis=0, op=op: getattr(mx, op)(list(arrays), axis=axis) for op in ("concatenate", "stack")
    }
    for op, function in together.items():
        for axis in (0, 1, -1):
            case(op, "f32:2x3", "f32:2x3#1", "f32:3x2.T", function=function, axis=axis)
        case.dtypes(op, "*:2x3", "f32:2x3", function=function, axis=0)
        case(op, "f32:2x3", function=function, axis=0)
        case(op, "f32:0x3", "i32:0x3", function=function, axis=0)
        case.fails(op, "f32:2x3", "f32:2x3#1", function=function, axis=3)
        case.fails(op, "f32:2x3", "f32:3x2", function=function, axis=0)
        case.fails(op, function=function, axis=0)
        case(op, "f32:2x3", "f32:2x3#1", function=function, axis=1, grad=True)
    case("concatenate", "f32:2x3", "f32:0x3", "f32:1x3", function=together["concatenate"], axis=0)
    for args in (dict(indices_or_sections=3, axis=1), dict(indices_or_sections=[1, 2], axis=1),
                 dict(indices_or_sections=[0, 2, 2], axis=0), dict(indices_or_sections=[], axis=0),
                 dict(indices_or_sections=[-1, 9], axis=-1), dict(indices_or_sections=[2, 1], axis=0)):  # fmt: skip
        case("split", "f32:4x3", **args, expect="either")
        case("split", "f32:3x4.T", **args, expect="either")
    case("split", "f32:4x3", indices_or_sections=2, axis=0, grad=True)
    case.fails("split", "f32:4x3", indices_or_sections=2, axis=1)
    case.fails("split", "f32:4x3", indices_or_sections=2, axis=2)
    for axis in (0, 1, -1):
        case("unstack", "f32:2x3.T", axis=axis)
    case("unstack", "f32:0x3", axis=0, expect="either")
    case.fails("unstack", "f32:2x3", axis=2)
    case.fails("unstack", "f32:", axis=0)
    case("broadcast_arrays", "f32:2x1", "i32:3", "f32:")
    case("broadcast_arrays", "f32:2x1")
    case.fails("broadcast_arrays", "f32:2", "f32:3")
    for indexing in ("xy", "ij"):
        for sparse in (False, True):
            case("meshgrid", "f32:2", "f32:3", indexing=indexing, sparse=sparse)
            case("meshgrid", "f32:2", "i32:3", "f32:4", indexing=indexing, sparse=sparse)
    case("meshgrid", "f32:2", indexing="xy", sparse=False)
    case("depends", "f32:2x3", "f32:3", function=lambda *x: mx.depends([x[0]], [x[1]]))
    for widths in (1, [1, 2], [[0, 1], [2, 0]], 0):
        tuples = lambda x, pad_width, **args: mx.pad(x, retuple(pad_width), **args)
        case("pad", "f32:2x3", function=tuples, pad_width=widths)
        case("pad", "i8:3x4.T", function=tuples, pad_width=widths, constant_values=7)
        for mode in ("edge", "reflect", "symmetric"):
            case("pad", "f32:3x4", function=tuples, pad_width=widths, mode=mode, expect="either")
    case("pad", "f32:2x3", function=tuples, pad_width=[[0, 1], [2, 0]], constant_values=1.5, grad=True)
    case("pad", "f32:3x3", function=tuples, pad_width=1, mode="edge", grad=True)
    case.fails("pad", "f32:2x3", function=tuples, pad_width=-1)
    case.fails("pad", "f32:2x3", function=tuples, pad_width=[[1, 1]] * 3)
    case("pad", "f32:2x3", function=tuples, pad_width=9, mode="reflect")


def retuple(widths):
    """JSON has no tuples, which pad tells from lists."""
    if not isinstance(widths, list):
        return widths
    return [tuple(pair) for pair in widths] if isinstance(widths[0], list) else tuple(widths)


def layouts(case: Recorder) -> None:
    astype = lambda x, dtype: x.astype(dtype)
    # Floats that an integer cannot hold convert differently on each machine.
    for dtype in DTYPES:
        for to in DTYPES:
            narrow = DTYPES[dtype] in (mx.float16, mx.float32, mx.float64, mx.bfloat16, mx.complex64) and to[0] == "u"
            case("astype", f"{dtype}:2x3{'~unit' if narrow else ''}", function=astype, dtype=DTYPES[to])
    case("astype", "f32:2x3.T", function=astype, dtype=mx.float16)
    case("astype", "f32:12~special", function=astype, dtype=mx.bfloat16)
    case("astype", "f32:2x3", function=astype, dtype=mx.float32, grad=True)
    for dtype, to in (
        ("f32", "i32"),
        ("f32", "u8"),
        ("f32", "f64"),
        ("u8", "f32"),
        ("i16", "bf16"),
        ("c64", "f32"),
        ("f32", "c64"),
    ):
        case("view", f"{dtype}:2x4", dtype=DTYPES[to])
    case("view", "f32:4x2.T", dtype=mx.uint8)
    case("view", "f32:", dtype=mx.int32)
    case.fails("view", "f32:", dtype=mx.uint8)
    case.fails("view", "u8:2x3", dtype=mx.float32)
    for name in ("f32:2x3.T", "i8:2x4.S", "bf16:3.B", "f32:"):
        case("contiguous", name)
        case("contiguous", name, allow_col_major=True)
        case("copy", name, function=lambda x: mx.array(x))
    for args in (
        dict(shape=[2, 2], strides=[2, 1], offset=1),
        dict(shape=[4, 3], strides=[0, 2]),
        dict(shape=[2, 3, 2], strides=[3, 1, 0]),
    ):
        case("as_strided", "f32:2x4", **args)
        case("as_strided", "i16:4x2.T", **args)
        case("as_strided", "f32:2x4", **args, grad=True)
    case("number_of_elements", "f32:2x3x4", function=lambda x, axis: mx.array(x.shape[axis], mx.int32), axis=1)


def creation(case: Recorder) -> None:
    arange = lambda start, stop, step, dtype: mx.arange(start, stop, step, dtype)
    full = lambda vals, shape, dtype: mx.full(shape, vals, dtype)
    for dtype in DTYPES:
        for start, stop, step in ((0, 5, 1), (1, 10, 3), (5, 0, -2), (0, 0, 1), (3, 0, 1)):
            if dtype == "bool" or (dtype[0] == "u" and step < 0) or dtype == "c64":
                continue
            case("arange", function=arange, start=start, stop=stop, step=step, dtype=DTYPES[dtype])
        if dtype in FLOATS:
            case("arange", function=arange, start=0.5, stop=2.0, step=0.25, dtype=DTYPES[dtype])
            for num in (0, 1, 2, 5):
                for endpoint in (True, False):
                    case("linspace", start=-1.0, stop=2.0, num=num, endpoint=endpoint, dtype=DTYPES[dtype])
        case("zeros", shape=[2, 3], dtype=DTYPES[dtype])
        case("ones", shape=[2, 3], dtype=DTYPES[dtype])
        case("full", shape=[2], vals=3, dtype=DTYPES[dtype])
        case("identity", n=2, dtype=DTYPES[dtype])
        case("eye", n=2, m=3, k=1, dtype=DTYPES[dtype])
        case("tri", n=3, m=2, k=-1, dtype=DTYPES[dtype])
        case("zeros_like", f"{dtype}:2x3")
        case("ones_like", f"{dtype}:2x3.T")
        case("full_like", f"{dtype}:2x3", vals=2)
    case("linspace", start=0, stop=10, num=4, endpoint=True, dtype=mx.int32)
    case.fails("linspace", start=0, stop=10, num=-1, endpoint=True, dtype=mx.float32)
    for op in ("zeros", "ones"):
        case(op, shape=[], dtype=mx.float32)
        case(op, shape=[0, 3], dtype=mx.float32)
    case.fails("zeros", shape=[-1], dtype=mx.float32)
    case("full", "f32:3", function=full, shape=[2, 3], dtype=mx.float16)
    case.fails("full", "f32:3", function=full, shape=[2, 2], dtype=mx.float16)
    for n, m, k in ((3, 3, 0), (2, 4, -1), (4, 2, 2), (0, 3, 0), (3, 3, 7), (3, 3, -7)):
        case("eye", n=n, m=m, k=k, dtype=mx.float32)
        case("tri", n=n, m=m, k=k, dtype=mx.float32)
    case.fails("eye", n=-1, m=2, k=0, dtype=mx.float32)
    for op in ("bartlett", "blackman", "hamming", "hanning"):
        for count in (0, 1, 2, 7):
            case(op, function=lambda M, op=op: getattr(mx, op)(M), M=count)


def diagonals(case: Recorder) -> None:
    for k in (-3, -1, 0, 1, 5):
        case("diag", "f32:3x4", k=k, expect="either")
        case("diag", "f32:3", k=k)
        for op in ("tril", "triu"):
            case(op, "f32:3x4", k=k)
            case(op, "i32:2x3x4.T", k=k)
        case("diagonal", "f32:2x3x4", offset=k, axis1=0, axis2=1, expect="either")
        case("diagonal", "f32:2x3x4.T", offset=k, axis1=-1, axis2=0, expect="either")
        if abs(k) < 3:  # MLX may never come back from the sum of an empty diagonal.
            case("trace", "f32:3x4", offset=k, axis1=0, axis2=1)
            case("trace", "i32:2x3x4", offset=k, axis1=1, axis2=2)
    for op in ("tril", "triu", "diag"):
        case.dtypes(op, "*:2x3")
        case(op, "f32:3x3", k=1, grad=True)
        case.fails(op, "f32:")
    case.dtypes("trace", "*:3x3", offset=0, axis1=0, axis2=1)
    for op in ("diagonal", "trace"):
        case(op, "f32:3x4", offset=1, axis1=0, axis2=1, grad=True)
        case.fails(op, "f32:3x4", offset=0, axis1=1, axis2=1)
        case.fails(op, "f32:3x4", offset=0, axis1=0, axis2=2)
        case.fails(op, "f32:3", offset=0, axis1=0, axis2=1)
    case.fails("diag", "f32:2x3x4", k=0)


def indexing(case: Recorder) -> None:
    for dtype in DTYPES:
        case("take", f"{dtype}:3x4", "i32:2x2~signed3", axis=0)
        case("take_along_axis", f"{dtype}:3x4", "u32:2x4~index3", axis=0)
    for index in ("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"):
        kind = "index3" if index[0] == "u" else "signed3"
        case("take", "f32:4x3", f"{index}:2~{kind}", axis=-1)
        case("take_along_axis", "f32:4x3", f"{index}:4x2~{kind}", axis=1, expect="either")
    case("take", "f32:3x4.T", "i32:5~signed12", axis=None)
    case("take", "f32:3x4", "i32:~signed3", axis=0)
    case("take", "f32:3x4", "i32:0~index1", axis=0)
    case("take", "f32:3x4", "i32:2x2~signed3", axis=0, grad=True)
    case.fails("take", "f32:3x4", "i32:2~index2", axis=2)
    case.fails("take", "f32:0x4", "i32:2~index1", axis=0)
    case("take_along_axis", "f32:3x4.T", "i32:4~signed12", axis=None)
    case("take_along_axis", "f32:3x4", "i32:1x2~signed4", axis=1, expect="either")
    case("take_along_axis", "f32:3x4", "i32:3x2~signed4", axis=1, grad=True)
    case.fails("take_along_axis", "f32:3x4", "i32:2~index2", axis=1)
    add = lambda x, i, v, axis: x.at[tuple(grid(i, axis))].add(v)
    for dtype in DTYPES:
        case("put_along_axis", f"{dtype}:3x4", "i32:3x1~signed4", f"{dtype}:3x1", axis=1)
    case("put_along_axis", "f32:3x4", "u32:2x1~index3", "f32:2x4", axis=0, expect="either")
    case("put_along_axis", "f32:3x4.T", "i32:1~signed12", "f32:1", axis=None)
    case("put_along_axis", "f32:3x4", "i32:3x1~signed4", "f32:3x1", axis=1, grad=True)
    case.fails("put_along_axis", "f32:3x4", "i32:2~index3", "f32:2", axis=1)
    case("scatter_add_axis", "f32:3x4", "i32:3x5~signed4", "f32:3x5", function=add, axis=1)
    case("scatter_add_axis", "i32:3x4.T", "i32:6x3~signed4", "i32:6x3", function=add, axis=0)
    case("scatter_add_axis", "f32:3x4", "i32:3x5~signed4", "f32:3x5", function=add, axis=1, grad=True)
    gathers(case)
    scatters(case)
    slices(case)
    case("masked_scatter", "f32:3x4", "bool:3x4", "f32:12", function=masked)
    case("masked_scatter", "i32:4x3.T", "bool:3x4", "i32:12", function=masked)
    case("masked_scatter", "f32:3x4", "bool:3", "f32:12", function=masked_rows)
    case("masked_scatter", "f32:3x4", "bool:3x4", "f32:12", function=masked, grad=True)


def grid(indices: mx.array, axis: int):
    """Index arrays for every axis of a matrix, of which `axis` is indexed."""
    rows, columns = indices.shape
    return (mx.arange(rows)[:, None], indices) if axis == 1 else (indices, mx.arange(columns)[None])


def masked(x: mx.array, mask: mx.array, values: mx.array) -> mx.array:
    x = mx.array(x)
    x[mask] = values[: mask.sum().item()]
    return x


def masked_rows(x: mx.array, mask: mx.array, values: mx.array) -> mx.array:
    return masked(x, mx.broadcast_to(mask[:, None], x.shape), values)


def gathers(case: Recorder) -> None:
    one = lambda x, i, axes, sizes: x[i][:, None]
    two = lambda x, i, j, axes, sizes: x[i, j][..., None, None]
    case("gather", "f32:3x4", "i32:5~signed3", function=one, axes=[0], sizes=[1, 4])
    case("gather", "i8:4x3.T", "u32:2~index3", function=one, axes=[0], sizes=[1, 4])
    case("gather", "f32:3x4", "i32:2x1~signed3", "i32:5~signed4", function=two, axes=[0, 1], sizes=[1, 1])
    case("gather", "f32:3x4", "i32:2x1~signed3", "i32:5~signed4", function=two, axes=[0, 1], sizes=[1, 1], grad=True)


def scatters(case: Recorder) -> None:
    kinds = {
        "scatter": None,
        "scatter_add": "add",
        "scatter_prod": "multiply",
        "scatter_max": "maximum",
        "scatter_min": "minimum",
    }
    for op, method in kinds.items():

        def update(x, i, updates, axes, method=method):
            if method:
                return getattr(x.at[i], method)(updates[:, 0])
            x = mx.array(x)
            x[i] = updates[:, 0]
            return x

        # Only an update that combines may name a place twice.
        places = "i32:4~signed3" if method else "i32:3~distinct"
        count = 4 if method else 3
        for dtype in ("f32", "i32", "bf16", "u8", "i64"):
            case(op, f"{dtype}:3x4", places, f"{dtype}:{count}x1x4", function=update, axes=[0])
        case(op, "f32:4x3.T", places, f"f32:{count}x1x4", function=update, axes=[0])
        if op in ("scatter", "scatter_add"):
            case(op, "f32:3x4", places, f"f32:{count}x1x4", function=update, axes=[0], grad=True)


def slices(case: Recorder) -> None:
    part = lambda start, stop: tuple(slice(a, b) for a, b in zip(start, stop))
    read = lambda x, start, stop: x[part(start, stop)]
    for start, stop in (([0, 1], [2, 3]), ([1, 0], [3, 4]), ([1, 1], [1, 2]), ([0, 0], [3, 4])):
        case("slice", "f32:3x4", function=read, start=start, stop=stop)
        case("slice", "i8:4x3.T", function=read, start=start, stop=stop)
    case("slice", "f32:3x4", function=read, start=[0, 1], stop=[2, 3], grad=True)
    kinds = {"slice_update": None, "slice_update_add": "add", "slice_update_prod": "multiply",
             "slice_update_max": "maximum", "slice_update_min": "minimum"}  # fmt: skip
    for op, method in kinds.items():

        def update(x, update, start, stop, method=method):
            if method:
                return getattr(x.at[part(start, stop)], method)(update)
            x = mx.array(x)
            x[part(start, stop)] = update
            return x

        for dtype in ("f32", "i32", "f16", "bool"):
            case(op, f"{dtype}:3x4", f"{dtype}:2x2", function=update, start=[0, 1], stop=[2, 3])
        case(op, "f32:4x3.T", "f32:2", function=update, start=[1, 2], stop=[3, 4])
        case(op, "f32:3x4", "f32:", function=update, start=[1, 2], stop=[3, 4])
        case.fails(op, "f32:3x4", "f32:3", function=update, start=[0, 1], stop=[2, 3])
        case(op, "f32:3x4", "f32:2x2", function=update, start=[0, 1], stop=[2, 3], grad=True)
    dynamic = lambda x, start, axes, sizes: mx.slice(x, start, axes, sizes)
    for name in ("f32:3x4", "i32:4x3.T"):
        case("slice_dynamic", name, "i32:2~index2", function=dynamic, axes=[0, 1], sizes=[2, 3])
        case("slice_dynamic", name, "u32:1~index2", function=dynamic, axes=[1], sizes=[3, 2])
        write = lambda x, update, start, axes: mx.slice_update(x, update, start, axes)
        dtype = name.partition(":")[0]
        case("slice_update_dynamic", name, f"{dtype}:2x3", "i32:2~index2", function=write, axes=[0, 1])
    case("slice_dynamic", "f32:3x4", "i32:2~index2", function=dynamic, axes=[0, 1], sizes=[2, 3], grad=True)
    case.fails("slice_dynamic", "f32:3x4", "i32:1~index2", function=dynamic, axes=[2], sizes=[2, 3])
    case.fails("slice_dynamic", "f32:3x4", "i32:1~index2", function=dynamic, axes=[0], sizes=[4, 3])
    case("slice_update_dynamic", "f32:3x4", "f32:2x3", "i32:2~index2", function=write, axes=[0, 1], grad=True)


FAMILIES = [shapes, joints, layouts, creation, diagonals, indexing]
