#include "mlx_capi/distributed.h"

#include "convert.h"
#include "mlx/distributed/distributed_impl.h"

namespace dist = mx::distributed;

using namespace mlx_capi;

namespace mlx_capi {
namespace {

dist::Group as_group(mlx_group group) { return group.p ? *static_cast<dist::Group*>(group.p) : dist::init(); }

/// The stream to communicate on: `s`, if the group uses its device.
mx::Stream on(const dist::Group& group, mlx_stream s) {
  const auto own = group.raw_group()->communication_stream();
  return own.device == get(s.device) ? get(s) : own;
}

/// An operation of one array over a group.
using Collective = array (*)(const array&, std::optional<dist::Group>, mx::StreamOrDevice);

int collective(Collective op, mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return guard([&] {
    const auto group = as_group(opt_group);
    put(out, op(get(x), group, on(group, s)));
  });
}

}  // namespace
}  // namespace mlx_capi

int mlx_distributed_is_available(bool* out, mlx_string backend) noexcept {
  return guard([&] { *out = dist::is_available(get(backend)); });
}

int mlx_distributed_init(mlx_group* out, bool strict, mlx_string backend) noexcept {
  return guard([&] { out->p = new dist::Group(dist::init(strict, get(backend))); });
}

int mlx_distributed_clear_backends() noexcept {
  return guard([&] { dist::clear_backends(); });
}

int mlx_group_rank(int* out, mlx_group group) noexcept {
  return guard([&] { *out = as_group(group).rank(); });
}

int mlx_group_size(int* out, mlx_group group) noexcept {
  return guard([&] { *out = as_group(group).size(); });
}

int mlx_group_split(mlx_group* out, mlx_group group, int color, int key) noexcept {
  return guard([&] { out->p = new dist::Group(as_group(group).split(color, key)); });
}

void mlx_group_free(mlx_group group) noexcept { delete static_cast<dist::Group*>(group.p); }

int mlx_distributed_all_sum(mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return collective(dist::all_sum, out, x, opt_group, s);
}

int mlx_distributed_all_max(mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return collective(dist::all_max, out, x, opt_group, s);
}

int mlx_distributed_all_min(mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return collective(dist::all_min, out, x, opt_group, s);
}

int mlx_distributed_all_gather(mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return collective(dist::all_gather, out, x, opt_group, s);
}

int mlx_distributed_sum_scatter(mlx_array* out, mlx_array x, mlx_group opt_group, mlx_stream s) noexcept {
  return collective(dist::sum_scatter, out, x, opt_group, s);
}

int mlx_distributed_send(mlx_array* out, mlx_array x, int dst, mlx_group opt_group, mlx_stream s) noexcept {
  return guard([&] {
    const auto group = as_group(opt_group);
    put(out, dist::send(get(x), dst, group, on(group, s)));
  });
}

int mlx_distributed_recv(mlx_array* out, mlx_ints shape, mlx_dtype dtype, int src, mlx_group opt_group,
                         mlx_stream s) noexcept {
  return guard([&] {
    const auto group = as_group(opt_group);
    put(out, dist::recv(as_shape(shape), as_dtype(dtype), src, group, on(group, s)));
  });
}

int mlx_distributed_recv_like(mlx_array* out, mlx_array x, int src, mlx_group opt_group,
                              mlx_stream s) noexcept {
  return guard([&] {
    const auto group = as_group(opt_group);
    put(out, dist::recv_like(get(x), src, group, on(group, s)));
  });
}
