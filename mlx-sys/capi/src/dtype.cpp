#include "mlx_capi/dtype.h"

#include "convert.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

mx::Dtype::Category as_category(mlx_dtype_category category) {
  if (category < MLX_COMPLEXFLOATING || category > MLX_GENERIC) {
    throw std::invalid_argument("no dtype category has the number " + std::to_string(category));
  }
  return static_cast<mx::Dtype::Category>(category);
}

}  // namespace
}  // namespace mlx_capi

int mlx_size_of(size_t* out, mlx_dtype dtype) noexcept {
  return guard([&] { *out = mx::size_of(as_dtype(dtype)); });
}

int mlx_kindof(mlx_dtype_kind* out, mlx_dtype dtype) noexcept {
  return guard([&] { *out = static_cast<mlx_dtype_kind>(mx::kindof(as_dtype(dtype))); });
}

int mlx_promote_types(mlx_dtype* out, mlx_dtype a, mlx_dtype b) noexcept {
  return guard([&] { *out = as_c(mx::promote_types(as_dtype(a), as_dtype(b))); });
}

int mlx_issubdtype(bool* out, mlx_dtype a, mlx_dtype b) noexcept {
  return guard([&] { *out = mx::issubdtype(as_dtype(a), as_dtype(b)); });
}

int mlx_issubdtype_category(bool* out, mlx_dtype a, mlx_dtype_category b) noexcept {
  return guard([&] { *out = mx::issubdtype(as_dtype(a), as_category(b)); });
}

int mlx_issubdtype_categories(bool* out, mlx_dtype_category a, mlx_dtype_category b) noexcept {
  return guard([&] { *out = mx::issubdtype(as_category(a), as_category(b)); });
}
