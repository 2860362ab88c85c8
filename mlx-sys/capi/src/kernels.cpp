#include "mlx_capi/kernels.h"

#include "allocation.h"
#include "convert.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

using Kernel = mx::fast::CustomKernelFunction;

/// The shapes and dtypes of outputs as MLX takes them.
struct Specs {
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;

  explicit Specs(mlx_specs specs) {
    for (size_t i = 0; i < specs.size; ++i) {
      shapes.push_back(as_shape(specs.data[i].shape));
      dtypes.push_back(as_dtype(specs.data[i].dtype));
      bytes_of(shapes.back(), dtypes.back());
    }
  }
};

mx::MathMode as_math_mode(mlx_math_mode mode) {
  if (mode < MLX_MATH_SAFE || mode > MLX_MATH_FAST) {
    throw std::invalid_argument("no math mode has the number " + std::to_string(mode));
  }
  return static_cast<mx::MathMode>(mode);
}

mx::fast::TemplateArg as_template_arg(const mlx_template_arg& arg) {
  if (arg.kind == MLX_ARGUMENT_INT) return static_cast<int>(arg.value);
  if (arg.kind == MLX_ARGUMENT_BOOL) return arg.value != 0;
  if (arg.kind == MLX_ARGUMENT_DTYPE) return as_dtype(arg.value);
  throw std::invalid_argument("template arguments are ints, bools and dtypes");
}

mx::fast::ScalarArg as_scalar_arg(const mlx_scalar_arg& arg) {
  if (arg.kind == MLX_ARGUMENT_INT) return static_cast<int>(arg.integer);
  if (arg.kind == MLX_ARGUMENT_BOOL) return arg.integer != 0;
  if (arg.kind == MLX_ARGUMENT_FLOAT) return arg.real;
  throw std::invalid_argument("scalar arguments are ints, bools and floats");
}

mx::Stream gpu_stream(mlx_stream s) {
  if (s.device.type != MLX_GPU) throw std::invalid_argument("the kernel runs on a GPU only");
  return get(s);
}

}  // namespace
}  // namespace mlx_capi

int mlx_fast_metal_kernel(mlx_kernel* out, mlx_string name, mlx_strings input_names, mlx_strings output_names,
                          mlx_string source, mlx_string header, bool ensure_row_contiguous,
                          bool atomic_outputs, mlx_math_mode math_mode) noexcept {
  return guard([&] {
    mx::CompileOptions options;
    options.math_mode = as_math_mode(math_mode);
    out->p = new Kernel(mx::fast::metal_kernel(get(name), get(input_names), get(output_names), get(source),
                                               get(header), ensure_row_contiguous, atomic_outputs, options));
  });
}

int mlx_fast_cuda_kernel(mlx_kernel* out, mlx_string name, mlx_strings input_names, mlx_strings output_names,
                         mlx_string source, mlx_string header, bool ensure_row_contiguous,
                         int shared_memory) noexcept {
  return guard([&] {
    out->p = new Kernel(mx::fast::cuda_kernel(get(name), get(input_names), get(output_names), get(source),
                                              get(header), ensure_row_contiguous, shared_memory));
  });
}

void mlx_kernel_free(mlx_kernel kernel) noexcept { delete static_cast<Kernel*>(kernel.p); }

int mlx_kernel_call(mlx_array_vector* out, mlx_kernel kernel, mlx_arrays inputs, mlx_launch launch,
                    const mlx_template_arg* template_args, size_t template_arg_count, bool verbose,
                    mlx_stream s) noexcept {
  return guard([&] {
    const Specs specs(launch.outputs);
    std::vector<std::pair<std::string, mx::fast::TemplateArg>> args;
    for (size_t i = 0; i < template_arg_count; ++i) {
      args.emplace_back(get(template_args[i].name), as_template_arg(template_args[i]));
    }
    const auto& call = *static_cast<Kernel*>(kernel.p);
    put(out, call(get(inputs), specs.shapes, specs.dtypes, get(launch.grid), get(launch.threadgroup), args,
                  get(launch.init_value), verbose, gpu_stream(s)));
  });
}

int mlx_fast_precompiled_cuda_kernel(mlx_array_vector* out, mlx_string name, mlx_string compiled_source,
                                     mlx_arrays inputs, mlx_launch launch, const mlx_scalar_arg* scalars,
                                     size_t scalar_count, int shared_memory, bool ensure_row_contiguous,
                                     mlx_stream s) noexcept {
  return guard([&] {
    const Specs specs(launch.outputs);
    std::vector<mx::fast::ScalarArg> args;
    for (size_t i = 0; i < scalar_count; ++i) args.push_back(as_scalar_arg(scalars[i]));
    put(out, mx::fast::precompiled_cuda_kernel(get(name), get(compiled_source), get(inputs), specs.shapes,
                                               specs.dtypes, args, get(launch.grid), get(launch.threadgroup),
                                               shared_memory, get(launch.init_value), ensure_row_contiguous,
                                               gpu_stream(s)));
  });
}
