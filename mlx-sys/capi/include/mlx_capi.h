// A C API over the C++ API of MLX: one header per header of MLX.
//
// Functions are named `mlx_` + area + C++ name (`mlx::core::fast::rms_norm` is `mlx_fast_rms_norm`).
// Results come first, through pointers; then the arguments in C++ order; the stream last. A function
// returns `MLX_OK` or says in `error.h`'s terms why not. One function stands for all overloads of a C++
// name that only fill in an argument; overloads that do something else have a suffix.
#ifndef MLX_CAPI_H
#define MLX_CAPI_H

#include "mlx_capi/array.h"
#include "mlx_capi/compile.h"
#include "mlx_capi/cuda.h"
#include "mlx_capi/device.h"
#include "mlx_capi/distributed.h"
#include "mlx_capi/dtype.h"
#include "mlx_capi/einsum.h"
#include "mlx_capi/error.h"
#include "mlx_capi/export.h"
#include "mlx_capi/fast.h"
#include "mlx_capi/fft.h"
#include "mlx_capi/gpu.h"
#include "mlx_capi/graph_utils.h"
#include "mlx_capi/io.h"
#include "mlx_capi/kernels.h"
#include "mlx_capi/linalg.h"
#include "mlx_capi/memory.h"
#include "mlx_capi/metal.h"
#include "mlx_capi/operation.h"
#include "mlx_capi/ops.h"
#include "mlx_capi/program.h"
#include "mlx_capi/random.h"
#include "mlx_capi/rewrite.h"
#include "mlx_capi/stream.h"
#include "mlx_capi/transforms.h"
#include "mlx_capi/types.h"
#include "mlx_capi/utils.h"
#include "mlx_capi/version.h"

#endif
