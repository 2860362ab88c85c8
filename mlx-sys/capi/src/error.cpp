#include "mlx_capi/error.h"

#include <filesystem>

#include "convert.h"

namespace mlx_capi {
namespace {

thread_local std::string message;

int record(int status, const char* text) noexcept {
  try {
    message = text;
  } catch (...) {
    message.clear();  // No memory left for the text; the status still tells.
  }
  return status;
}

}  // namespace

int record_exception() noexcept {
  try {
    throw;
  } catch (const CallbackFailed& e) {
    return record(MLX_CALLBACK, e.what());
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
    return record(MLX_RUNTIME, e.what());
  } catch (...) {
    return record(MLX_UNKNOWN, "an exception of unknown type");
  }
}

}  // namespace mlx_capi

void mlx_error_message(const char** data, size_t* size) noexcept {
  *data = mlx_capi::message.data();
  *size = mlx_capi::message.size();
}
