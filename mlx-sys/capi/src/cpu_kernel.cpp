#include <atomic>
#include <mutex>
#include <string_view>
#include <typeinfo>
#include <unordered_map>

#include "allocation.h"
#include "closure.h"
#include "cpu_kernels.h"
#include "host.h"
#include "mlx/primitives.h"
#include "mlx_capi/operation.h"
#include "task.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

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
    if (!host_.table.strided) {
      for (mlx_array_view& v : in) make_dense(v, encoder, copies);
    }
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

  bool is_in_place() const { return host_.table.in_place == MLX_IN_PLACE_ALWAYS; }

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

/// Whether `a` is yet to be computed, by a CPU.
bool will_run_on_cpu(const array& a) {
  return a.status() == array::unscheduled && a.has_primitive() && a.primitive().device() == mx::Device::cpu;
}

void replace(const array& a, Host<mlx_cpu_kernel> host) {
  auto primitive = std::make_shared<Replaced>(array(a).primitive_ptr(), std::move(host));
  for (array& output : a.outputs()) output.primitive_ptr() = primitive;
}

bool replace_cpu(const array& a, Host<mlx_cpu_kernel> host) {
  if (!will_run_on_cpu(a)) return false;
  const mlx_string wanted = std::exchange(host.table.primitive, {});
  if (std::string_view(wanted.data, wanted.size) != a.primitive().name()) return false;
  replace(a, std::move(host));
  return true;
}

/// What tells operations of one kind apart, for the kinds that have it: numbers in the order of MLX's `state()`.
using Parameters = mx::SmallVector<double, 6>;

Parameters parameters_of(const mx::Primitive& primitive) {
  Parameters parameters;
  auto take = [&](auto... values) { (parameters.push_back(static_cast<double>(values)), ...); };
  const std::string_view name = primitive.name();
  // Classes of MLX are known by their names, as their type information is not exported.
  if (name == "QuantizedMatmul") {
    std::apply(take, static_cast<const mx::QuantizedMatmul&>(primitive).state());
  } else if (name == "GatherQMM") {
    std::apply(take, static_cast<const mx::GatherQMM&>(primitive).state());
  } else if (name == "AddMM") {
    std::apply(take, static_cast<const mx::AddMM&>(primitive).state());
  } else if (name == "Softmax") {
    take(static_cast<const mx::Softmax&>(primitive).state());
  }
  return parameters;
}

/// The kernels for all operations of a name.
class Registry {
 public:
  static Registry& shared() {
    static Registry* registry = new Registry();
    return *registry;
  }

  void add(Host<mlx_cpu_kernels> kernels) {
    const mlx_string name = std::exchange(kernels.table.primitive, {});
    std::lock_guard lock(mutex_);
    // For good: threads keep pointers to entries.
    auto* entry = new Entry{get(name), std::move(kernels)};
    entries_.push_back(entry);
    generation_.fetch_add(1, std::memory_order_release);
  }

  /// Has the operation that gives `a` computed by a kernel, if there is one.
  void apply(const array& a) {
    if (generation_.load(std::memory_order_acquire) == 0 || !will_run_on_cpu(a)) return;
    const Entry* entry = find(a.primitive());
    if (!entry) return;
    const Parameters parameters = parameters_of(a.primitive());
    mlx_cpu_kernel kernel{};
    const auto& table = entry->kernels.table;
    const int answer = table.make(table.ctx, {parameters.begin(), parameters.size()}, &kernel);
    if (answer < 0) throw CallbackFailed();
    if (answer > 0) replace(a, Host(kernel));
  }

 private:
  struct Entry {
    std::string name;
    Host<mlx_cpu_kernels> kernels;
  };

  /// Each thread looks into an index of its own, without a lock.
  const Entry* find(const mx::Primitive& primitive) {
    thread_local std::unordered_map<std::string_view, const Entry*> index;
    thread_local size_t index_of = 0;
    if (const size_t generation = generation_.load(std::memory_order_acquire); index_of != generation) {
      std::lock_guard lock(mutex_);
      index.clear();
      for (const Entry* entry : entries_) index[entry->name] = entry;
      index_of = generation;
    }
    const auto place = index.find(primitive.name());
    if (place == index.end()) return nullptr;
    // Only what is MLX's own: an operation of the caller's may have any name.
    const bool own = typeid(primitive) == typeid(Replaced) || is_operation(primitive);
    return own ? nullptr : place->second;
  }

  std::mutex mutex_;
  std::vector<const Entry*> entries_;
  std::atomic<size_t> generation_ = 0;
};

}  // namespace

bool is_in_place(const array& a) {
  auto* replaced = dynamic_cast<const Replaced*>(&a.primitive());
  return replaced && replaced->is_in_place();
}

void apply_cpu_kernels(const array& a) { Registry::shared().apply(a); }

}  // namespace mlx_capi

int mlx_replace_cpu(bool* replaced, mlx_array a, mlx_cpu_kernel kernel) noexcept {
  return guard([&] {
    Host host(kernel);
    *replaced = replace_cpu(get(a), std::move(host));
  });
}

int mlx_replace_cpu_everywhere(mlx_cpu_kernels kernels) noexcept {
  return guard([&] { Registry::shared().add(Host(kernels)); });
}
