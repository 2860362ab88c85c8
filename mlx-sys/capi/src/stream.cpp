#include "mlx_capi/stream.h"

#include <algorithm>

#include "convert.h"
#include "turn.h"

using namespace mlx_capi;

int mlx_default_stream(mlx_stream* out, mlx_device d) noexcept {
  return guard([&] {
    if (auto known = mx::peek_default_stream(get(d))) return put(out, *known);
    Turn turn;
    put(out, mx::default_stream(get(d)));
  });
}

int mlx_peek_default_stream(mlx_optional_stream* out, mlx_device d) noexcept {
  return guard([&] {
    auto s = mx::peek_default_stream(get(d));
    *out = {{}, s.has_value()};
    if (s) put(&out->value, *s);
  });
}

int mlx_set_default_stream(mlx_stream s) noexcept {
  return guard([&] { mx::set_default_stream(get(s)); });
}

int mlx_new_stream(mlx_stream* out, mlx_device d) noexcept {
  return guard([&] {
    Turn turn;
    put(out, mx::new_stream(get(d)));
  });
}

int mlx_new_thread_unsafe_stream(mlx_stream* out, mlx_device d) noexcept {
  return guard([&] {
    Turn turn;
    put(out, mx::new_thread_unsafe_stream(get(d)));
  });
}

int mlx_new_thread_local_stream(mlx_thread_local_stream* out, mlx_device d) noexcept {
  return guard([&] {
    auto s = mx::new_thread_local_stream(get(d));
    out->index = s.index;
    put(&out->device, s.device);
  });
}

int mlx_stream_from_thread_local_stream(mlx_stream* out, mlx_thread_local_stream s) noexcept {
  return guard([&] {
    Turn turn;
    put(out, mx::stream_from_thread_local_stream(mx::ThreadLocalStream(s.index, get(s.device))));
  });
}

int mlx_get_streams(size_t* count, mlx_stream* out, size_t capacity) noexcept {
  return guard([&] {
    auto streams = mx::get_streams();
    for (size_t i = 0; i < std::min(capacity, streams.size()); ++i) put(&out[i], streams[i]);
    *count = streams.size();
  });
}

int mlx_synchronize(mlx_stream s) noexcept {
  return guard([&] { mx::synchronize(get(s)); });
}

int mlx_clear_streams() noexcept {
  return guard([&] { mx::clear_streams(); });
}
