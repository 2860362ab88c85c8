#include "program.h"

#include <algorithm>

#include "allocation.h"

using namespace mlx_capi;

namespace mlx_capi {

std::vector<std::shared_ptr<array::Data>>*& captured_memory() {
  thread_local std::vector<std::shared_ptr<array::Data>>* memory = nullptr;
  return memory;
}

/// The public door of MLX's allocator gives memory that the host shares, which is moved about. Operations get memory of the
/// GPU's own: one over no elements launches nothing, but allocates for as many as its input claims to have.
void allocate_on_gpu(array& a, mx::Stream stream) {
  size_t longest = 1;
  for (int n : a.shape()) longest = std::max(longest, static_cast<size_t>(n));
  auto nothing = [&] { return array({0}, a.dtype(), nullptr, {}); };
  array claim = nothing();
  mx::allocator::Data no_data(mx::allocator::Buffer(nullptr), [](mx::allocator::Buffer) {});
  claim.set_data(std::move(no_data), a.size(), a.strides(), {true, true, longest == a.size()});
  // The operation of an output says on which stream it is computed.
  const auto square = mx::square(nothing(), stream).primitive_ptr();
  Arrays outputs{array(a.shape(), a.dtype(), square, {})};
  square->eval_gpu({claim}, outputs);
  a.copy_shared_buffer(outputs[0]);
}

namespace {

/// Holds on to memory until what has been encoded has run.
void keep(void* encoder, std::shared_ptr<array::Data> data) {
  if (auto* captured = captured_memory()) {
    captured->push_back(std::move(data));
  } else {
    Cuda::required().add_completed_handler(encoder, [data = std::move(data)] {});
  }
}

/// The array, or a copy of it without gaps.
array dense(const array& a, void* encoder, mx::Stream stream) {
  if (a.flags().row_contiguous) return a;
  array copy = mx::contiguous(a, false, stream);
  Arrays outputs{copy};
  copy.primitive().eval_gpu({a}, outputs);
  keep(encoder, copy.data_shared_ptr());
  return copy;
}

}  // namespace

Program::Program(const mlx_program_parts& parts, mx::Stream stream)
    : Primitive(stream),
      module_(mlx_capi::get(parts.module)),
      in_place_(parts.in_place),
      scratch_(parts.scratch, parts.scratch + parts.scratch_count),
      places_(parts.places),
      positions_(parts.positions) {
  Cuda::required();
  if (stream.device != mx::Device::gpu) throw std::invalid_argument("a program runs on a GPU only");
  for (size_t i = 0; i < parts.launch_count; ++i) {
    const mlx_program_launch& l = parts.launches[i];
    steps_.push_back({CudaFunction(mlx_capi::get(l.function), l.shared_memory),
                      Dimensions(mlx_capi::get(l.blocks)),
                      Dimensions(mlx_capi::get(l.threads)),
                      {l.arguments, l.arguments + l.argument_count}});
  }
  for (size_t i = 0; i < parts.outputs.size; ++i) {
    shapes_.push_back(as_shape(parts.outputs.data[i].shape));
    dtypes_.push_back(as_dtype(parts.outputs.data[i].dtype));
    bytes_of(shapes_.back(), dtypes_.back());
  }
  if (in_place_ > shapes_.size()) throw std::invalid_argument("there are more outputs in place than outputs");
}

Arrays Program::record(const std::shared_ptr<Program>& self, Arrays inputs) {
  const auto& [shapes, dtypes, in_place] = std::tie(self->shapes_, self->dtypes_, self->in_place_);
  if (in_place > inputs.size()) throw std::invalid_argument("there are more outputs in place than inputs");
  for (size_t i = 0; i < in_place; ++i) {
    const array& input = inputs[inputs.size() - in_place + i];
    const size_t output = self->own_outputs() + i;
    if (input.shape() != shapes[output] || input.dtype() != dtypes[output]) {
      throw std::invalid_argument("an output in place is of another shape or type than the input");
    }
  }
  if (shapes.size() == 1) return {array(shapes[0], dtypes[0], self, std::move(inputs))};
  return array::make_arrays(shapes, dtypes, self, inputs);
}

void Program::eval_gpu(const Arrays& inputs, Arrays& outputs) {
  void* encoder = Cuda::required().encoder(stream());
  const size_t kept = inputs.size() - in_place_;
  Arrays in, scratch;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (i < kept) {
      in.push_back(dense(inputs[i], encoder, stream()));
    } else if (inputs[i].flags().row_contiguous) {
      in.push_back(inputs[i]);
    } else {
      throw std::invalid_argument("[program] memory that is written in place has gaps");
    }
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (i < own_outputs()) {
      allocate_on_gpu(outputs[i], stream());
    } else {
      outputs[i].copy_shared_buffer(in[kept + i - own_outputs()]);
    }
  }
  for (size_t bytes : scratch_) {
    scratch.emplace_back(mx::Shape{static_cast<int>(bytes)}, mx::uint8, nullptr, Arrays{});
    allocate_on_gpu(scratch.back(), stream());
    keep(encoder, scratch.back().data_shared_ptr());
  }
  for (Step& step : steps_) launch(step, encoder, in, outputs, scratch);
}

void Program::launch(Step& step, void* encoder, const Arrays& inputs, const Arrays& outputs,
                     const Arrays& scratch) {
  const Cuda& cuda = Cuda::required();
  mx::SmallVector<void*, 16> addresses, arguments;
  // Arguments point to these, so they must not move.
  addresses.reserve(step.arguments.size());
  auto take = [&](const Arrays& arrays, int i, auto add) {
    const array& a = arrays.at(static_cast<size_t>(i));
    add(encoder, a);
    addresses.push_back(address(a));
    arguments.push_back(&addresses.back());
  };
  for (mlx_scalar_arg& argument : step.arguments) {
    switch (argument.kind) {
      case MLX_ARGUMENT_INPUT:
        take(inputs, argument.integer, cuda.add_input);
        break;
      case MLX_ARGUMENT_OUTPUT:
        take(outputs, argument.integer, cuda.add_output);
        break;
      case MLX_ARGUMENT_SCRATCH:
        take(scratch, argument.integer, cuda.add_output);
        break;
      case MLX_ARGUMENT_FLOAT:
        arguments.push_back(&argument.real);
        break;
      default:
        arguments.push_back(&argument.integer);
    }
  }
  cuda.add_kernel(encoder, step.function.get(module_), step.blocks, step.threads, Dimensions(),
                  step.function.shared_memory(), arguments.data());
}

namespace {
Arrays record(mlx_program program, mlx_arrays inputs) {
  return Program::record(*static_cast<std::shared_ptr<Program>*>(program.p), get(inputs));
}
}  // namespace

}  // namespace mlx_capi

int mlx_cuda_processors(int* count, int* shared_memory) noexcept {
  return guard([&] {
    const Cuda& cuda = Cuda::required();
    constexpr int processors = 16, shared_memory_of_processor = 81;
    int device = 0;
    Cuda::check("processors", cuda.device(&device, 0));
    Cuda::check("processors", cuda.attribute(count, processors, device));
    Cuda::check("processors", cuda.attribute(shared_memory, shared_memory_of_processor, device));
  });
}

int mlx_program_new(mlx_program* out, mlx_program_parts parts, mlx_stream s) noexcept {
  return guard([&] { out->p = new std::shared_ptr<Program>(std::make_shared<Program>(parts, get(s))); });
}

int mlx_program_call(mlx_array_vector* out, mlx_program program, mlx_arrays inputs) noexcept {
  return guard([&] { put(out, record(program, inputs)); });
}

int mlx_program_call_one(mlx_array* out, mlx_program program, mlx_arrays inputs) noexcept {
  return guard([&] {
    Arrays outputs = record(program, inputs);
    if (outputs.size() != 1) throw std::invalid_argument("the program has other than one output");
    put(out, std::move(outputs[0]));
  });
}

void mlx_program_free(mlx_program program) noexcept {
  delete static_cast<std::shared_ptr<Program>*>(program.p);
}
