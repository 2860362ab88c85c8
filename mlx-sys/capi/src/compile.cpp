#include "mlx_capi/compile.h"

#include <atomic>

#include "closure.h"
#include "convert.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// MLX knows a compiled function by a number. It would take an address, which a later function may reuse
/// while another thread's cache still holds the first; these are never reused, and the top bit keeps them
/// apart from addresses.
std::uintptr_t next_compile_id() {
  static std::atomic<std::uintptr_t> count = 0;
  constexpr auto top_bit = ~(~std::uintptr_t{0} >> 1);
  return top_bit | ++count;
}

/// `plain`, which notes in `recording` what it has recorded: at once, because MLX rewrites it in place.
Fun recorded(Fun plain, std::shared_ptr<Recording> recording) {
  return [plain = std::move(plain), recording = std::move(recording)](const Arrays& inputs) {
    Arrays outputs = plain(inputs);
    *recording = Recording(inputs, outputs);
    return outputs;
  };
}

}  // namespace
}  // namespace mlx_capi

int mlx_compile(mlx_function* out, mlx_closure f, bool shapeless) noexcept {
  return guard([&] {
    Callback callback(f);
    const auto id = next_compile_id();
    Fun plain = function(callback);
    auto recording = shapeless ? std::make_shared<Recording>() : nullptr;
    auto fun = mx::detail::compile(recording ? recorded(plain, recording) : plain, id, shapeless);
    out->p = new Function{std::move(fun), id, mx::detail::compile_cache(), std::move(plain), std::move(recording)};
  });
}

int mlx_compiled_fits(bool* out, mlx_function f, mlx_arrays inputs) noexcept {
  return guard([&] {
    const auto& function = *static_cast<Function*>(f.p);
    if (!function.recording) throw std::invalid_argument("the function is not a shapeless compiled one");
    const auto id = next_compile_id();
    auto fresh = std::make_shared<Recording>();
    Function trace{mx::detail::compile(recorded(function.plain, fresh), id, true), id,
                   mx::detail::compile_cache()};
    trace.call(get(inputs));
    *out = *fresh == *function.recording;
  });
}

int mlx_disable_compile() noexcept {
  return guard([&] { mx::disable_compile(); });
}

int mlx_enable_compile() noexcept {
  return guard([&] { mx::enable_compile(); });
}

int mlx_set_compile_mode(mlx_compile_mode mode) noexcept {
  return guard([&] {
    if (mode < MLX_COMPILE_DISABLED || mode > MLX_COMPILE_ENABLED) {
      throw std::invalid_argument("no compile mode has the number " + std::to_string(mode));
    }
    mx::set_compile_mode(static_cast<mx::CompileMode>(mode));
  });
}

int mlx_compile_clear_cache() noexcept {
  return guard([&] { mx::detail::compile_clear_cache(mx::detail::compile_cache()); });
}
