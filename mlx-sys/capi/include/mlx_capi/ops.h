// The operations of MLX, by theme.
//
// Common to all: the array arguments are borrowed and nothing is computed until `mlx_eval`; the result is a
// new node of the graph that will run on stream `s`. Shapes and types are checked at once and reported as
// `MLX_INVALID_ARGUMENT`.
#ifndef MLX_CAPI_OPS_H
#define MLX_CAPI_OPS_H

#include "ops/conv.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/indexing.h"
#include "ops/linear.h"
#include "ops/quantized.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/sort.h"

#endif
