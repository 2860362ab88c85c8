#include "mlx_capi/error.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "convert.h"

namespace mlx_capi {
namespace {

thread_local std::string message;
thread_local std::string said_by_callback;

/// Starts the message of a failed callback on its way through MLX.
constexpr char callback_mark = '\x01';

/// Whether an allocator of MLX or a driver says that there is no memory, for which they have no type.
bool tells_of_memory(std::string_view text) {
  constexpr std::string_view signs[] = {"out of memory", "malloc] Unable to allocate", "malloc] Attempting to allocate"};
  return std::ranges::any_of(signs, [&](std::string_view sign) { return text.find(sign) != text.npos; });
}

int record(int status, const char* text) noexcept {
  try {
    message = text;
  } catch (...) {
    message.clear();  // No memory left for the text; the status still tells.
  }
  return status;
}

}  // namespace

std::string callback_message() {
  std::string said = std::exchange(said_by_callback, {});
  return callback_mark + (said.empty() ? "a callback failed" : said);
}

int record_exception() noexcept {
  try {
    throw;
  } catch (const std::out_of_range& e) {
    return record(MLX_OUT_OF_RANGE, e.what());
  } catch (const std::logic_error& e) {
    return record(MLX_INVALID_ARGUMENT, e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return record(MLX_IO, e.what());
  } catch (const OutOfMemory& e) {
    return record(MLX_BAD_ALLOC, e.what());
  } catch (const std::bad_alloc&) {
    return record(MLX_BAD_ALLOC, "out of memory");
  } catch (const std::exception& e) {
    if (e.what()[0] == callback_mark) return record(MLX_CALLBACK, e.what() + 1);
    return record(tells_of_memory(e.what()) ? MLX_BAD_ALLOC : MLX_RUNTIME, e.what());
  } catch (...) {
    return record(MLX_UNKNOWN, "an exception of unknown type");
  }
}

}  // namespace mlx_capi

void mlx_error_message(const char** data, size_t* size) noexcept {
  *data = mlx_capi::message.data();
  *size = mlx_capi::message.size();
}

void mlx_callback_failed(mlx_string text) noexcept {
  try {
    mlx_capi::said_by_callback.assign(text.data, text.size);
  } catch (...) {
    mlx_capi::said_by_callback.clear();
  }
}
