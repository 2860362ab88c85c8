#include "mlx_capi/version.h"

#include <string_view>

#include "convert.h"
#include "mlx/version.h"

using namespace mlx_capi;

int mlx_version(mlx_string* out) noexcept {
  return guard([&] {
    std::string_view version = mx::version();
    *out = {version.data(), version.size()};
  });
}

int mlx_capi_check_version() noexcept {
  return guard([&] {
    const std::string expected = std::to_string(MLX_VERSION_MAJOR) + "." + std::to_string(MLX_VERSION_MINOR) +
                                 "." + std::to_string(MLX_VERSION_PATCH);
    const std::string found = mx::version();
    // A development build appends ".dev..." to the release it leads to.
    if (found == expected || found.starts_with(expected + ".dev")) return;
    throw std::runtime_error("MLX " + found + " is loaded, but this program was built for MLX " + expected +
                             ": build it again, or let the loader find the other library");
  });
}
