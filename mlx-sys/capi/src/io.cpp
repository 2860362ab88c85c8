#include "mlx_capi/io.h"

#include <algorithm>
#include <unordered_map>

#include "convert.h"
#include "evaluation.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// The contents of a file as lists, so that they can be asked for by position.
struct Safetensors {
  std::vector<std::string> names;
  std::vector<array> arrays;
  std::vector<std::pair<std::string, std::string>> metadata;

  explicit Safetensors(const mx::SafetensorsLoad& file) : metadata(file.second.begin(), file.second.end()) {
    for (const auto& entry : file.first) names.push_back(entry.first);
    std::sort(names.begin(), names.end());
    for (const auto& name : names) arrays.push_back(file.first.at(name));
    std::sort(metadata.begin(), metadata.end());
  }
};

Safetensors& as_file(mlx_safetensors f) { return *static_cast<Safetensors*>(f.p); }

template <typename Value, typename List>
std::unordered_map<std::string, Value> as_map(mlx_strings names, List values, const char* what) {
  if (names.size != values.size) {
    throw std::invalid_argument(std::to_string(names.size) + " names were given for " +
                                std::to_string(values.size) + " " + what);
  }
  std::unordered_map<std::string, Value> map;
  for (size_t i = 0; i < names.size; ++i) {
    auto [entry, is_new] = map.emplace(get(names.data[i]), get(values.data[i]));
    if (!is_new) throw std::invalid_argument("the name " + entry->first + " is given twice");
  }
  return map;
}

}  // namespace
}  // namespace mlx_capi

int mlx_load(mlx_array* out, mlx_string path, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::load(get(path), get(s))); });
}

int mlx_save(mlx_string path, mlx_array a) noexcept {
  return guard([&] {
    evaluate({get(a)});
    mx::save(get(path), get(a));
  });
}

int mlx_load_safetensors(mlx_safetensors* out, mlx_string path, mlx_stream s) noexcept {
  return guard([&] { out->p = new Safetensors(mx::load_safetensors(get(path), get(s))); });
}

int mlx_save_safetensors(mlx_string path, mlx_strings names, mlx_arrays arrays, mlx_strings metadata_names,
                         mlx_strings metadata_values) noexcept {
  return guard([&] {
    auto array_map = as_map<array>(names, arrays, "arrays");
    auto metadata = as_map<std::string>(metadata_names, metadata_values, "metadata values");
    evaluate(get(arrays));
    mx::save_safetensors(get(path), std::move(array_map), std::move(metadata));
  });
}

size_t mlx_safetensors_size(mlx_safetensors f) noexcept { return as_file(f).names.size(); }

int mlx_safetensors_name(mlx_string* out, mlx_safetensors f, size_t i) noexcept {
  return guard([&] { put(out, as_file(f).names.at(i)); });
}

int mlx_safetensors_take(mlx_array* out, mlx_safetensors f, size_t i) noexcept {
  return guard([&] { put(out, take(as_file(f).arrays, i)); });
}

size_t mlx_safetensors_metadata_size(mlx_safetensors f) noexcept { return as_file(f).metadata.size(); }

int mlx_safetensors_metadata(mlx_string* out_name, mlx_string* out_value, mlx_safetensors f,
                             size_t i) noexcept {
  return guard([&] {
    const auto& [name, value] = as_file(f).metadata.at(i);
    put(out_name, name);
    put(out_value, value);
  });
}

void mlx_safetensors_free(mlx_safetensors f) noexcept { delete static_cast<Safetensors*>(f.p); }
