// Convolutions. Inputs are (batch, space..., channels in), weights (channels out, space..., channels in /
// groups).
#ifndef MLX_CAPI_OPS_CONV_H
#define MLX_CAPI_OPS_CONV_H

#include "../types.h"

MLX_C_BEGIN

/// A convolution over any number of spatial axes. Each list has one entry per axis, one entry for all, or
/// none for the default; `flip` reverses the weights in space.
MLX_C_API int mlx_conv_general(mlx_array* out, mlx_array input, mlx_array weight, mlx_ints stride,
                               mlx_ints padding_lo, mlx_ints padding_hi, mlx_ints kernel_dilation,
                               mlx_ints input_dilation, int groups, bool flip, mlx_stream s) MLX_C_NOEXCEPT;

/// A convolution over one spatial axis.
MLX_C_API int mlx_conv1d(mlx_array* out, mlx_array input, mlx_array weight, int stride, int padding,
                         int dilation, int groups, mlx_stream s) MLX_C_NOEXCEPT;

/// A convolution over two spatial axes.
MLX_C_API int mlx_conv2d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int2 stride, mlx_int2 padding,
                         mlx_int2 dilation, int groups, mlx_stream s) MLX_C_NOEXCEPT;

/// A convolution over three spatial axes.
MLX_C_API int mlx_conv3d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int3 stride, mlx_int3 padding,
                         mlx_int3 dilation, int groups, mlx_stream s) MLX_C_NOEXCEPT;

/// A transposed convolution over one spatial axis.
MLX_C_API int mlx_conv_transpose1d(mlx_array* out, mlx_array input, mlx_array weight, int stride, int padding,
                                   int dilation, int output_padding, int groups, mlx_stream s) MLX_C_NOEXCEPT;

/// A transposed convolution over two spatial axes.
MLX_C_API int mlx_conv_transpose2d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int2 stride,
                                   mlx_int2 padding, mlx_int2 dilation, mlx_int2 output_padding, int groups,
                                   mlx_stream s) MLX_C_NOEXCEPT;

/// A transposed convolution over three spatial axes.
MLX_C_API int mlx_conv_transpose3d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int3 stride,
                                   mlx_int3 padding, mlx_int3 dilation, mlx_int3 output_padding, int groups,
                                   mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
