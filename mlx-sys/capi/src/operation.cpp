#include "mlx_capi/operation.h"

#include <string_view>
#include <typeinfo>

#include "allocation.h"
#include "closure.h"
#include "mlx/primitives.h"
#include "task.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// A table of functions of C with their context, which is dropped with the last copy.
template <typename Table>
struct Host {
  Table table;
  std::shared_ptr<void> context;

  /// Takes over the context, also when it throws.
  explicit Host(Table t) : table(t), context(t.ctx, t.drop) {}

  template <typename Function, typename... Args>
  void call(Function function, Args... args) const {
    if (function(table.ctx, args...) != 0) throw CallbackFailed();
  }
};

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
    for (const array& a : inputs) {
      encoder.set_input_array(a);
      in.push_back(input_view(a));
      if ((host_.table.strided || in.back().row_contiguous) && is_aligned(in.back())) continue;
      array dense(a.shape(), a.dtype(), nullptr, {});
      allocate(dense);
      copies.push_back({dense.data<void>(), in.back()});
      in.back() = input_view(dense);
      encoder.add_temporary(std::move(dense));
    }
    for (array& a : outputs) {
      allocate(a);
      encoder.set_output_array(a);
      out.push_back(output_view(a));
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
  auto primitive = std::make_shared<Operation>(stream, std::move(host), specs.size);
  return array::make_arrays(std::move(shapes), dtypes, primitive, inputs);
}

/// An operation of MLX, of which only the evaluation on the CPU is another.
class Replaced : public mx::Primitive {
 public:
  Replaced(std::shared_ptr<Primitive> inner, Host<mlx_cpu_kernel> host)
      : Primitive(inner->stream()), inner_(std::move(inner)), host_(std::move(host)) {}

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    Views in, out;
    for (const array& a : inputs) in.push_back(input_view(a));
    for (const array& a : outputs) out.push_back(view_of(a, nullptr, false));
    if (!accepts(in, out)) return inner_->eval_cpu(inputs, outputs);

    auto& encoder = mx::cpu::get_command_encoder(stream());
    Task::Copies copies;
    for (const array& a : inputs) encoder.set_input_array(a);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (i == 0 && host_.table.in_place != MLX_IN_PLACE_NEVER) {
        out[i] = in_place(inputs[0], in[0], outputs[0], copies);
      } else {
        allocate(outputs[i]);
        out[i] = output_view(outputs[i]);
      }
      encoder.set_output_array(outputs[i]);
    }
    dispatch(encoder, host_.context, host_.table.compute, in, out, copies);
  }

  void eval_gpu(const Arrays& inputs, Arrays& outputs) override { inner_->eval_gpu(inputs, outputs); }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums,
             const Arrays& outputs) override {
    return inner_->vjp(primals, cotangents, argnums, outputs);
  }

  Arrays jvp(const Arrays& primals, const Arrays& tangents, const std::vector<int>& argnums) override {
    return inner_->jvp(primals, tangents, argnums);
  }

  std::pair<Arrays, std::vector<int>> vmap(const Arrays& inputs, const std::vector<int>& axes) override {
    return inner_->vmap(inputs, axes);
  }

  std::vector<mx::Shape> output_shapes(const Arrays& inputs) override {
    return inner_->output_shapes(inputs);
  }

  bool is_equivalent(const Primitive& other) const override {
    auto* same = dynamic_cast<const Replaced*>(&other);
    if (!same || same->host_.table.ctx != host_.table.ctx) return false;
    // MLX's primitives cast the other to their own type without looking.
    const Primitive &a = *inner_, &b = *same->inner_;
    return typeid(a) == typeid(b) && a.is_equivalent(b);
  }

  const char* name() const override { return inner_->name(); }

 private:
  bool accepts(const Views& in, const Views& out) const {
    for (const mlx_array_view& v : in) {
      if (!is_aligned(v)) return false;
    }
    if (host_.table.in_place != MLX_IN_PLACE_NEVER) {
      if (in.empty() || out.empty() || !in[0].row_contiguous || in[0].dtype != out[0].dtype) return false;
      if (!std::equal(in[0].shape, in[0].shape + in[0].ndim, out[0].shape, out[0].shape + out[0].ndim)) {
        return false;
      }
    }
    const int answer = host_.table.accepts(host_.table.ctx, in.begin(), in.size(), out.begin(), out.size());
    if (answer < 0) throw CallbackFailed();
    return answer > 0;
  }

  /// Gives the output the elements of the input, in its memory if that is allowed.
  mlx_array_view in_place(const array& input, mlx_array_view& in, array& output, Task::Copies& copies) const {
    if (host_.table.in_place == MLX_IN_PLACE_ALWAYS || input.is_donatable()) {
      output.copy_shared_buffer(input);
    } else {
      allocate(output);
      copies.push_back({output.data<void>(), in});
    }
    in.data = nullptr;
    in.has_values = false;
    mlx_array_view out = output_view(output);
    out.has_values = true;
    return out;
  }

  std::shared_ptr<Primitive> inner_;
  Host<mlx_cpu_kernel> host_;
};

bool replace_cpu(const array& a, Host<mlx_cpu_kernel> host) {
  if (a.status() != array::unscheduled || !a.has_primitive()) return false;
  if (a.primitive().device() != mx::Device::cpu) return false;
  const mlx_string wanted = std::exchange(host.table.primitive, {});
  if (std::string_view(wanted.data, wanted.size) != a.primitive().name()) return false;
  auto primitive = std::make_shared<Replaced>(a.primitive_ptr(), std::move(host));
  for (array& output : a.outputs()) output.primitive_ptr() = primitive;
  return true;
}

}  // namespace
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

int mlx_replace_cpu(bool* replaced, mlx_array a, mlx_cpu_kernel kernel) noexcept {
  return guard([&] {
    Host host(kernel);
    *replaced = replace_cpu(get(a), std::move(host));
  });
}
