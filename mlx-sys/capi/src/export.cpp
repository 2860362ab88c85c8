#include "mlx_capi/export.h"

#include <map>

#include "closure.h"
#include "constants.h"
#include "convert.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

using FunKwargs = std::function<Arrays(const mx::Args&, const mx::Kwargs&)>;

mx::Kwargs as_kwargs(mlx_strings names, mlx_arrays values) {
  if (names.size != values.size) throw std::invalid_argument("names and arrays differ in number");
  mx::Kwargs kwargs;
  for (size_t i = 0; i < names.size; ++i) {
    auto [entry, is_new] = kwargs.emplace(get(names.data[i]), get(values.data[i]));
    if (!is_new) throw std::invalid_argument("the name " + entry->first + " is given twice");
  }
  return kwargs;
}

Arrays call(const Callback<mlx_closure_kwargs>& callback, const mx::Args& args, const mx::Kwargs& kwargs) {
  const std::map<std::string, array> sorted(kwargs.begin(), kwargs.end());
  std::vector<mlx_string> names;
  Arrays values;
  for (const auto& [name, value] : sorted) {
    names.push_back({name.data(), name.size()});
    values.push_back(value);
  }
  mlx_array_vector out{};
  callback(borrow(args), mlx_strings{names.data(), names.size()}, borrow(values), &out);
  return returned(out);
}

std::unordered_set<std::uintptr_t> ids(const mx::Args& args, const mx::Kwargs& kwargs) {
  std::unordered_set<std::uintptr_t> ids;
  for (const array& a : args) ids.insert(a.id());
  for (const auto& entry : kwargs) ids.insert(entry.second.id());
  return ids;
}

FunKwargs exported(mlx_closure_kwargs f) {
  Callback callback(f);
  return
      [callback, constants = std::make_shared<Constants>()](const mx::Args& args, const mx::Kwargs& kwargs) {
        auto outputs = call(callback, args, kwargs);
        constants->prepare(outputs, ids(args, kwargs));
        return outputs;
      };
}

/// What an `mlx_exporter` points to.
struct Exporter {
  mx::FunctionExporter exporter;
  /// A trace that has failed leaves an entry behind that MLX would read past the end of.
  bool failed = false;

  void add(const mx::Args& args, const mx::Kwargs& kwargs) {
    if (failed) throw std::invalid_argument("an earlier trace has failed");
    failed = true;
    exporter(args, kwargs);
    failed = false;
  }
};

/// A stream of this thread to run an operation on that was recorded on `recorded`: `s`, unless it was another
/// kind of device, which is here too.
mx::Stream on(mx::Stream recorded, mx::Stream s) {
  const auto device = recorded.device.type;
  return device == s.device.type || !mx::is_available(device) ? s : mx::default_stream(device);
}

/// Moves what computes `outputs` from `inputs` to streams of this thread. The file has the numbers of streams
/// of another process, which are those of other threads here.
void move(const Arrays& outputs, const std::unordered_set<std::uintptr_t>& inputs, mx::Stream s) {
  std::unordered_set<std::uintptr_t> seen;
  std::vector<const array*> left;
  for (const array& output : outputs) left.push_back(&output);
  while (!left.empty()) {
    const array& a = *left.back();
    left.pop_back();
    if (!a.has_primitive() || inputs.contains(a.id()) || !seen.insert(a.id()).second) continue;
    // Arrays in the file are read by streams of this thread already.
    if (std::strcmp(a.primitive().name(), "Load") == 0) continue;
    auto& stream = const_cast<mx::Stream&>(a.primitive().stream());
    stream = on(stream, s);
    for (const array& input : a.inputs()) left.push_back(&input);
    for (const array& sibling : a.siblings()) left.push_back(&sibling);
  }
}

}  // namespace
}  // namespace mlx_capi

int mlx_export_function(mlx_string path, mlx_closure_kwargs f, mlx_arrays args, mlx_strings names,
                        mlx_arrays values, bool shapeless, mlx_string metadata) noexcept {
  return guard([&] {
    auto fun = exported(f);
    mx::export_function(get(path), fun, get(args), as_kwargs(names, values), shapeless, get(metadata));
  });
}

int mlx_exporter_new(mlx_exporter* out, mlx_string path, mlx_closure_kwargs f, bool shapeless,
                     mlx_string metadata) noexcept {
  return guard(
      [&] { out->p = new Exporter{mx::exporter(get(path), exported(f), shapeless, get(metadata))}; });
}

int mlx_exporter_add(mlx_exporter e, mlx_arrays args, mlx_strings names, mlx_arrays values) noexcept {
  return guard([&] { static_cast<Exporter*>(e.p)->add(get(args), as_kwargs(names, values)); });
}

int mlx_exporter_close(mlx_exporter e) noexcept {
  return guard([&] { static_cast<Exporter*>(e.p)->exporter.close(); });
}

void mlx_exporter_free(mlx_exporter e) noexcept { delete static_cast<Exporter*>(e.p); }

int mlx_import_function(mlx_imported_function* out, mlx_string path) noexcept {
  return guard([&] { out->p = new mx::ImportedFunction(mx::import_function(get(path))); });
}

int mlx_imported_function_call(mlx_array_vector* out, mlx_imported_function f, mlx_arrays args,
                               mlx_strings names, mlx_arrays values, mlx_stream s) noexcept {
  return guard([&] {
    const auto& fun = *static_cast<mx::ImportedFunction*>(f.p);
    const auto positional = get(args);
    const auto kwargs = as_kwargs(names, values);
    auto outputs = fun(positional, kwargs);
    move(outputs, ids(positional, kwargs), get(s));
    put(out, std::move(outputs));
  });
}

int mlx_imported_function_metadata(mlx_string* out, mlx_imported_function f) noexcept {
  return guard([&] { put(out, static_cast<mx::ImportedFunction*>(f.p)->metadata()); });
}

void mlx_imported_function_free(mlx_imported_function f) noexcept {
  delete static_cast<mx::ImportedFunction*>(f.p);
}
