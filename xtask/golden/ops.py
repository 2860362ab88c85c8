"""What the operations of Python's mlx.core give on the CPU: `ops.json`, the cases, and `ops.safetensors`, their arrays.

    python ops.py OUTPUT_FOLDER

A case is an object of `ops.json`:

    op      the operation, by Python's name below mlx.core
    in      the arrays it takes, by name
    args    its other arguments by Python's names; an array is {"array": NAME}
    out     the dtypes of the arrays it gives, or "error" if it raises
    grad    how many gradients it has, or "error"; absent if none was asked for

The arrays of the case that is number N of its operation are `OP.N/out.0`, ... and `OP.N/grad.0`, ...: the gradients, by
the inputs that are float32, of the sum of the outputs (of real and imaginary part), each times the array
`f32:SHAPE#cI` for output I. `Inputs` says what the names of inputs mean. The file has no float64; its bits stand there as
uint64.
"""

import argparse
import json
from pathlib import Path

import mlx.core as mx

import ops_arrays
import ops_linear
import ops_numbers
from ops_recorder import Recorder
from ops_variations import variations

# What is no operation on arrays, or another name of one that is covered.
ELSEWHERE = """asarray async_eval broadcast_shapes can_cast checkpoint clear_cache clear_streams compile default_device
    default_stream device_count device_info disable_compile einsum_path empty empty_like enable_compile eval
    export_function export_to_dot exporter from_dlpack get_active_memory get_array_buffer_size get_cache_memory
    get_memory_limit get_peak_memory get_printoptions grad import_function is_available isdtype issubdtype jvp load
    new_stream new_thread_local_stream new_thread_unsafe_stream printoptions reset_peak_memory result_type save
    save_gguf save_safetensors savez savez_compressed set_cache_limit set_default_device set_default_stream
    set_memory_limit
    set_printoptions set_wired_limit stream synchronize value_and_grad vjp vmap random.seed fast.cuda_kernel
    fast.metal_kernel fast.precompiled_cuda_kernel
    acos acosh asin asinh atan atan2 atanh bitwise_left_shift bitwise_right_shift concat conj cumulative_prod
    cumulative_sum permute_dims positive pow matrix_norm""".split()


def check_complete(covered: set) -> None:
    """Every function of mlx.core has a case or stands in `ELSEWHERE`."""
    found = set()
    for prefix, module in {
        "": mx,
        "linalg.": mx.linalg,
        "fft.": mx.fft,
        "random.": mx.random,
        "fast.": mx.fast,
    }.items():
        names = [name for name in dir(module) if not name.startswith("_")]
        functions = [n for n in names if callable(getattr(module, n)) and not isinstance(getattr(module, n), type)]
        found |= {prefix + name for name in functions}
    missing = sorted(found - covered - set(ELSEWHERE))
    assert not missing, f"no cases for {missing}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    mx.set_default_device(mx.cpu)
    record = Recorder()
    for family in (*ops_numbers.FAMILIES, *ops_arrays.FAMILIES, *ops_linear.FAMILIES):
        family(record)
    variations(record)
    assert not record.surprises, "\n".join(record.surprises)
    check_complete(set(record.counts))
    arrays = {f"in/{name}": array for name, array in record.inputs.arrays.items()} | record.results
    arrays = {name: x.view(mx.uint64) if x.dtype == mx.float64 else x for name, x in arrays.items()}
    output.mkdir(parents=True, exist_ok=True)
    mx.save_safetensors(str(output / "ops.safetensors"), arrays)
    lines = ",\n".join(json.dumps(case) for case in record.cases)
    (output / "ops.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(record.cases)} cases, {len(arrays)} arrays")


if __name__ == "__main__":
    main()
