"""What Python's mlx.optimizers make of given parameters and gradients, for mlx/tests/optimizers.rs.

    python optimizers.py OUTPUT_FOLDER

Parameters and gradients of several steps go into the file too. Of each optimizer it has the parameters after each step
and the state after the last; of each schedule the learning rates at some steps.
"""

import sys
from pathlib import Path

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

STEPS = 4
SHAPES = {
    "scalar": (),
    "layers.0.bias": (3,),
    "layers.0.weight": (3, 2),
    "layers.1.weight": (2, 4),
    "conv.weight": (2, 2, 2, 3),
}

OPTIMIZERS = {
    "sgd": lambda: optim.SGD(0.1),
    "sgd_weight_decay": lambda: optim.SGD(0.1, weight_decay=0.05),
    "sgd_momentum": lambda: optim.SGD(0.1, momentum=0.9),
    "sgd_dampening": lambda: optim.SGD(0.1, momentum=0.9, dampening=0.2, weight_decay=0.05),
    "sgd_nesterov": lambda: optim.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optim.RMSprop(0.01),
    "rmsprop_options": lambda: optim.RMSprop(0.01, alpha=0.8, eps=1e-2),
    "adagrad": lambda: optim.Adagrad(0.1),
    "adagrad_options": lambda: optim.Adagrad(0.1, eps=1e-1),
    "adadelta": lambda: optim.AdaDelta(0.5),
    "adadelta_options": lambda: optim.AdaDelta(0.5, rho=0.7, eps=1e-2),
    "adam": lambda: optim.Adam(0.01),
    "adam_options": lambda: optim.Adam(0.01, betas=[0.8, 0.95], eps=1e-2),
    "adam_bias_correction": lambda: optim.Adam(0.01, bias_correction=True),
    "adamw": lambda: optim.AdamW(0.01),
    "adamw_options": lambda: optim.AdamW(
        0.01, betas=[0.8, 0.95], eps=1e-2, weight_decay=0.3, bias_correction=True
    ),
    "adamax": lambda: optim.Adamax(0.01),
    "adamax_options": lambda: optim.Adamax(0.01, betas=[0.8, 0.95], eps=1e-2),
    "lion": lambda: optim.Lion(0.01),
    "lion_options": lambda: optim.Lion(0.01, betas=[0.8, 0.95], weight_decay=0.3),
    "adafactor": lambda: optim.Adafactor(),
    "adafactor_warmup": lambda: optim.Adafactor(warmup_init=True),
    "adafactor_learning_rate": lambda: optim.Adafactor(0.05, relative_step=False),
    "adafactor_options": lambda: optim.Adafactor(
        0.05,
        eps=(1e-3, 0.5),
        clip_threshold=0.5,
        decay_rate=-0.5,
        beta_1=0.9,
        weight_decay=0.1,
        relative_step=False,
    ),
    "adafactor_unscaled": lambda: optim.Adafactor(beta_1=0.8, scale_parameter=False),
    "muon": lambda: optim.Muon(0.02),
    "muon_options": lambda: optim.Muon(0.02, momentum=0.8, weight_decay=0.0, nesterov=False, ns_steps=3),
    "scheduled": lambda: optim.AdamW(SCHEDULES["joined"]()),
    "multi": lambda: optim.MultiOptimizer(
        [optim.Muon(0.02), optim.Lion(optim.exponential_decay(0.1, 0.5)), optim.Adam(0.01)],
        [lambda path, g: path.startswith("layers") and g.ndim == 2, lambda path, g: "conv" in path],
    ),
    "multi_nested": lambda: optim.MultiOptimizer(
        [
            optim.MultiOptimizer([optim.Muon(0.02), optim.SGD(0.1, momentum=0.9)], [lambda path, g: g.ndim == 2]),
            optim.MultiOptimizer([optim.Lion(0.1), optim.Adam(0.01)], [lambda path, g: "conv" in path]),
        ],
        [lambda path, g: path.startswith("layers")],
    ),
}

# Those whose arithmetic differs most are also run on bfloat16.
IN_BFLOAT16 = ["sgd_dampening", "adam_bias_correction", "adamw_options", "adafactor_options", "muon"]

SCHEDULES = {
    "exponential": lambda: optim.exponential_decay(0.1, 0.9),
    "step": lambda: optim.step_decay(0.1, 0.5, 3),
    "cosine": lambda: optim.cosine_decay(0.1, 10, 0.01),
    "linear": lambda: optim.linear_schedule(0.5, 0.1, 8),
    "joined": lambda: optim.join_schedules(
        [
            optim.linear_schedule(0.0, 0.1, 3),
            optim.exponential_decay(0.1, 0.9),
            optim.cosine_decay(0.05, 20),
        ],
        [3, 7],
    ),
}
AT_STEPS = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 26, 27, 1000]


def draw(random: np.random.RandomState) -> dict:
    return {name: mx.array(random.normal(size=shape).astype(np.float32)) for name, shape in SHAPES.items()}


def run(optimizer, parameters: dict, gradients: list, dtype) -> tuple:
    """The parameters after each step, all in one row, and the state after the last."""
    cast = lambda tree: tree_unflatten([(name, array.astype(dtype)) for name, array in tree.items()])
    parameters, rows = cast(parameters), []
    for step in gradients:
        parameters = optimizer.apply_gradients(cast(step), parameters)
        flat = sorted(tree_flatten(parameters))
        rows.append(mx.concatenate([array.reshape(-1) for _, array in flat]))
    return mx.stack(rows), dict(tree_flatten(optimizer.state))


def optimizers(parameters: dict, gradients: list):
    cases = [(name, mx.float32) for name in OPTIMIZERS] + [(name, mx.bfloat16) for name in IN_BFLOAT16]
    for name, dtype in cases:
        case = name if dtype == mx.float32 else f"{name}_bf16"
        rows, state = run(OPTIMIZERS[name](), parameters, gradients, dtype)
        yield f"{case}/parameters", rows
        yield from ((f"{case}/state/{key}", array) for key, array in state.items())


def schedules():
    yield "schedules/steps", mx.array(AT_STEPS, mx.uint64)
    for name, make in SCHEDULES.items():
        schedule = make()
        yield f"schedules/{name}", mx.stack([schedule(mx.array(step, mx.uint64)) for step in AT_STEPS])


def clipped(gradients: dict):
    for name, max_norm in [("much", 0.5), ("nothing", 1e3)]:
        scaled, norm = optim.clip_grad_norm(gradients, max_norm)
        yield f"clip/{name}/norm", norm
        yield from ((f"clip/{name}/{path}", array) for path, array in scaled.items())


def main() -> None:
    random = np.random.RandomState(0)
    parameters = draw(random)
    gradients = [draw(random) for _ in range(STEPS)]
    goldens = {f"start/{path}": array for path, array in parameters.items()}
    for i, step in enumerate(gradients):
        goldens |= {f"gradients/{i}/{path}": array for path, array in step.items()}
    goldens |= dict(optimizers(parameters, gradients))
    goldens |= dict(schedules())
    goldens |= dict(clipped(gradients[0]))
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(folder / "optimizers.safetensors"), goldens)


if __name__ == "__main__":
    main()
