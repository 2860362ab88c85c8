"""Whether the kernels of this repository compute what MLX's own operations do, on models with random weights.

    python3 agreement.py --program ../mlx-lm --logits ../bin/tests/decode_logits

In float32 the greedy tokens must be the same; in bfloat16 the logits of decoding with given tokens, each set beside those of
the same model in MLX's operations, must differ by at most 2e-2 of the largest. Prints Markdown; fails if they do not.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import agreement, make_model, prompt_text, run_ours

TOKENS = 200
MLX = {"MLX_RS_GPU_KERNELS": "0"}
EXACT = {"MLX_ENABLE_TF32": "0"}


def same_tokens(program, folder):
    runs = [run_ours(program, folder, prompt_text(64), TOKENS, EXACT | kernels)["tokens"] for kernels in ({}, MLX)]
    same = agreement(*runs)
    return same == TOKENS, f"{same} of {TOKENS} tokens"


def close_logits(program, folder):
    import numpy as np

    logits = []
    for kernels in ({}, MLX):
        out = folder / "logits.npy"
        subprocess.run([str(program), str(folder), str(out)], check=True, env=os.environ | kernels)
        logits.append(np.load(out))
    ours, plain = logits
    off, largest = np.abs(ours - plain).max(), np.abs(plain).max()
    alike = (ours.argmax(-1) == plain.argmax(-1)).mean()
    return off <= 2e-2 * largest, f"off by {off:.3g}, the largest is {largest:.3g}; {alike:.0%} of the first tokens alike"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=Path, help="mlx-lm of this repository")
    parser.add_argument("--logits", type=Path, help="the example decode_logits of mlx-lm")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "mlx-bench")
    parser.add_argument("--float32", nargs="*", default=["smollm2-135m", "llama-3.2-1b"])
    parser.add_argument("--bfloat16", nargs="*", default=["llama-3.1-8b"])
    arguments = parser.parse_args()

    print("| model | type | here and in MLX's operations |\n|---|---|---|")
    failed = False
    for dtype, names in (("float32", arguments.float32), ("bfloat16", arguments.bfloat16 if arguments.logits else [])):
        for name in names:
            folder = arguments.folder / (f"{name}-4bit" if dtype == "bfloat16" else f"{name}-4bit-{dtype}")
            if not folder.exists():
                make_model(folder, name, 4, dtype)
            if dtype == "float32":
                passed, text = same_tokens(arguments.program, folder)
            else:
                passed, text = close_logits(arguments.logits, folder)
            failed |= not passed
            print(f"| {name} | {dtype} | {text}{'' if passed else ': **too far**'} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
