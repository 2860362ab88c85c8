#include "mlx_capi/graph_utils.h"

#include <sstream>

#include "convert.h"
#include "mlx/graph_utils.h"

using namespace mlx_capi;

int mlx_print_graph(mlx_owned_string* out, mlx_arrays outputs) noexcept {
  return guard([&] {
    std::ostringstream text;
    mx::print_graph(text, get(outputs));
    put(out, text.str());
  });
}

int mlx_export_to_dot(mlx_owned_string* out, mlx_arrays outputs) noexcept {
  return guard([&] {
    std::ostringstream text;
    mx::export_to_dot(text, get(outputs));
    put(out, text.str());
  });
}
