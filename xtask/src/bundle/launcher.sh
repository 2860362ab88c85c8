#!/bin/sh
# Starts a program of this folder with NVIDIA's libraries: those put beside it, those of a Python environment, or those of
# CUDA_HOME. As `mlx-lm` it starts mlx-lm; any other program is named by the first argument after `--exec`.
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
program=$here/bin/mlx-lm
if [ "${1-}" = --exec ]; then
    program=$2
    shift 2
fi

# The folder `nvidia` that pip fills: beside the program, else in the Python environment that is active.
nvidia=$here/nvidia
if [ ! -d "$nvidia" ]; then
    nvidia=$(python3 -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null)
fi
if [ -n "$nvidia" ]; then
    for folder in "$nvidia"/*/lib; do
        LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    done
    # Where MLX looks for the headers that it compiles kernels with.
    for folder in "$nvidia"/cu*/include "$nvidia"/cuda_runtime/include; do
        if [ -z "${CUDA_HOME-}${CUDA_PATH-}" ] && [ -e "$folder/cuda_fp16.h" ]; then
            CUDA_HOME=${folder%/include}
            export CUDA_HOME
        fi
    done
fi
for home in "${CUDA_HOME-}" "${CUDA_PATH-}" /usr/local/cuda; do
    if [ -n "$home" ] && [ -d "$home/lib64" ]; then
        LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$home/lib64
    fi
done
export LD_LIBRARY_PATH

missing=$(ldd "$program" 2>/dev/null | sed -n 's/^[[:space:]]*\(.*\) => not found.*/\1/p' | sort -u)
if [ -n "$missing" ]; then
    {
        echo "error: these libraries are not on this machine:" $missing
        case " $missing" in
        *libcuda.so*) echo "libcuda.so comes with NVIDIA's driver: install the driver, and check that nvidia-smi runs." ;;
        esac
        echo "The others come from NVIDIA's Python packages; to put them beside this program:"
        echo "    python3 -m pip install --target $here -r $here/nvidia-requirements.txt"
        echo "Or activate a Python environment that has them, or set CUDA_HOME."
    } >&2
    exit 1
fi
exec "$program" "$@"
