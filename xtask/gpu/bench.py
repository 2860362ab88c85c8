"""Decoding on a GPU: mlx-lm of this repository beside Python mlx-lm, on the same library and the same random weights.

    python3 bench.py --program ../mlx-lm --models smollm2-135m-4bit llama-3.2-1b-4bit llama-3.1-8b-4bit

Needs no network: the checkpoints are made here, the tokenizer too. Prints Markdown, and JSON with --json FILE.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# hidden size, layers, heads, kv heads, head size, feed-forward size, vocabulary, tied head, rope base
SHAPES = {
    "smollm2-135m": (576, 30, 9, 3, 64, 1536, 49152, True, 1e5),
    "llama-3.2-1b": (2048, 16, 32, 8, 64, 8192, 128256, True, 5e5),
    "llama-3.1-8b": (4096, 32, 32, 8, 128, 14336, 128256, False, 5e5),
}
GROUP = 64


def make_tokenizer(folder, vocabulary):
    """Bytes as tokens, and as many others as the model has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [f"<{i}>" for i in range(len(alphabet), vocabulary)]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": tokens[-1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def make_model(folder, name, bits, dtype="bfloat16"):
    """A checkpoint of random weights of that type, or quantized (16 bits are not)."""
    import mlx.core as mx

    dtype = getattr(mx, dtype)

    hidden, layers, heads, kv_heads, head, ffn, vocabulary, tied, base = SHAPES[name]
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": hidden,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head,
        "intermediate_size": ffn, "vocab_size": vocabulary, "tie_word_embeddings": tied, "rope_theta": base,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 131072, "torch_dtype": str(dtype).removeprefix("mlx.core."),
        "eos_token_id": vocabulary - 1, "bos_token_id": vocabulary - 1, "hidden_act": "silu",
    }
    if bits != 16:
        config["quantization"] = {"group_size": GROUP, "bits": bits}
    (folder / "config.json").write_text(json.dumps(config))
    make_tokenizer(folder, vocabulary)

    def matrix(path, rows, columns):
        if bits == 16:
            return {f"{path}.weight": (mx.random.normal((rows, columns)) * 0.02).astype(dtype)}
        scale = mx.random.uniform(0.9, 1.1, (rows, columns // GROUP)) * 0.07 / (1 << bits)
        words = mx.random.randint(0, 2**31, (rows, columns * bits // 32)).astype(mx.uint32)
        words = words ^ (words << 13)
        return {
            f"{path}.weight": words,
            f"{path}.scales": scale.astype(dtype),
            f"{path}.biases": (-scale * (1 << bits) / 2).astype(dtype),
        }

    def save(part, tensors):
        mx.save_safetensors(str(folder / f"model-{part:05}-of-{layers + 1:05}.safetensors"), tensors)
        index.update({key: f"model-{part:05}-of-{layers + 1:05}.safetensors" for key in tensors})

    index = {}
    ones = mx.ones((hidden,), dtype)
    for i in range(layers):
        at = f"model.layers.{i}"
        tensors = {f"{at}.input_layernorm.weight": ones, f"{at}.post_attention_layernorm.weight": ones}
        for path, rows, columns in [
            ("self_attn.q_proj", heads * head, hidden), ("self_attn.k_proj", kv_heads * head, hidden),
            ("self_attn.v_proj", kv_heads * head, hidden), ("self_attn.o_proj", hidden, heads * head),
            ("mlp.gate_proj", ffn, hidden), ("mlp.up_proj", ffn, hidden), ("mlp.down_proj", hidden, ffn),
        ]:
            tensors |= matrix(f"{at}.{path}", rows, columns)
        save(i + 1, tensors)
    tensors = {"model.norm.weight": ones} | matrix("model.embed_tokens", vocabulary, hidden)
    if not tied:
        tensors |= matrix("lm_head", vocabulary, hidden)
    save(layers + 1, tensors)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def prompt_text(tokens):
    return "".join(chr(97 + i * 7 % 26) for i in range(tokens))


def run_ours(program, folder, prompt, decode, environment):
    """A run of the program of this repository."""
    start = time.perf_counter()
    command = [program, "generate", "--model", folder, "--raw", "--prompt", "-", "--max-tokens", decode, "--json"]
    done = subprocess.run([str(part) for part in command], input=prompt, text=True, capture_output=True,
                          env=os.environ | environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    report = json.loads(done.stdout)
    return {
        "prompt": report["prompt_tokens_per_second"], "decode": report["generation_tokens_per_second"],
        "peak": report["peak_memory_bytes"] / 2**30, "tokens": report["token_ids"],
        "wall": time.perf_counter() - start,
        "first": report["time_to_first_token_seconds"],
    }


def run_python(folder, prompt, decode):
    """A run of Python mlx-lm, in a process of its own."""
    start = time.perf_counter()
    code = "import bench, sys; bench.python_child(*sys.argv[1:])"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(prompt)
        file.flush()
        done = subprocess.run([sys.executable, "-c", code, str(folder), file.name, str(decode)], text=True,
                              capture_output=True, cwd=Path(__file__).parent)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": time.perf_counter() - start}


def python_child(folder, prompt_file, decode):
    import mlx.core as mx
    import mlx_lm
    from mlx_lm.sample_utils import make_sampler

    model, tokenizer = mlx_lm.load(folder)
    ids = tokenizer.encode(Path(prompt_file).read_text(), add_special_tokens=False)
    tokens, start, first = [], time.perf_counter(), None
    for response in mlx_lm.stream_generate(model, tokenizer, ids, max_tokens=int(decode), sampler=make_sampler(0.0)):
        first = first or time.perf_counter() - start
        tokens.append(response.token)
    print(json.dumps({
        "prompt": response.prompt_tps, "decode": response.generation_tps, "peak": mx.get_peak_memory() / 2**30,
        "tokens": tokens, "first": first,
    }))


def agreement(a, b):
    """How many tokens are the same before the first that differs."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=Path, help="mlx-lm of this repository")
    parser.add_argument("--models", nargs="+", default=[f"{name}-4bit" for name in SHAPES],
                        help="of smollm2-135m, llama-3.2-1b, llama-3.1-8b, each with -4bit, -8bit or -bf16")
    parser.add_argument("--prompt-tokens", nargs="+", type=int, default=[512])
    parser.add_argument("--decode", type=int, default=128)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "mlx-bench")
    parser.add_argument("--no-python", action="store_true")
    parser.add_argument("--plain", action="store_true", help="also run ours with MLX's own kernels")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    results = []
    print("| model | prompt | program | prefill tok/s | decode tok/s | ratio | first token s | start to end s | peak GiB | same tokens |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for model in arguments.models:
        name, kind = model.rsplit("-", 1)
        folder = arguments.folder / model
        if not folder.exists():
            make_model(folder, name, {"4bit": 4, "8bit": 8, "bf16": 16}[kind])
            gc.collect()
        for length in arguments.prompt_tokens:
            prompt = prompt_text(length)
            programs = {"ours": lambda: run_ours(arguments.program, folder, prompt, arguments.decode, {})}
            if arguments.plain:
                plain = {"MLX_RS_GPU_KERNELS": "0"}
                programs["ours, MLX's kernels"] = lambda: run_ours(arguments.program, folder, prompt, arguments.decode, plain)
            if not arguments.no_python:
                programs["Python"] = lambda: run_python(folder, prompt, arguments.decode)
            runs = {program: [] for program in programs}
            for _ in range(arguments.runs):
                for program, run in programs.items():
                    try:
                        runs[program].append(run())
                    except RuntimeError as error:
                        print(f"{model} {length} {program}: {error}", file=sys.stderr)
            base = runs.get("Python") or runs.get("ours, MLX's kernels") or runs["ours"]
            for program, list_of_runs in runs.items():
                if not list_of_runs or not base:
                    continue
                median = {key: statistics.median(run[key] for run in list_of_runs)
                          for key in ("prompt", "decode", "first", "wall", "peak")}
                ratio = median["decode"] / max(statistics.median(run["decode"] for run in base), 1e-9)
                same = agreement(list_of_runs[-1]["tokens"], base[-1]["tokens"])
                print(f"| {model} | {length} | {program} | {median['prompt']:.0f} | {median['decode']:.1f} | {ratio:.2f} | "
                      f"{median['first']:.2f} | {median['wall']:.1f} | {median['peak']:.2f} | {same} |", flush=True)
                results.append({"model": model, "prompt_tokens": length, "program": program, "decode_tokens": arguments.decode,
                                "runs": len(list_of_runs), "ratio": ratio, "same_tokens": same, **median})
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
