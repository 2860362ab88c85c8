// Processes that compute together, on one machine or several.
//
// MLX keeps its groups in a table that nothing locks: one thread initializes and communicates. Operations on
// a group of one process give their argument back.
#ifndef MLX_CAPI_DISTRIBUTED_H
#define MLX_CAPI_DISTRIBUTED_H

#include "types.h"

MLX_C_BEGIN

// Groups --------------------------------------------------------------------------------------------

/// The processes that communicate. Work in flight refers to its group without counting: release a group only
/// when all its work has been waited for. The null group stands for that of `mlx_distributed_init(false,
/// "any")`.
typedef struct mlx_group {
  void* p;
} mlx_group;

/// Whether this build can use the backend: "any", "ring", "mpi", "nccl" or "jaccl".
MLX_C_API int mlx_distributed_is_available(bool* out, mlx_string backend) MLX_C_NOEXCEPT;

/// The group of all processes, which are found as the backend's environment variables say. When they say
/// nothing, it is a group of this process alone, or with `strict` a failure. What one backend has given once
/// it gives again.
///
/// The variables are trusted: a rank below zero or an empty list of hosts ends the process.
MLX_C_API int mlx_distributed_init(mlx_group* out, bool strict, mlx_string backend) MLX_C_NOEXCEPT;

/// Forgets all groups, so that the next call connects anew. Communication that is in flight loses the memory
/// it works on: wait for it first.
MLX_C_API int mlx_distributed_clear_backends(void) MLX_C_NOEXCEPT;

/// The number of this process in the group.
MLX_C_API int mlx_group_rank(int* out, mlx_group group) MLX_C_NOEXCEPT;

/// The number of processes in the group.
MLX_C_API int mlx_group_size(int* out, mlx_group group) MLX_C_NOEXCEPT;

/// The group of the processes that gave the same color, ranked by their keys; a negative key stands for the
/// rank.
MLX_C_API int mlx_group_split(mlx_group* out, mlx_group group, int color, int key) MLX_C_NOEXCEPT;

/// Releases the group. Null is ignored.
MLX_C_API void mlx_group_free(mlx_group group) MLX_C_NOEXCEPT;

// Communication -------------------------------------------------------------------------------------
//
// Each process must issue the same operations in the same order with arrays of the same type and shape. They
// run on `s` if the group communicates on its device, otherwise on the thread's default stream of the right
// one.

/// The sum over all processes, element by element.
MLX_C_API int mlx_distributed_all_sum(mlx_array* out, mlx_array x, mlx_group opt_group,
                                      mlx_stream s) MLX_C_NOEXCEPT;

/// The largest over all processes, element by element.
MLX_C_API int mlx_distributed_all_max(mlx_array* out, mlx_array x, mlx_group opt_group,
                                      mlx_stream s) MLX_C_NOEXCEPT;

/// The smallest over all processes, element by element.
MLX_C_API int mlx_distributed_all_min(mlx_array* out, mlx_array x, mlx_group opt_group,
                                      mlx_stream s) MLX_C_NOEXCEPT;

/// The arrays of all processes, joined along axis 0.
MLX_C_API int mlx_distributed_all_gather(mlx_array* out, mlx_array x, mlx_group opt_group,
                                         mlx_stream s) MLX_C_NOEXCEPT;

/// This process's part, along axis 0, of the sum over all processes.
MLX_C_API int mlx_distributed_sum_scatter(mlx_array* out, mlx_array x, mlx_group opt_group,
                                          mlx_stream s) MLX_C_NOEXCEPT;

/// Sends an array to the process `dst` when the result, which is the array again, is evaluated.
MLX_C_API int mlx_distributed_send(mlx_array* out, mlx_array x, int dst, mlx_group opt_group,
                                   mlx_stream s) MLX_C_NOEXCEPT;

/// The array of this shape and type that the process `src` sends.
MLX_C_API int mlx_distributed_recv(mlx_array* out, mlx_ints shape, mlx_dtype dtype, int src,
                                   mlx_group opt_group, mlx_stream s) MLX_C_NOEXCEPT;

/// The array that the process `src` sends, of the shape and type of `x`.
MLX_C_API int mlx_distributed_recv_like(mlx_array* out, mlx_array x, int src, mlx_group opt_group,
                                        mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
