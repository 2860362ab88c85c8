#include <string_view>

#include "allocation.h"
#include "closure.h"
#include "cpu_kernels.h"
#include "delegating.h"
#include "host.h"
#include "mlx_capi/operation.h"
#include "parameters.h"
#include "program.h"
#include "registry.h"
#include "task.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// An operation of MLX, of which only the evaluation on the CPU is another.
class Replaced : public Delegating {
 public:
  Replaced(std::shared_ptr<Primitive> inner, Host<mlx_cpu_kernel> host)
      : Delegating(std::move(inner)), host_(std::move(host)) {}

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
        const bool share = host_.table.in_place == MLX_IN_PLACE_ALWAYS || inputs[0].is_donatable();
        out[i] = take_over(inputs[0], in[0], outputs[0], share, copies);
      } else {
        allocate(outputs[i]);
        out[i] = output_view(outputs[i]);
      }
      encoder.set_output_array(outputs[i]);
    }
    dispatch(encoder, host_.context, host_.table.compute, in, out, copies);
  }

  bool is_equivalent(const Primitive& other) const override {
    auto* same = dynamic_cast<const Replaced*>(&other);
    return same && same->host_.table.ctx == host_.table.ctx && same_inner(*same);
  }

  bool is_in_place() const override { return host_.table.in_place == MLX_IN_PLACE_ALWAYS; }

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

Registry<mlx_cpu_kernels>& kernels() {
  static auto* registry = new Registry<mlx_cpu_kernels>();
  return *registry;
}

}  // namespace

bool is_in_place(const array& a) {
  auto* delegating = dynamic_cast<const Delegating*>(&a.primitive());
  if (auto* program = as_program(a.primitive())) return program->is_in_place();
  return delegating ? delegating->is_in_place() : takes_over(a);
}

bool is_foreign(const mx::Primitive& primitive) {
  return dynamic_cast<const Delegating*>(&primitive) || is_operation(primitive) || as_program(primitive);
}

void apply_cpu_kernels(const array& a) {
  if (kernels().empty() || !will_run_on_cpu(a)) return;
  const auto* entry = kernels().find(a.primitive().name());
  // Only what is MLX's own: an operation of the caller's may have any name.
  if (!entry || is_foreign(a.primitive())) return;
  const Parameters parameters = parameters_of(a.primitive());
  mlx_cpu_kernel kernel{};
  const auto& table = entry->table;
  const int answer = table.make(table.ctx, {parameters.begin(), parameters.size()}, &kernel);
  if (answer < 0) throw CallbackFailed();
  if (answer > 0) replace(a, Host(kernel));
}

}  // namespace mlx_capi

int mlx_replace_cpu(bool* replaced, mlx_array a, mlx_cpu_kernel kernel) noexcept {
  return guard([&] {
    Host host(kernel);
    *replaced = replace_cpu(get(a), std::move(host));
  });
}

int mlx_replace_cpu_everywhere(mlx_cpu_kernels kernels) noexcept {
  return guard([&] { mlx_capi::kernels().add(kernels); });
}
