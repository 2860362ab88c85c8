"""Speed of llama.cpp generating greedily from a .gguf file on the CPU, as JSON like `mlx-lm generate`'s.

    python llama_speed.py --model FILE --prompt TEXT [--max-tokens N] [--threads N]

The prompt is continued as it is. Speeds are prompt tokens over the time to the first token, and the tokens after the
first over the time after it.
"""

import argparse
import json
import os
import time

import llama_cpp
from llama_cpp import Llama


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()

    threads = {"n_threads": args.threads, "n_threads_batch": args.threads}
    probe = Llama(args.model, vocab_only=True, verbose=False)
    prompt = probe.tokenize(args.prompt.encode(), add_bos=False)
    context = len(prompt) + args.max_tokens + 8
    llm = Llama(args.model, n_ctx=context, n_batch=512, n_ubatch=512, verbose=False, **threads)

    def greedy() -> int:
        return llm.sample(temp=0.0, repeat_penalty=1.0, top_k=1)

    started = time.perf_counter()
    llm.eval(prompt)
    ids = [greedy()]
    first = last = time.perf_counter()
    while len(ids) < args.max_tokens and ids[-1] != llm.token_eos():
        llm.eval(ids[-1:])
        ids.append(greedy())
        last = time.perf_counter()
    report = {
        "text": llm.detokenize(ids).decode(errors="replace"),
        "token_ids": ids,
        "prompt_tokens": len(prompt),
        "generated_tokens": len(ids),
        "prompt_tokens_per_second": len(prompt) / (first - started),
        "time_to_first_token_seconds": first - started,
        "generation_tokens_per_second": (len(ids) - 1) / (last - first),
        "versions": f"llama-cpp-python {llama_cpp.__version__}, {args.threads} threads",
    }
    print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
