// Evaluation that tells the truth after a failure.
#pragma once

#include <exception>

#include "convert.h"

namespace mlx_capi {

/// Runs `evaluate(arrays)`. MLX marks arrays as evaluated before their computation can fail; when it
/// throws, those that were not available before are marked unscheduled, so that nobody reads what is in
/// their memory.
template <typename Evaluate>
void evaluate_or_reset(const std::vector<array>& arrays, Evaluate&& evaluate) {
  std::vector<array> pending;
  std::exception_ptr earlier_failure;
  for (const array& a : arrays) {
    try {
      if (a.is_available()) continue;
    } catch (...) {
      earlier_failure = std::current_exception();
    }
    pending.push_back(a);
    pending.insert(pending.end(), a.siblings().begin(), a.siblings().end());
  }
  try {
    if (earlier_failure) std::rethrow_exception(earlier_failure);
    evaluate(arrays);
  } catch (...) {
    for (const array& a : pending) a.set_status(array::unscheduled);
    throw;
  }
}

/// Waits until an evaluated array can be read.
inline void wait(const array& a) {
  if (a.status() == array::available) return;
  if (a.status() == array::unscheduled) throw std::invalid_argument("the array has not been evaluated");
  evaluate_or_reset({a}, [](const std::vector<array>& arrays) { array(arrays[0]).wait(); });
}

}  // namespace mlx_capi
