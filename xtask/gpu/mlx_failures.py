"""What MLX itself gets wrong on a GPU: small programs of Python MLX, each run in a process of its own.

    python3 mlx_failures.py [--all] [--jobs 4]

Prints those that fail as a Markdown table: the program, and how it ended. A program is an expression, which is computed on
the GPU and on the CPU; results may differ by 1e-2 of the largest element. With --all also those that succeed are listed.
"""

import argparse
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PRELUDE = """
import mlx.core as mx
def normal(*shape, dtype=mx.float32):
    return mx.random.normal(shape, key=mx.random.key(1), stream=mx.cpu).astype(dtype, stream=mx.cpu)
def results(device):
    mx.set_default_device(device)
    out = {expression}
    out = list(out) if isinstance(out, (list, tuple)) else [out]
    mx.eval(out)
    mx.synchronize()
    return out
gpu, cpu = results(mx.gpu), results(mx.cpu)
for a, b in zip(gpu, cpu):
    assert a.shape == b.shape and a.dtype == b.dtype, f"{{a.shape}} {{a.dtype}}, not {{b.shape}} {{b.dtype}}"
    if a.size == 0:
        continue
    a, b = a.astype(mx.float32), b.astype(mx.float32)
    off = (mx.abs(a - b).max() / mx.maximum(mx.abs(b).max(), 1e-6)).item()
    assert off < 1e-2, f"off by {{off:.2g}} of the largest"
"""

PROGRAMS = [
    # Seen by tests in Rust.
    "mx.quantize(normal(0, 64))",
    "mx.grad(lambda x: mx.fast.layer_norm(x, mx.ones(6), mx.ones(6), 1e-5).square().sum())(normal(3, 6))",
    "[mx.conv_transpose1d(normal(2, 9, 4), normal(6, 3, 4), stride=s) for s in (1, 2)]",
    "mx.conv_general(normal(2, 9, 4), normal(6, 3, 4), stride=2, padding=1, flip=True)",
    "mx.fast.cross_entropy(normal(2, 5), mx.array([-1, 2]))",
    "mx.pad(mx.array(1.0), 1, constant_values=9.0)",
    "mx.hadamard_transform(normal(2, 12))",
    "mx.eye(3, dtype=mx.int64)",
    "mx.quantized_matmul(normal(1, 4, 5, 64), *mx.quantize(normal(4, 32, 64)))",
    "mx.quantized_matmul(normal(2, 64), *mx.quantize(normal(64, 64)))",
    # Convolutions.
    "mx.conv1d(normal(1, 16, 4), normal(8, 3, 4))",
    "mx.conv1d(normal(2, 16, 4), normal(8, 3, 4), padding=1)",
    "mx.conv1d(normal(1, 16, 4, dtype=mx.bfloat16), normal(4, 3, 1, dtype=mx.bfloat16), groups=4)",
    "mx.conv2d(normal(1, 8, 8, 4), normal(8, 3, 3, 4))",
    "mx.conv2d(normal(1, 8, 8, 3), normal(8, 3, 3, 3))",
    "mx.conv2d(normal(1, 8, 8, 4, dtype=mx.float16), normal(8, 3, 3, 4, dtype=mx.float16))",
    "mx.conv2d(normal(1, 8, 8, 4), normal(4, 3, 3, 1), groups=4)",
    "mx.conv2d(normal(1, 8, 8, 4), normal(8, 3, 3, 4), stride=2, padding=1)",
    "mx.conv2d(normal(1, 8, 8, 4), normal(8, 3, 3, 4), dilation=2)",
    "mx.conv_general(normal(1, 8, 8, 4), normal(8, 3, 3, 4), input_dilation=2)",
    "mx.conv_general(normal(1, 8, 8, 4), normal(8, 3, 3, 4), flip=True)",
    "mx.conv_transpose1d(normal(1, 8, 4), normal(8, 3, 4))",
    "mx.conv_transpose2d(normal(1, 8, 8, 4), normal(8, 3, 3, 4), stride=2)",
    "mx.conv3d(normal(1, 6, 6, 6, 4), normal(8, 3, 3, 3, 4))",
    "mx.convolve(normal(32), normal(5))",
    "mx.grad(lambda w: mx.conv2d(normal(1, 8, 8, 4), w).sum())(normal(8, 3, 3, 4))",
    "mx.grad(lambda x: mx.conv2d(x, normal(8, 3, 3, 4)).sum())(normal(1, 8, 8, 4))",
    # Hadamard transforms.
    "mx.hadamard_transform(normal(2, 64))",
    "mx.hadamard_transform(normal(2, 2))",
    "mx.hadamard_transform(normal(2, 2048))",
    "mx.hadamard_transform(normal(2, 16384))",
    "mx.hadamard_transform(normal(2, 12 * 16))",
    "mx.hadamard_transform(normal(2, 28 * 64))",
    "mx.hadamard_transform(normal(2, 64, dtype=mx.bfloat16))",
    # Quantized matrices.
    *[f"mx.dequantize(*mx.quantize(normal(64, 128), mode='{mode}'), mode='{mode}')"
      for mode in ("affine", "mxfp4", "mxfp8", "nvfp4")],
    *[f"mx.quantized_matmul(normal({vectors}, 128, dtype=mx.{dtype}), *mx.quantize(normal(64, 128, dtype=mx.{dtype}), "
      f"mode='{mode}'), mode='{mode}')"
      for mode in ("affine", "mxfp4", "mxfp8", "nvfp4") for vectors in (1, 32) for dtype in ("float32", "bfloat16")],
    *[f"mx.quantized_matmul(normal(3, 128), *mx.quantize(normal(64, 128), bits={bits}), bits={bits})"
      for bits in (2, 3, 5, 6, 8)],
    "mx.quantized_matmul(normal(3, 64), *mx.quantize(normal(64, 128)), transpose=False)",
    "mx.gather_qmm(normal(4, 1, 128), *mx.quantize(normal(3, 64, 128)), rhs_indices=mx.array([0, 2, 1, 1]))",
    "mx.gather_mm(normal(4, 1, 128), normal(3, 128, 64), rhs_indices=mx.array([0, 2, 1, 1]))",
    # Fills, and nothing to fill.
    *[f"mx.full((3, 5), 1, dtype=mx.{dtype})"
      for dtype in ("bool_", "uint8", "int16", "int64", "uint64", "float16", "bfloat16", "complex64")],
    "mx.zeros((0,))",
    "mx.full((2, 0), 7)",
    "mx.broadcast_to(mx.array(3.0), (4, 4)) + 0",
    "mx.arange(0, 10, 3, dtype=mx.bfloat16)",
    "mx.arange(5, 5)",
    "mx.eye(5, k=2)",
    "mx.tri(4, 6, -1)",
    # Kernels over nothing.
    "mx.fast.rope(normal(1, 2, 0, 64), 64, traditional=False, base=1e4, scale=1.0, offset=0)",
    "mx.fast.rms_norm(normal(0, 64), mx.ones(64), 1e-5)",
    "mx.fast.layer_norm(normal(0, 64), mx.ones(64), mx.ones(64), 1e-5)",
    "mx.softmax(normal(0, 8), axis=-1)",
    "mx.contiguous(normal(0, 8))",
    "mx.sum(normal(0, 8), axis=0)",
    "normal(0, 8) @ normal(8, 4)",
    "normal(4, 0) @ normal(0, 4)",
    "mx.concatenate([normal(0, 8), normal(2, 8)])",
    "mx.take(normal(4, 8), mx.array([], dtype=mx.int32), axis=0)",
    "mx.sort(normal(0, 8), axis=-1)",
    "mx.cumsum(normal(0, 8), axis=0)",
    # Others.
    "mx.fft.fft(normal(4, 64))",
    "mx.fft.irfft(mx.fft.rfft(normal(4, 63)), n=63)",
    "mx.sort(normal(3, 5000), axis=-1)",
    "mx.argpartition(normal(3, 500), 7, axis=-1).astype(mx.float32)[..., 7]",
    "mx.cumsum(normal(3, 5000), axis=-1)",
    "mx.logcumsumexp(normal(3, 500), axis=-1)",
    "mx.var(normal(3, 500), axis=0)",
    "mx.fast.scaled_dot_product_attention(normal(1, 8, 1, 64), normal(1, 2, 40, 64), normal(1, 2, 40, 64), scale=0.1)",
    "mx.fast.scaled_dot_product_attention(normal(1, 8, 9, 64), normal(1, 2, 40, 64), normal(1, 2, 40, 64), scale=0.1, "
    "mask='causal')",
    "mx.fast.scaled_dot_product_attention(normal(1, 8, 9, 256), normal(1, 2, 40, 256), normal(1, 2, 40, 256), scale=0.1)",
    "mx.segmented_mm(normal(4, 8), normal(8, 4), mx.array([[0, 4], [4, 8]], dtype=mx.uint32))",
    "mx.block_masked_mm(normal(64, 64), normal(64, 64), 32, mask_out=mx.ones((2, 2), mx.bool_))",
    "mx.compile(lambda x: mx.exp(x) * mx.tanh(x) + x)(normal(3, 500))",
    "normal(3, 5).at[mx.array([0, 2])].add(normal(2, 5))",
    "mx.random.bernoulli(0.5, (64,), key=mx.random.key(3))",
    "mx.random.categorical(normal(4, 300), key=mx.random.key(3))",
]


def outcome(expression):
    """How the program ended: "ok", or what went wrong."""
    program = PRELUDE.format(expression=expression)
    try:
        done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=90)
    except subprocess.TimeoutExpired:
        return "no end within 90 s"
    if done.returncode < 0:
        return f"ended by {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:160]
    return "ok"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="list those that succeed too")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(zip(PROGRAMS, pool.map(outcome, PROGRAMS)))
    print("| program | what happened |\n|---|---|")
    for program, what in outcomes:
        if arguments.all or what != "ok":
            print(f"| `{program}` | {what.replace('|', '/')} |")
    print(f"\n{sum(what == 'ok' for _, what in outcomes)} of {len(outcomes)} programs succeed.")


if __name__ == "__main__":
    main()
