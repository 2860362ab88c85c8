#include "mlx_capi/transforms.h"

#include "closure.h"
#include "convert.h"
#include "evaluation.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

using FunVjp = std::function<Arrays(const Arrays&, const Arrays&, const Arrays&)>;
using FunJvp = std::function<Arrays(const Arrays&, const Arrays&, const std::vector<int>&)>;
using FunVmap = std::function<std::pair<Arrays, std::vector<int>>(const Arrays&, const std::vector<int>&)>;

std::optional<FunVjp> function(const Callback<mlx_closure_vjp>& vjp) {
  if (!vjp.given()) return std::nullopt;
  return [vjp](const Arrays& primals, const Arrays& cotangents, const Arrays& outputs) {
    mlx_array_vector out{};
    vjp(borrow(primals), borrow(cotangents), borrow(outputs), &out);
    return returned(out);
  };
}

std::optional<FunJvp> function(const Callback<mlx_closure_jvp>& jvp) {
  if (!jvp.given()) return std::nullopt;
  return [jvp](const Arrays& primals, const Arrays& tangents, const std::vector<int>& argnums) {
    mlx_array_vector out{};
    jvp(borrow(primals), borrow(tangents), borrow(argnums), &out);
    return returned(out);
  };
}

std::optional<FunVmap> function(const Callback<mlx_closure_vmap>& vmap) {
  if (!vmap.given()) return std::nullopt;
  return [vmap](const Arrays& inputs, const std::vector<int>& axes) {
    mlx_array_vector out{};
    mlx_int_vector out_axes{};
    vmap(borrow(inputs), borrow(axes), &out, &out_axes);
    std::unique_ptr<int[]> owned(out_axes.data);
    return std::pair(returned(out), std::vector<int>(out_axes.data, out_axes.data + out_axes.size));
  };
}

}  // namespace
}  // namespace mlx_capi

int mlx_eval(mlx_arrays arrays) noexcept {
  return guard([&] { evaluate(get(arrays)); });
}

int mlx_async_eval(mlx_arrays arrays) noexcept {
  return guard([&] { evaluate(get(arrays), false, [](const Arrays& list) { mx::async_eval(list); }); });
}

int mlx_function_call(mlx_array_vector* out, mlx_function f, mlx_arrays inputs) noexcept {
  return guard([&] { put(out, static_cast<Function*>(f.p)->call(get(inputs))); });
}

void mlx_function_free(mlx_function f) noexcept { delete static_cast<Function*>(f.p); }

int mlx_vjp(mlx_array_vector* outputs, mlx_array_vector* vjps, mlx_closure f, mlx_arrays primals,
            mlx_arrays cotangents) noexcept {
  return guard([&] {
    Callback callback(f);
    put(outputs, vjps, mx::vjp(function(callback), get(primals), get(cotangents)));
  });
}

int mlx_jvp(mlx_array_vector* outputs, mlx_array_vector* jvps, mlx_closure f, mlx_arrays primals,
            mlx_arrays tangents) noexcept {
  return guard([&] {
    Callback callback(f);
    put(outputs, jvps, mx::jvp(function(callback), get(primals), get(tangents)));
  });
}

int mlx_value_and_grad(mlx_array_vector* values, mlx_array_vector* grads, mlx_closure f, mlx_arrays args,
                       mlx_ints argnums) noexcept {
  return guard([&] {
    Callback callback(f);
    put(values, grads, mx::value_and_grad(function(callback), as_ints(argnums))(get(args)));
  });
}

int mlx_vmap(mlx_array_vector* out, mlx_closure f, mlx_arrays args, mlx_ints in_axes,
             mlx_ints out_axes) noexcept {
  return guard([&] {
    Callback callback(f);
    put(out, mx::vmap(function(callback), as_ints(in_axes), as_ints(out_axes))(get(args)));
  });
}

int mlx_custom_function(mlx_function* out, mlx_closure f, mlx_closure_vjp opt_vjp, mlx_closure_jvp opt_jvp,
                        mlx_closure_vmap opt_vmap) noexcept {
  return guard([&] {
    Callback callback(f);
    Callback vjp(opt_vjp);
    Callback jvp(opt_jvp);
    Callback vmap(opt_vmap);
    auto fun = mx::custom_function(function(callback), function(vjp), function(jvp), function(vmap));
    out->p = new Function{std::move(fun)};
  });
}

int mlx_checkpoint(mlx_function* out, mlx_closure f) noexcept {
  return guard([&] {
    Callback callback(f);
    out->p = new Function{mx::checkpoint(function(callback))};
  });
}
