"""Cases of products, convolutions, linear algebra, transforms, random numbers and fused operations, for ops.py."""

import mlx.core as mx

from ops_recorder import A, Recorder


def products(case: Recorder) -> None:
    for op, shapes in {
        "matmul": ["2x3 3x4", "3 3", "2x3 3", "3 3x4", "2x2x3 3x4", "2x1x2x3 2x3x4", "0x3 3x4", "2x0 0x3"],
        "inner": ["3 3", "2x3 4x3", " 3"],
        "outer": ["3 2", "2x3 2", "3 0"],
        "kron": ["2 3", "2x3 3x2", "2 2x3", " 3"],
        "vecdot": ["3 3", "2x3 2x3", "2x3 3"],
    }.items():
        for pair in shapes:
            a, b = pair.split(" ")
            case(op, f"f32:{a}", f"f32:{b}", expect="either")
            case(op, f"bf16:{a}", f"f16:{b}", expect="either")
        a, b = shapes[1].split()
        for dtype in ("c64", "f64", "f16", "i32", "bool"):
            case(op, f"{dtype}:{a}", f"{dtype}:{b}", expect="either")
        a, b = shapes[0].split()
        case(op, f"f32:{a}", f"f32:{b}", grad=True)
        case(op, "f32:3x2.T", "f32:2x4.S" if op not in ("matmul", "inner", "vecdot") else "f32:4x3.T", expect="either")
    for pair in ("2x3 2x3", " 3", "3 2", "2x2x3 3x3x4"):
        a, b = pair.split(" ")
        case.fails("matmul", f"f32:{a}", f"f32:{b}")
    case.fails("inner", "f32:2x3", "f32:2x4")
    case.fails("vecdot", "f32:2x3", "f32:2x4")
    case("vecdot", "f32:2x3", "f32:2x3#1", axis=0)
    for axes in (0, 1, 2, [[0, 1], [1, 0]], [[-1], [0]]):
        case("tensordot", "f32:2x3", "f32:3x2", axes=axes, expect="either")
    case("tensordot", "f32:2x3x4", "f32:4x3x2", axes=[[1, 2], [1, 0]], grad=True)
    case.fails("tensordot", "f32:2x3", "f32:3x2", axes=3)
    case.fails("tensordot", "f32:2x3", "f32:3x2", axes=[[0], [0]])
    for dtype in ("f32", "bf16", "f16"):
        case("addmm", f"{dtype}:2x4", f"{dtype}:2x3", f"{dtype}:3x4")
        case("addmm", f"{dtype}:4", f"{dtype}:2x3", f"{dtype}:4x3.T", alpha=0.5, beta=-2.0)
    case("addmm", "f32:2x4", "f32:2x3", "f32:3x4", alpha=0.5, beta=-2.0, grad=True)
    case.fails("addmm", "f32:3x4", "f32:2x3", "f32:3x4")
    for shape in ("2", "4x8", "12", "3x20"):
        case("hadamard_transform", f"f32:{shape}")
        case("hadamard_transform", f"f16:{shape}", scale=0.5)
    case("hadamard_transform", "f32:2x4", grad=True)
    case.fails("hadamard_transform", "f32:2x6")
    case("block_masked_mm", "f32:32x64", "f32:64x32", block_size=32, mask_lhs=A("bool:1x2"), mask_rhs=A("f32:2x1"))
    case("block_masked_mm", "f32:32x64", "f32:64x32", block_size=32, mask_out=A("bool:1x1~index2"))
    case("block_masked_mm", "f32:32x64", "f32:64x32", block_size=16)
    case(
        "segmented_mm",
        "f32:2x8",
        "f32:8x3",
        "u32:3x2~lengths8",
        function=lambda a, b, segments: mx.segmented_mm(a, b, segments),
    )
    case("gather_mm", "f32:3x2x4", "f32:5x4x3", lhs_indices=A("u32:4~index3"), rhs_indices=A("u32:4~index5"))
    case("gather_mm", "f32:3x2x4", "f32:5x4x3", rhs_indices=A("u32:3~lengths5"), sorted_indices=True)
    case("gather_mm", "f32:3x2x4", "f32:3x4x3")
    case("gather_mm", "f32:3x2x4", "f32:5x4x3", lhs_indices=A("u32:4~index3"), rhs_indices=A("u32:4~index5"), grad=True)
    case.fails("gather_mm", "f32:3x2x4", "f32:5x3x3")
    einsum = lambda *x, subscripts: mx.einsum(subscripts, *x)
    for subscripts, *names in (
        ("ij,jk->ik", "2x3", "3x4"),
        ("ij->ji", "2x3"),
        ("ii->", "3x3"),
        ("ii->i", "3x3"),
        ("i,j", "2", "3"),
        ("...ij,...jk->...ik", "2x2x3", "3x4"),
        ("bij,bj,b->i", "2x3x4", "2x4", "2"),
    ):
        case("einsum", *[f"f32:{name}" for name in names], function=einsum, subscripts=subscripts)
        case("einsum", *[f"c64:{name}" for name in names], function=einsum, subscripts=subscripts)
    case("einsum", "f32:2x3", "f32:3x4", function=einsum, subscripts="ij,jk->ki", grad=True)
    for subscripts in ("ij,jk", "ij->", "ij,ij->ik", "ij,jk->ll"):
        case("einsum", "f32:2x3", "f32:2x3", function=einsum, subscripts=subscripts, expect="either")


def convolutions(case: Recorder) -> None:
    options = {
        "conv1d": ("f32:2x9x4", "f32:6x3x4", "f32:6x3x2", 1),
        "conv2d": ("f32:1x5x6x4", "f32:2x3x2x4", "f32:2x3x2x2", 2),
        "conv3d": ("f32:1x3x4x3x2", "f32:2x2x2x2x2", None, 3),
    }
    for op, (x, w, grouped, rank) in options.items():
        several = lambda n: n if rank == 1 else [n + i for i in range(rank)]
        for args in (
            {},
            dict(stride=2),
            dict(padding=1),
            dict(dilation=2 if rank < 3 else 1),
            dict(stride=several(1), padding=several(0)),
        ):
            case(op, x, w, **args, function=retupled(op))
        if grouped:
            case(op, x, grouped, groups=2)
        case(op, x, w, stride=2, padding=1, grad=True)
        case.fails(op, x, w, groups=3)
        transposed = op.replace("conv", "conv_transpose")
        for args in ({}, dict(stride=2), dict(padding=1), dict(stride=3, output_padding=1), dict(stride=several(1))):
            case(transposed, x, w, **args, function=retupled(transposed))
        case(transposed, x, w, stride=2, grad=True)
    for dtype in ("f16", "bf16", "f64"):
        case("conv1d", f"{dtype}:1x4x2", f"{dtype}:2x3x2", expect="either")
    case.fails("conv1d", "f32:2x9x4", "f32:6x3x3")
    case.fails("conv1d", "f32:9x4", "f32:6x3x4")
    case("conv_general", "f32:2x9x4", "f32:6x3x4", input_dilation=2, flip=True)
    case("conv_general", "f32:1x5x6x4", "f32:2x3x2x4", stride=[2, 1], kernel_dilation=[1, 2], input_dilation=[2, 1])
    case(
        "conv_general",
        "f32:2x9x4",
        "f32:6x3x4",
        padding=[[1], [2]],
        stride=2,
        function=lambda x, w, padding, **args: mx.conv_general(x, w, padding=tuple(padding), **args),
    )
    case("conv_general", "f32:2x9x4", "f32:6x3x4", input_dilation=2, flip=True, grad=True)
    for mode in ("full", "same", "valid"):
        for a, b in (("5", "3"), ("3", "6"), ("4", "4"), ("1", "1")):
            case("convolve", f"f32:{a}", f"f32:{b}#1", mode=mode)
    case.fails("convolve", "f32:2x3", "f32:3", mode="full")
    case.fails("convolve", "f32:0", "f32:3", mode="full")


def retupled(op: str):
    """Python asks for tuples, which JSON does not have."""
    return lambda x, w, **args: getattr(mx, op)(
        x, w, **{k: tuple(v) if isinstance(v, list) else v for k, v in args.items()}
    )


def quantized(case: Recorder) -> None:
    formats = [("affine", 32, bits) for bits in (2, 3, 4, 5, 6, 8)] + [
        ("affine", 64, 4),
        ("affine", 128, 8),
        ("mxfp4", 32, 4),
        ("nvfp4", 16, 4),
        ("mxfp8", 32, 8),
    ]
    for mode, group_size, bits in formats:
        how = dict(group_size=group_size, bits=bits, mode=mode)
        w = "f32:4x128" if group_size == 128 else "f32:4x64"
        case("quantize", w, **how)
        dequantize = lambda w, **how: mx.dequantize(*mx.quantize(w, **how), **how)
        case("dequantize", w, function=dequantize, **how)
        columns = w.rpartition("x")[2]

        def multiply(x, w, transpose, **how):
            return mx.quantized_matmul(x, *mx.quantize(w, **how), transpose=transpose, **how)

        def gather(x, w, lhs_indices=None, rhs_indices=None, transpose=True, sorted_indices=False, **how):
            picks = dict(lhs_indices=lhs_indices, rhs_indices=rhs_indices, sorted_indices=sorted_indices)
            return mx.gather_qmm(x, *mx.quantize(w, **how), transpose=transpose, **picks, **how)

        case("quantized_matmul", f"f32:2x{columns}", w, function=multiply, transpose=True, **how)
        if bits in (4, 8):
            case("quantized_matmul", "f32:2x4", w, function=multiply, transpose=False, **how)
            batch = w.replace(":4x", ":3x4x")
            picks = dict(lhs_indices=A("u32:2~index2"), rhs_indices=A("u32:2~index3"))
            case("gather_qmm", f"f32:2x1x{columns}", batch, function=gather, transpose=True, **picks, **how)
            case("gather_qmm", "f32:2x1x4", batch, function=gather, transpose=False, **picks, **how)
    case(
        "gather_qmm",
        "f32:3x1x64",
        "f32:3x4x64",
        function=gather,
        rhs_indices=A("u32:3~lengths3"),
        sorted_indices=True,
        group_size=64,
        bits=4,
        mode="affine",
    )
    case.fails("quantize", "f32:4x64", group_size=33, bits=4, mode="affine")
    case.fails("quantize", "f32:4x64", group_size=32, bits=7, mode="affine")
    case.fails("quantize", "f32:4x48", group_size=64, bits=4, mode="affine")
    case.fails("quantize", "i32:4x64", group_size=64, bits=4, mode="affine")
    case.fails("quantize", "f32:64", group_size=64, bits=4, mode="affine")
    case("quantize", "bf16:2x32", group_size=32, bits=4, mode="affine")
    qqmm = lambda x, w, **how: mx.qqmm(x, w, **how)
    for mode, group_size, bits in (("nvfp4", 16, 4), ("mxfp8", 32, 8)):
        how = dict(group_size=group_size, bits=bits, mode=mode)
        case("qqmm", "f32:2x64", "f32:4x64", function=qqmm, **how, expect="either")
        case("qqmm", "f32:1x64", "f32:4x64", function=qqmm, **how, expect="either")
        stored = lambda x, w, stored, **how: mx.qqmm(x, *mx.quantize(w, **how)[:2], **how)
        case("qqmm", "f32:1x64", "f32:4x64", function=stored, stored=True, **how)
        gathered = lambda x, w, **how: mx.gather_qqmm(
            x, *mx.quantize(w, **how), rhs_indices=mx.array([1, 0], mx.uint32), **how
        )
        case("gather_qqmm", "f32:2x1x64", "f32:3x4x64", function=gathered, **how, expect="either")
    scaled = dict(group_size=16, bits=4, mode="nvfp4", global_scale=A("f32:~unit"))
    case("quantize", "f32:4x64", **scaled)
    dequantize = lambda w, **how: mx.dequantize(*mx.quantize(w, **how), **how)
    case("dequantize", "f32:4x64", function=dequantize, **scaled)
    case(
        "dequantize",
        "f32:4x64",
        function=lambda w, dtype, **how: mx.dequantize(*mx.quantize(w, **how), **how, dtype=dtype),
        group_size=32,
        bits=8,
        mode="mxfp8",
        dtype=mx.float16,
    )
    for name in ("f32:2x3", "f16:12~special", "bf16:2x3"):
        case("to_fp8", name)
    for dtype in (mx.float32, mx.bfloat16, mx.float16):
        case("from_fp8", "u8:2x3", dtype=dtype)


def linear_algebra(case: Recorder) -> None:
    la = "linalg."
    for order in (None, 0, 1, 2, 3, 0.5, -1, float("inf"), float("-inf"), "fro", "nuc"):
        # JSON has no infinities.
        written = str(order) if isinstance(order, float) and abs(order) == float("inf") else order
        norm = lambda x, ord, **args: mx.linalg.norm(x, float(ord) if ord in ("inf", "-inf") else ord, **args)
        for axis in (None, 1, [0, 1], [1, 0]):
            case(la + "norm", "f32:3x4", function=norm, ord=written, axis=axis, expect="either")
        case(la + "norm", "c64:3", function=norm, ord=written, expect="either")
        case(la + "norm", "f32:2x3x4.T", function=norm, ord=written, axis=[0, -1], keepdims=True, expect="either")
    case(la + "norm", "f32:3x4", function=norm, ord=None, axis=1, grad=True)
    for op in ("qr", "svd", "lu", "lu_factor", "pinv"):
        for name in (
            "f32:3x3",
            "f32:4x3",
            "f32:2x3",
            "f32:2x3x3",
            "f32:3x4.T",
            "f64:3x3",
            "c64:2x2",
            "f16:3x3",
            "i32:3x3",
        ):
            case(la + op, name, expect="either")
        case.fails(la + op, "f32:3")
    case(la + "svd", "f32:4x3", compute_uv=False)
    for op in ("inv", "det", "slogdet", "eig", "eigvals"):
        for name in ("f32:3x3", "f32:2x3x3", "f32:3x3.T", "f64:3x3", "c64:2x2", "f16:3x3", "i32:3x3"):
            case(la + op, name, expect="either")
        case.fails(la + op, "f32:2x3")
        case.fails(la + op, "f32:3")
    for op in ("inv", "det"):
        case(la + op, "f32:3x3~definite", grad=True)
    for upper in (False, True):
        for op in ("cholesky", "cholesky_inv", "tri_inv"):
            for name in ("f32:3x3~definite", "f32:2x3x3~definite", "f64:3x3~definite", "f16:3x3"):
                case(la + op, name, upper=upper, expect="either")
            case.fails(la + op, "f32:2x3", upper=upper)
        for op in ("eigh", "eigvalsh"):
            for name in ("f32:3x3~definite", "f32:2x3x3~definite", "c64:2x2", "f16:3x3"):
                case(la + op, name, UPLO="U" if upper else "L", expect="either")
            case.fails(la + op, "f32:2x3", UPLO="L")
        for a, b in (("3x3", "3"), ("3x3", "3x2"), ("2x3x3", "2x3x1")):
            case(la + "solve_triangular", f"f32:{a}~definite", f"f32:{b}", upper=upper)
    case(la + "eigvalsh", "f32:3x3~definite", UPLO="L", grad=True)
    for a, b in (("3x3", "3"), ("3x3", "3x2"), ("2x3x3", "2x3x1"), ("2x3x3", "3x2")):
        case(la + "solve", f"f32:{a}~definite", f"f32:{b}", expect="either")
    case(la + "solve", "f32:3x3~definite", "f32:3x2", grad=True)
    case.fails(la + "solve", "f32:3x3", "f32:2")
    case.fails(la + "solve", "f32:2x3", "f32:2")
    for a, b, axis in (("3", "3#1", -1), ("2x3", "3", -1), ("2", "3", -1), ("3x2", "3x2#1", 0), ("2", "2#1", 0)):
        case(la + "cross", f"f32:{a}", f"f32:{b}", axis=axis, expect="either")
    case(la + "cross", "f32:2x3", "f32:3", axis=-1, grad=True)
    case.fails(la + "cross", "f32:4", "f32:4", axis=-1)


def fourier(case: Recorder) -> None:
    f = "fft."
    for op in ("fft", "ifft", "rfft", "irfft"):
        for name in ("f32:4", "f32:2x5", "c64:3x4", "i32:4", "f16:4", "f32:4x3.T", "bool:4"):
            case(f + op, name, expect="either")
        for args in (dict(axis=0), dict(n=3), dict(n=7, axis=0), dict(norm="ortho"), dict(norm="forward", n=4)):
            case(f + op, "c64:3x4" if op != "rfft" else "f32:3x4", **args)
        case(f + op, "f32:4", grad=True)
        case.fails(f + op, "f32:4", n=0)
        case.fails(f + op, "f32:4", axis=1)
        case.fails(f + op, "f32:")
        for more in ("2", "n"):
            x = "c64:2x3x4" if op != "rfft" else "f32:2x3x4"
            for args in ({}, dict(axes=[0, 1]), dict(s=[4, 3], axes=[-1, 0]), dict(norm="ortho")):
                case(f + op + more, x, **args)
            case(f + op + more, "f32:2x4", grad=True)
            case.fails(f + op + more, "f32:2x4", s=[2, 0], axes=[0, 1])
    for op in ("fftshift", "ifftshift"):
        for name in ("f32:4", "i32:2x5", "f32:4x3.T"):
            case(f + op, name)
            case(f + op, name, axes=[0])
        case.fails(f + op, "f32:4", axes=[1])
    for n in (1, 4, 5):
        for d in (1.0, 0.5):
            case(f + "fftfreq", n=n, d=d)
            case(f + "rfftfreq", n=n, d=d)
    for args in (
        {},
        dict(hop_length=3),
        dict(center=False),
        dict(window=A("f32:8~unit")),
        dict(window=A("f32:6~unit"), win_length=6),
        dict(norm="ortho"),
        dict(pad_mode="constant"),
        dict(onesided=False),
    ):
        case(f + "stft", "f32:24", n_fft=8, **args)
        if "pad_mode" not in args:
            frames = "c64:8x9" if "onesided" in args else "c64:5x9"
            case(f + "istft", frames, n_fft=8, **args)
    case(f + "istft", "c64:2x5x9", n_fft=8, length=20)
    case(f + "stft", "f32:2x24", n_fft=8, grad=True)


def random(case: Recorder) -> None:
    r, key = "random.", A("u32:2")
    for dtype in (mx.float32, mx.float16, mx.bfloat16):
        case(r + "normal", shape=[2, 3], dtype=dtype, key=key)
        case(r + "uniform", shape=[2, 3], dtype=dtype, key=key, low=0.0, high=1.0)
        case(r + "gumbel", shape=[2, 3], dtype=dtype, key=key)
        case(r + "laplace", shape=[2, 3], dtype=dtype, key=key)
        case(r + "truncated_normal", shape=[2, 3], dtype=dtype, key=key, lower=-1.0, upper=1.5)
    case(r + "normal", shape=[4], dtype=mx.complex64, key=key)
    case(r + "normal", shape=[], dtype=mx.float32, key=key)
    case(r + "normal", shape=[2, 3], dtype=mx.float32, loc=A("f32:3"), scale=A("f32:2x1~unit"), key=key)
    case(r + "uniform", shape=[2, 3], dtype=mx.float32, low=A("f32:3"), high=A("f32:2x1~unit"), key=key)
    case(r + "laplace", shape=[2, 3], dtype=mx.float32, loc=1.0, scale=2.0, key=key)
    case(r + "gumbel", shape=[0, 3], dtype=mx.float32, key=key)
    for dtype in (mx.int32, mx.uint8, mx.int64, mx.uint32, mx.bool_):
        case(r + "randint", low=0, high=9, shape=[2, 3], dtype=dtype, key=key, expect="either")
    case(r + "randint", low=A("i32:3"), high=A("i32:2x1~index9"), shape=[2, 3], dtype=mx.int32, key=key)
    case(r + "randint", low=0, high=9, shape=[2], dtype=mx.float32, key=key, expect="fails")
    case(r + "bernoulli", p=0.3, shape=[3, 4], key=key)
    case(r + "bernoulli", p=A("f32:4~unit"), shape=[3, 4], key=key)
    case(r + "categorical", "f32:3x4", axis=-1, key=key)
    case(r + "categorical", "f32:3x4.T", axis=0, key=key)
    case(r + "categorical", "f32:3x4", axis=1, num_samples=5, key=key)
    case(r + "categorical", "f32:3x4", axis=1, shape=[2, 3], key=key)
    case.fails(r + "categorical", "f32:3x4", axis=2, key=key)
    case(r + "permutation", "f32:5x2", axis=0, key=key, function=lambda x, **args: mx.random.permutation(x, **args))
    case(r + "permutation", "i32:2x5.T", axis=1, key=key, function=lambda x, **args: mx.random.permutation(x, **args))
    case(r + "permutation", x=7, key=key)
    case(r + "split", num=2, key=key)
    case(r + "split", num=5, key=key)
    for seed in (0, 1, 123456789012345):
        case(r + "key", seed=seed)
    case(
        r + "multivariate_normal",
        "f32:3",
        "f32:3x3~definite",
        shape=[4],
        key=key,
        function=lambda mean, cov, **args: mx.random.multivariate_normal(mean, cov, **args),
    )
    # Python has no function for bits, but keys are split by them.
    case(
        r + "bits",
        shape=[3, 2],
        dtype=mx.uint32,
        key=key,
        function=lambda shape, dtype, key: mx.random.split(key, shape[0]),
    )


def fused(case: Recorder) -> None:
    f = "fast."
    for dtype in ("f32", "bf16", "f16"):
        case(f + "rms_norm", f"{dtype}:2x8", weight=A(f"{dtype}:8"), eps=1e-5)
        case(f + "layer_norm", f"{dtype}:2x8", weight=A(f"{dtype}:8"), bias=A(f"{dtype}:8#1"), eps=1e-5)
        rope = dict(traditional=False, base=100.0, scale=1.0, offset=3)
        case(f + "rope", f"{dtype}:1x2x3x8", dims=8, **rope)
    case(f + "rms_norm", "f32:2x8.B", weight=None, eps=0.1)
    case(f + "layer_norm", "f32:8x2.T", weight=None, bias=None, eps=0.1)
    case(f + "rms_norm", "f32:2x8", weight=A("f32:8"), eps=1e-5, grad=True)
    case(f + "layer_norm", "f32:2x8", weight=A("f32:8"), bias=A("f32:8#1"), eps=1e-5, grad=True)
    case.fails(f + "rms_norm", "f32:2x8", weight=A("f32:4"), eps=1e-5)
    case.fails(f + "layer_norm", "f32:2x8", weight=A("f32:2x8"), bias=None, eps=1e-5)
    for args in (
        dict(traditional=True, base=100.0, scale=0.5, offset=0),
        dict(traditional=False, base=100.0, scale=1.0, offset=A("i32:2~index9")),
        dict(traditional=False, base=None, scale=1.0, offset=2, freqs=A("f32:4~unit")),
    ):
        case(f + "rope", "f32:2x2x3x8", dims=8, **args)
    case(f + "rope", "f32:2x2x3x8", dims=4, **rope)
    case(f + "rope", "f32:2x2x3x8", dims=8, **rope, grad=True)
    case.fails(f + "rope", "f32:2x8", dims=16, **rope)
    q, k, v = "f32:1x4x3x8", "f32:1x2x5x8", "f32:1x2x5x8#1"
    attention = f + "scaled_dot_product_attention"
    for args in (
        {},
        dict(mask="causal"),
        dict(mask=A("bool:3x5~index2")),
        dict(mask=A("f32:1x4x3x5")),
        dict(sinks=A("f32:4")),
        dict(mask="causal", sinks=A("f32:4")),
    ):
        case(attention, q, k, v, scale=0.3, **args)
    case(attention, q, k, v, scale=0.3, mask="causal", grad=True)
    case(attention, "bf16:1x2x1x8", "bf16:1x2x2x8", "bf16:1x2x2x8#1", scale=0.3)
    case.fails(attention, q, "f32:1x3x5x8", "f32:1x3x5x8#1", scale=0.3)
    for dtype in ("f32", "bf16"):
        case(f + "cross_entropy", f"{dtype}:3x5", "i32:3~index5")
    case(f + "cross_entropy", "f32:3x5", "u32:3~index5", grad=True)
    delta = "f32:1x3x2x4", "f32:1x3x2x4#1", "f32:1x3x4x4", "f32:1x3x4~unit", "f32:1x3x4#1~unit"
    case(f + "gated_delta_update", *delta)
    case(f + "gated_delta_update", *delta, initial_state=A("f32:1x4x4x4"), mask=A("bool:1x3"))


FAMILIES = [products, convolutions, quantized, linear_algebra, fourier, random, fused]
