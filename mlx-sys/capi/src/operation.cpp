#include "mlx_capi/operation.h"

#include <typeinfo>

#include "allocation.h"
#include "closure.h"
#include "cpu_kernels.h"
#include "host.h"
#include "mlx/primitives.h"
#include "task.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// The arrays that a callback has returned, which must be as many as they should.
Arrays returned_exactly(mlx_array_vector out, size_t count) {
  Arrays list = returned(out);
  if (list.size() == count) return list;
  throw std::invalid_argument("a callback gave " + std::to_string(list.size()) + " arrays where " +
                              std::to_string(count) + " are needed");
}

/// An operation of the caller's.
class Operation : public mx::Primitive {
 public:
  Operation(mx::Stream stream, Host<mlx_operation> host, size_t outputs)
      : Primitive(stream), host_(std::move(host)), name_(get(host_.table.name)), outputs_(outputs) {
    host_.table.name = {};
  }

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    Views in, out;
    Task::Copies copies;
    const size_t kept = inputs.size() - host_.table.in_place;
    for (const array& a : inputs) {
      encoder.set_input_array(a);
      in.push_back(input_view(a));
      const bool as_it_lies = in.size() > kept || (host_.table.strided && is_aligned(in.back()));
      if (!as_it_lies) make_dense(in.back(), encoder, copies);
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (i < own_outputs()) {
        allocate(outputs[i]);
        out.push_back(output_view(outputs[i]));
      } else {
        const size_t j = kept + i - own_outputs();
        const bool share = in[j].row_contiguous && is_aligned(in[j]);
        out.push_back(take_over(inputs[j], in[j], outputs[i], share, copies));
      }
      encoder.set_output_array(outputs[i]);
    }
    dispatch(encoder, host_.context, host_.table.compute, in, out, copies);
  }

  void eval_gpu(const Arrays&, Arrays&) override {
    throw std::invalid_argument("[" + name_ + "] runs on the CPU only");
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums,
             const Arrays& outputs) override {
    mlx_array_vector out{};
    host_.call(host_.table.vjp, borrow(primals), borrow(cotangents), borrow(argnums), borrow(outputs), &out);
    return returned_exactly(out, argnums.size());
  }

  Arrays jvp(const Arrays& primals, const Arrays& tangents, const std::vector<int>& argnums) override {
    mlx_array_vector out{};
    host_.call(host_.table.jvp, borrow(primals), borrow(tangents), borrow(argnums), &out);
    return returned_exactly(out, outputs_);
  }

  std::pair<Arrays, std::vector<int>> vmap(const Arrays& inputs, const std::vector<int>& axes) override {
    mlx_array_vector out{};
    mlx_int_vector out_axes{};
    host_.call(host_.table.vmap, borrow(inputs), borrow(axes), &out, &out_axes);
    std::unique_ptr<int[]> owned(out_axes.data);
    Arrays list = returned_exactly(out, outputs_);
    if (out_axes.size != outputs_) throw std::invalid_argument("a callback gave axes for other outputs");
    return {std::move(list), {out_axes.data, out_axes.data + out_axes.size}};
  }

  std::vector<mx::Shape> output_shapes(const Arrays& inputs) override {
    std::vector<mx::Shape> shapes;
    host_.call(host_.table.output_shapes, borrow(inputs), mlx_shape_vector{&shapes});
    if (shapes.size() != outputs_) throw std::invalid_argument("a callback gave shapes for other outputs");
    return shapes;
  }

  bool is_equivalent(const Primitive& other) const override {
    auto* same = dynamic_cast<const Operation*>(&other);
    return same && same->host_.table.ctx == host_.table.ctx;
  }

  const char* name() const override { return name_.c_str(); }

  void* context() const { return host_.table.ctx; }

  bool is_in_place() const { return host_.table.in_place > 0; }

  /// How many outputs, the first ones, have memory of their own.
  size_t own_outputs() const { return outputs_ - host_.table.in_place; }

 private:
  Host<mlx_operation> host_;
  std::string name_;
  size_t outputs_;
};

Arrays record(Host<mlx_operation> host, Arrays inputs, mlx_specs specs, mx::Stream stream) {
  if (stream.device != mx::Device::cpu) throw std::invalid_argument("the operation runs on the CPU only");
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  for (size_t i = 0; i < specs.size; ++i) {
    shapes.push_back(as_shape(specs.data[i].shape));
    dtypes.push_back(as_dtype(specs.data[i].dtype));
    bytes_of(shapes.back(), dtypes.back());
  }
  const size_t in_place = host.table.in_place;
  if (in_place > specs.size || in_place > inputs.size()) throw std::invalid_argument("nothing to compute in place");
  for (size_t i = 0; i < in_place; ++i) {
    const array& input = inputs[inputs.size() - in_place + i];
    const size_t output = specs.size - in_place + i;
    if (input.shape() != shapes[output] || input.dtype() != dtypes[output]) {
      throw std::invalid_argument("an output in place is of another shape or type than the input");
    }
  }
  auto primitive = std::make_shared<Operation>(stream, std::move(host), specs.size);
  return array::make_arrays(std::move(shapes), dtypes, primitive, inputs);
}

/// Which output of its operation the array is.
size_t output_index(const array& a) {
  const Arrays all = a.outputs();
  return std::find_if(all.begin(), all.end(), [&](const array& other) { return other.id() == a.id(); }) - all.begin();
}

}  // namespace

bool takes_over(const array& a) {
  if (!is_operation(a.primitive())) return false;
  const auto& operation = static_cast<const Operation&>(a.primitive());
  return operation.is_in_place() && output_index(a) >= operation.own_outputs();
}

bool is_operation(const mx::Primitive& primitive) { return typeid(primitive) == typeid(Operation); }

}  // namespace mlx_capi

int mlx_shape_vector_push(mlx_shape_vector shapes, mlx_ints shape) noexcept {
  return guard([&] { static_cast<std::vector<mx::Shape>*>(shapes.p)->push_back(as_shape(shape)); });
}

int mlx_operation_record(mlx_array_vector* out, mlx_operation operation, mlx_arrays inputs, mlx_specs outputs,
                         mlx_stream s) noexcept {
  return guard([&] {
    Host host(operation);
    put(out, record(std::move(host), get(inputs), outputs, get(s)));
  });
}

int mlx_array_operation(void** context, size_t* output, mlx_array a) noexcept {
  return guard([&] {
    const array& result = get(a);
    *context = nullptr;
    if (!result.has_primitive() || !is_operation(result.primitive())) return;
    *output = output_index(result);
    *context = static_cast<const Operation&>(result.primitive()).context();
  });
}
