#include "mlx_capi/ops/conv.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_conv_general(mlx_array* out, mlx_array input, mlx_array weight, mlx_ints stride, mlx_ints padding_lo,
                     mlx_ints padding_hi, mlx_ints kernel_dilation, mlx_ints input_dilation, int groups,
                     bool flip, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::conv_general(get(input), get(weight), as_ints(stride), as_ints(padding_lo), as_ints(padding_hi),
                         as_ints(kernel_dilation), as_ints(input_dilation), groups, flip, get(s)));
  });
}

int mlx_conv1d(mlx_array* out, mlx_array input, mlx_array weight, int stride, int padding, int dilation,
               int groups, mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::conv1d(get(input), get(weight), stride, padding, dilation, groups, get(s))); });
}

int mlx_conv2d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int2 stride, mlx_int2 padding,
               mlx_int2 dilation, int groups, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::conv2d(get(input), get(weight), get(stride), get(padding), get(dilation), groups, get(s)));
  });
}

int mlx_conv3d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int3 stride, mlx_int3 padding,
               mlx_int3 dilation, int groups, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::conv3d(get(input), get(weight), get(stride), get(padding), get(dilation), groups, get(s)));
  });
}

int mlx_conv_transpose1d(mlx_array* out, mlx_array input, mlx_array weight, int stride, int padding,
                         int dilation, int output_padding, int groups, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::conv_transpose1d(get(input), get(weight), stride, padding, dilation, output_padding, groups,
                                  get(s)));
  });
}

int mlx_conv_transpose2d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int2 stride, mlx_int2 padding,
                         mlx_int2 dilation, mlx_int2 output_padding, int groups, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::conv_transpose2d(get(input), get(weight), get(stride), get(padding), get(dilation),
                                  get(output_padding), groups, get(s)));
  });
}

int mlx_conv_transpose3d(mlx_array* out, mlx_array input, mlx_array weight, mlx_int3 stride, mlx_int3 padding,
                         mlx_int3 dilation, mlx_int3 output_padding, int groups, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::conv_transpose3d(get(input), get(weight), get(stride), get(padding), get(dilation),
                                  get(output_padding), groups, get(s)));
  });
}
