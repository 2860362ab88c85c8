"""Speed and memory of Python mlx-lm generating greedily on the default device, as JSON like `mlx-lm generate`'s.

    python decode_speed.py --model FOLDER --prompt TEXT [--max-tokens N] [--runs N] [--dtype float32]

The prompt is continued as it is. Every run starts from an empty cache and stops at the end-of-turn
token. The speeds are prompt tokens over the time to the first token, and the tokens after the first over the time
after it; both are medians over the runs.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import mlx.core as mx
from mlx_lm import load
from mlx_lm.generate import generate_step

import fixture

DTYPES = {"float32": mx.float32, "float16": mx.float16, "bfloat16": mx.bfloat16}


def peak_rss_bytes() -> int:
    """Linux's own counter where there is one: getrusage's also holds what the parent had at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def timed_run(model, tokenizer, prompt: list, max_tokens: int) -> tuple:
    """The generated ids, seconds to the first token, generated tokens per second."""
    started = time.perf_counter()
    ids = []
    for token, _ in generate_step(mx.array(prompt), model, max_tokens=max_tokens):
        ids.append(int(token))
        last = time.perf_counter()
        if len(ids) == 1:
            first = last
        if ids[-1] in tokenizer.eos_token_ids:
            break
    if len(ids) < 2:
        raise SystemExit("only one token was generated: nothing to time; take another prompt")
    return ids, first - started, (len(ids) - 1) / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--dtype", choices=DTYPES, help="cast all that is not packed; default: as stored")
    args = parser.parse_args()

    model, tokenizer = load(args.model)
    if args.dtype:
        model.set_dtype(DTYPES[args.dtype])
        mx.eval(model.parameters())
    prompt = tokenizer.encode(args.prompt)
    runs = [timed_run(model, tokenizer, prompt, args.max_tokens) for _ in range(args.runs)]
    report = {
        "text": tokenizer.decode(runs[0][0], skip_special_tokens=True),
        "token_ids": runs[0][0],
        "prompt_tokens": len(prompt),
        "generated_tokens": len(runs[0][0]),
        "prompt_tokens_per_second": len(prompt) / statistics.median(run[1] for run in runs),
        "time_to_first_token_seconds": statistics.median(run[1] for run in runs),
        "generation_tokens_per_second": statistics.median(run[2] for run in runs),
        "peak_memory_bytes": mx.get_peak_memory(),
        "peak_rss_bytes": peak_rss_bytes(),
        "device": str(mx.default_device()),
        "versions": fixture.versions(),
    }
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
