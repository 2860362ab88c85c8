"""What the functions and layers of Python's mlx.nn compute on the CPU: `nn.safetensors`.

    python nn.py OUTPUT_FOLDER

The file holds small arrays by the name of their case:

    GROUP/CASE/in.0, ...        the inputs
    GROUP/CASE/weights.PATH     what the module holds, before the call
    GROUP/CASE/after.PATH       what the module holds that the call changed
    GROUP/CASE/out              the output; out.0, ... if there are several
    GROUP/CASE/grad.0, ...      of the sum of the squared output by the inputs, where asked for

A test rebuilds each case of a group by name. The functions in the list `GROUPS` make them.
"""

import argparse
from contextlib import contextmanager
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from safetensors.numpy import save


class Goldens:
    def __init__(self, group: str):
        self.group, self.arrays = group, {}

    def put(self, name: str, array: mx.array) -> None:
        name = f"{self.group}/{name}"
        assert name not in self.arrays, name
        # safetensors writes the memory as it lies, whatever the strides.
        self.arrays[name] = np.array(array, order="C")

    def case(self, name: str, function, *inputs: mx.array, grad: bool = False, module=None) -> None:
        """The output of a function, of a module with its weights, or of a function that calls `module`, for the inputs;
        `grad` for gradients too."""
        module = function if isinstance(function, nn.Module) else module
        before = dict(tree_flatten(module.parameters())) if module else {}
        for i, array in enumerate(inputs):
            self.put(f"{name}/in.{i}", array)
        for path, array in before.items():
            self.put(f"{name}/weights.{path}", array)
        if grad:
            loss = lambda *inputs: mx.square(function(*inputs)).sum()
            for i in range(len(inputs)):
                self.put(f"{name}/grad.{i}", mx.grad(loss, argnums=i)(*inputs))
        outputs = function(*inputs)
        if isinstance(outputs, mx.array):
            self.put(f"{name}/out", outputs)
        else:
            for i, array in enumerate(outputs):
                self.put(f"{name}/out.{i}", array)
        if before:
            for path, array in tree_flatten(module.parameters()):
                if not mx.array_equal(array, before[path]):
                    self.put(f"{name}/after.{path}", array)


def normal(*shape: int) -> mx.array:
    return mx.random.normal(shape)


def positive(*shape: int) -> mx.array:
    return mx.random.uniform(0.05, 0.95, shape)


def randomized(module: nn.Module) -> nn.Module:
    """The module with random numbers in place of its ones and zeros."""
    return module.update({name: positive(*array.shape) for name, array in module.parameters().items()})


@contextmanager
def keys(seed: int, count: int):
    """Lets mx.random's functions draw from the `count` keys that split that of the seed, one after the other."""
    left = list(mx.random.split(mx.random.key(seed), count))
    kept = {name: getattr(mx.random, name) for name in ("normal", "uniform")}

    def drawing(function):
        return lambda *args, **options: function(*args, **options, key=left.pop(0))

    for name, function in kept.items():
        setattr(mx.random, name, drawing(function))
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(mx.random, name, function)


def activations(goldens: Goldens) -> None:
    x = mx.concatenate([3 * normal(20), mx.array([0.0, 0.5, -0.5, 30.0])]).reshape(4, 6)
    plain = """gelu gelu_approx gelu_fast_approx hardswish log_sigmoid mish relu relu2 relu6 selu sigmoid silu softplus
        softsign tanh celu elu glu hard_shrink hard_tanh leaky_relu log_softmax softmax softmin softshrink step"""
    with_options = {
        "celu": [1.5],
        "elu": [0.5],
        "glu": [0],
        "hard_shrink": [1.0],
        "hard_tanh": [-2.0, 0.5],
        "leaky_relu": [0.3],
        "log_softmax": [0],
        "softmax": [0],
        "softmin": [0],
        "softshrink": [1.0],
        "step": [0.5],
    }
    for name in plain.split():
        goldens.case(f"{name}", getattr(nn, name), x)
    for name, options in with_options.items():
        goldens.case(f"{name}.options", lambda x: getattr(nn, name)(x, *options), x)
    goldens.case("prelu", randomized(nn.PReLU(6)), x)


def losses(goldens: Goldens) -> None:
    x, y, z = normal(3, 4), normal(3, 4), normal(3, 4)
    signs = mx.sign(normal(3, 4))
    classes, along_0 = mx.array([1, 3, 0]), mx.array([2, 0, 1, 1])
    logs, other_logs = nn.log_softmax(x), nn.log_softmax(y)
    rows, all = positive(3), positive(3, 4)

    def case(name: str, loss: str, *inputs: mx.array, **options) -> None:
        function = getattr(nn.losses, loss)
        for reduction in ("none", "mean", "sum"):
            called = lambda *inputs: function(*inputs, **options, reduction=reduction)
            goldens.case(f"{name}.{reduction}", called, *inputs)
        # The default reduction.
        goldens.case(f"{name}", lambda *inputs: function(*inputs, **options), *inputs)

    def weighted(name: str, loss: str, x: mx.array, y: mx.array, weights: mx.array, **options) -> None:
        function = getattr(nn.losses, loss)
        called = lambda x, y, weights: function(x, y, weights=weights, **options)
        goldens.case(f"{name}", called, x, y, weights)

    case("cross_entropy", "cross_entropy", x, classes)
    case("cross_entropy.axis", "cross_entropy", x, along_0, axis=0)
    case("cross_entropy.probabilities", "cross_entropy", x, nn.softmax(y))
    case("cross_entropy.smoothing", "cross_entropy", x, classes, label_smoothing=0.2)
    case("cross_entropy.both", "cross_entropy", x, nn.softmax(y), label_smoothing=0.2)
    weighted("cross_entropy.weights", "cross_entropy", x, classes, rows)
    case("binary_cross_entropy", "binary_cross_entropy", x, positive(3, 4))
    ends = mx.concatenate([positive(3, 2), mx.array([[0.0, 1.0]] * 3)], axis=1)
    case("binary_cross_entropy.probabilities", "binary_cross_entropy", ends, all, with_logits=False)
    weighted("binary_cross_entropy.weights", "binary_cross_entropy", x, positive(3, 4), all)
    case("l1_loss", "l1_loss", x, y)
    case("mse_loss", "mse_loss", x, y)
    case("nll_loss", "nll_loss", logs, classes)
    case("nll_loss.axis", "nll_loss", logs, along_0, axis=0)
    case("gaussian_nll_loss", "gaussian_nll_loss", x, y, all)
    case("gaussian_nll_loss.options", "gaussian_nll_loss", x, y, all, full=True, eps=0.5)
    case("kl_div_loss", "kl_div_loss", logs, other_logs)
    case("kl_div_loss.axis", "kl_div_loss", logs, other_logs, axis=0)
    case("smooth_l1_loss", "smooth_l1_loss", x, y)
    case("smooth_l1_loss.beta", "smooth_l1_loss", x, y, beta=0.3)
    case("triplet_loss", "triplet_loss", x, y, z)
    case("triplet_loss.options", "triplet_loss", x, y, z, axis=0, p=3, margin=0.5, eps=1e-3)
    case("hinge_loss", "hinge_loss", x, signs)
    case("huber_loss", "huber_loss", x, y)
    case("huber_loss.delta", "huber_loss", x, y, delta=0.4)
    case("log_cosh_loss", "log_cosh_loss", x, y)
    case("cosine_similarity_loss", "cosine_similarity_loss", x, y)
    case("cosine_similarity_loss.options", "cosine_similarity_loss", x, y, axis=0, eps=3.0)
    case("margin_ranking_loss", "margin_ranking_loss", x, y, signs)
    case("margin_ranking_loss.margin", "margin_ranking_loss", x, y, signs, margin=0.7)


def initializers(goldens: Goldens) -> None:
    init, kernel, matrix = nn.init, mx.zeros((6, 3, 2, 5)), mx.zeros((5, 8))

    def drawn(name: str, count: int, make) -> None:
        with keys(7, count):
            goldens.put(f"{name}/out", make())

    drawn("normal", 1, lambda: init.normal(0.5, 2.0)(matrix))
    drawn("uniform", 1, lambda: init.uniform(-0.5, 2.0)(matrix))
    drawn("glorot_normal", 1, lambda: init.glorot_normal()(kernel, gain=2.0))
    drawn("glorot_uniform", 1, lambda: init.glorot_uniform()(kernel))
    drawn("he_normal.in", 1, lambda: init.he_normal()(kernel))
    drawn("he_normal.out", 1, lambda: init.he_normal()(kernel, mode="fan_out", gain=2.0))
    drawn("he_uniform.in", 1, lambda: init.he_uniform()(kernel))
    drawn("he_uniform.out", 1, lambda: init.he_uniform()(kernel, mode="fan_out", gain=2.0))
    drawn("sparse", 2, lambda: init.sparse(0.3, 0.5, 2.0)(matrix))
    drawn("orthogonal.wide", 1, lambda: init.orthogonal(2.0)(matrix))
    drawn("orthogonal.tall", 1, lambda: init.orthogonal()(mx.zeros((6, 4))))
    layers = {
        "linear": (2, lambda: nn.Linear(5, 3)),
        "bilinear": (2, lambda: nn.Bilinear(5, 3, 4)),
        "embedding": (1, lambda: nn.Embedding(7, 4)),
    }
    for name, (count, make) in layers.items():
        with keys(7, count):
            for path, array in tree_flatten(make().parameters()):
                goldens.put(f"{name}/weights.{path}", array)


def linear(goldens: Goldens) -> None:
    goldens.case("linear", nn.Linear(4, 3), normal(2, 5, 4))
    goldens.case("linear.no_bias", nn.Linear(4, 3, bias=False), normal(4))
    goldens.case("bilinear", nn.Bilinear(4, 3, 2), normal(2, 5, 4), normal(2, 5, 3))
    goldens.case("bilinear.no_bias", nn.Bilinear(4, 3, 2, bias=False), normal(6, 4), normal(6, 3))
    goldens.case("embedding", nn.Embedding(7, 4), mx.array([[1, 6, 0], [3, 3, 2]]))
    goldens.case("sequential", nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), normal(3, 4))


def normalizations(goldens: Goldens) -> None:
    x, image = 2 * normal(3, 5, 6) + 1, 2 * normal(2, 3, 4, 6) + 1
    goldens.case("layer_norm", randomized(nn.LayerNorm(6)), x, grad=True)
    goldens.case("layer_norm.no_bias", randomized(nn.LayerNorm(6, eps=0.1, bias=False)), x)
    goldens.case("layer_norm.no_affine", nn.LayerNorm(6, affine=False), x)
    goldens.case("rms_norm", randomized(nn.RMSNorm(6)), x, grad=True)
    goldens.case("group_norm", randomized(nn.GroupNorm(2, 6)), image, grad=True)
    goldens.case("group_norm.pytorch", randomized(nn.GroupNorm(3, 6, eps=0.1, pytorch_compatible=True)), image)
    goldens.case("group_norm.no_affine", nn.GroupNorm(6, 6, affine=False), x)
    goldens.case("instance_norm", nn.InstanceNorm(6), image, grad=True)
    goldens.case("instance_norm.affine", randomized(nn.InstanceNorm(6, eps=0.1, affine=True)), x)
    for name, batch in {"2": normal(5, 6), "3": x, "4": image}.items():
        goldens.case(f"batch_norm.{name}", randomized(nn.BatchNorm(6)), batch)
    goldens.case("batch_norm.momentum", randomized(nn.BatchNorm(6, eps=0.1, momentum=0.4, affine=False)), x)
    goldens.case("batch_norm.untracked", randomized(nn.BatchNorm(6, track_running_stats=False)), x)
    goldens.case("batch_norm.inference", randomized(nn.BatchNorm(6)).eval(), x)
    goldens.case("batch_norm.untracked_inference", nn.BatchNorm(6, track_running_stats=False).eval(), x)


def positions(goldens: Goldens) -> None:
    x, encoding = mx.array([[0.0, 1.0, 2.5], [7.0, -3.0, 100.0]]), nn.SinusoidalPositionalEncoding
    goldens.case("rope", nn.RoPE(4), normal(2, 3, 6))
    goldens.case("rope.options", lambda x: nn.RoPE(6, traditional=True, base=100.0, scale=0.5)(x, offset=3), normal(2, 3, 6))
    goldens.case("sinusoidal", encoding(8), x)
    goldens.case("sinusoidal.two", encoding(2), x)
    goldens.case("sinusoidal.frequencies", encoding(6, min_freq=0.01, max_freq=2.0, scale=1.0), x)
    goldens.case("sinusoidal.turns", encoding(6, min_freq=0.01, cos_first=True, full_turns=True), x)
    for heads in (1, 4, 6, 13):
        goldens.case(f"alibi.{heads}", lambda scores: nn.ALiBi()(scores, offset=2), normal(1, heads, 3, 5))


def pooling(goldens: Goldens) -> None:
    # Few different numbers, so that windows have several maxima.
    tied = lambda *shape: mx.random.randint(-2, 3, shape).astype(mx.float32)
    signal, image, volume = normal(2, 9, 3), normal(2, 6, 7, 3), normal(1, 4, 5, 4, 2)
    for kind in ("Max", "Avg"):
        pool = lambda axes, *args, **options: getattr(nn, f"{kind}Pool{axes}d")(*args, **options)
        case = lambda name, *args: goldens.case(f"{kind.lower()}_pool{name}", *args, grad=True)
        case("1d", pool(1, 3), signal)
        case("1d.options", pool(1, 4, stride=2, padding=3), signal)
        case("2d", pool(2, 2), image)
        case("2d.options", pool(2, (3, 2), stride=(2, 3), padding=(1, 0)), image)
        case("2d.ties", pool(2, 2, stride=1), tied(1, 4, 4, 2))
        case("3d", pool(3, 2), volume)
        case("3d.options", pool(3, (2, 3, 2), stride=(1, 2, 1), padding=(0, 1, 1)), volume)


def upsampling(goldens: Goldens) -> None:
    signal, image = normal(2, 5, 2), normal(1, 6, 5, 2)
    scales = {"up": (2.0, 3.0), "between": (1.7, 2.3), "down": (0.5, 0.75), "same": (1.0, 1.0)}
    for name, scale in scales.items():
        case = lambda mode, **options: goldens.case(
            f"upsample.{name}.{'.'.join([mode, *options])}", nn.Upsample(scale, mode, **options), image, grad=True
        )
        case("nearest")
        for mode in ("linear", "cubic"):
            case(mode)
            case(mode, align_corners=True)
            case(mode, antialias=True)
    for mode in ("nearest", "linear", "cubic"):
        goldens.case(f"upsample.signal.{mode}", nn.Upsample(1.5, mode), signal)


GROUPS = [activations, losses, initializers, linear, normalizations, positions, pooling, upsampling]


def write(groups, file: str) -> None:
    parser = argparse.ArgumentParser(description="Computes goldens.")
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    mx.set_default_device(mx.cpu)
    arrays = {}
    for seed, group in enumerate(groups):
        mx.random.seed(seed)
        goldens = Goldens(group.__name__)
        group(goldens)
        arrays |= goldens.arrays
    output.mkdir(parents=True, exist_ok=True)
    (output / file).write_bytes(save(arrays))


if __name__ == "__main__":
    write(GROUPS, "nn.safetensors")
