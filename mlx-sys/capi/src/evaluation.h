// Evaluation that tells the truth after a failure.
//
// MLX marks arrays as evaluated before their computation can fail, and cuts them from their graph. When it
// then throws, every array of that graph that somebody still holds claims to be readable, over memory that
// nobody wrote. So each thread notes the arrays to be computed and keeps the note until an array is known to
// have been computed; after a failure all noted arrays are marked unscheduled, and reading or evaluating one
// of them fails.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string_view>
#include <unordered_set>

#include "allocation.h"
#include "convert.h"
#include "cpu_kernels.h"
#include "mlx/primitives.h"
#include "mlx/scheduler.h"
#include "turn.h"

namespace mlx_capi {

/// Whether the array only looks at the memory of another, whatever its size.
inline bool is_view(const array& a) {
  static const std::unordered_set<std::string_view> views = {
      "AsStrided", "Broadcast", "BroadcastAxes", "ExpandDims", "Slice", "Split", "Squeeze", "Transpose"};
  return views.contains(a.primitive().name());
}

inline size_t memory_of_host_and_gpu() {
  const auto info = mx::device_info(mx::Device::gpu);
  const auto total = info.find("total_memory");
  const size_t* of_gpu = total == info.end() ? nullptr : std::get_if<size_t>(&total->second);
  return size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE)) + (of_gpu ? *of_gpu : 0);
}

/// Whether an allocation of this size would be refused, or worse: MLX's CPU allocator does not look at what
/// malloc returns, and its kernels would write to address zero; CUDA gives memory that host and GPU share without asking how
/// much there is, and the host ends programs that write to it. (Metal's allocator throws.)
inline bool is_refused(size_t bytes) {
  if (bytes <= always_there || mx::metal::is_available()) return false;
  if (mx::cu::is_available()) {
    static const size_t all = memory_of_host_and_gpu();
    return bytes > all;
  }
  return !malloc_gives(bytes);
}

inline void check_memory(const array& a) {
  if (!a.has_primitive() || !is_refused(a.nbytes()) || is_view(a)) return;
  throw OutOfMemory("[" + std::string(a.primitive().name()) + "] there is no memory for an array of " +
                    std::to_string(a.nbytes()) + " bytes");
}

/// Has an array without elements that a GPU would compute done with. For these MLX on CUDA launches kernels of no threads, which
/// the driver refuses, divides by the number of their rows, or reads memory that is not there.
inline void skip_empty(const array& a) {
  const bool is_left = a.size() == 0 && a.status() == array::unscheduled && a.has_primitive() &&
                       a.primitive().device() == mx::Device::gpu && !is_foreign(a.primitive());
  if (!is_left) return;
  std::vector<array> outputs = array(a).outputs();
  if (!std::ranges::all_of(outputs, [](const array& output) { return output.size() == 0; })) return;
  for (array& output : outputs) {
    output.set_data(mx::allocator::malloc(0));
    output.set_status(array::available);
  }
  if (!a.is_tracer()) outputs[0].detach();
}

/// The arrays of the calling thread whose computation is not known to have succeeded.
class Unproven {
 public:
  static Unproven& of_this_thread() {
    thread_local Unproven unproven;
    return unproven;
  }

  /// Notes what evaluating `roots` will compute, and gives the bytes of it. Throws the error of an earlier computation
  /// that they depend on.
  size_t add(const std::vector<array>& roots) {
    size_t bytes = 0;
    if (nodes_.size() > settle_at_) settle();
    std::exception_ptr earlier;
    std::unordered_set<std::uintptr_t> seen;
    std::vector<const array*> stack;
    for (const array& root : roots) stack.push_back(&root);
    while (!stack.empty()) {
      const array& a = *stack.back();
      stack.pop_back();
      if (!seen.insert(a.id()).second) continue;
      try {
        if (a.is_available()) continue;
      } catch (...) {
        earlier = std::current_exception();
      }
      skip_empty(a);
      check_memory(a);
      if (a.has_primitive() && !is_view(a) && !is_in_place(a)) bytes += a.nbytes();
      apply_cpu_kernels(a);
      apply_rewrites(a);
      // Weak, because an array that someone else refers to cannot give its buffer to its successor.
      nodes_.emplace_back(reinterpret_cast<const std::shared_ptr<void>&>(a));
      for (const array& input : a.inputs()) stack.push_back(&input);
      for (const array& sibling : a.siblings()) stack.push_back(&sibling);
    }
    if (earlier) std::rethrow_exception(earlier);
    return bytes;
  }

  /// Forgets what has been computed, and what nobody holds any more. Throws if a computation has failed.
  void settle() {
    std::erase_if(nodes_, [](const auto& node) {
      auto alive = node.lock();
      return !alive || as_array(alive).is_available();
    });
    settle_at_ = 2 * nodes_.size() + 4096;
  }

  /// Nothing that was noted may be read.
  void failed() noexcept {
    for (const auto& node : nodes_) {
      if (auto alive = node.lock()) as_array(alive).set_status(array::unscheduled);
    }
    nodes_.clear();
  }

 private:
  static const array& as_array(const std::shared_ptr<void>& node) {
    return reinterpret_cast<const array&>(node);
  }

  std::vector<std::weak_ptr<void>> nodes_;
  /// The number of notes at which those of the past are worth a look: a weak reference keeps the array's
  /// descriptor in memory.
  size_t settle_at_ = 4096;
};

/// Waits for the work of this thread, whatever comes of it.
inline void drain(mx::Device device) noexcept {
  // Each failure that is still stored in the stream is thrown once.
  for (int attempt = 0; attempt < 10; ++attempt) {
    try {
      if (auto stream = mx::peek_default_stream(device)) mx::synchronize(*stream);
      return;
    } catch (...) {
    }
  }
}

/// MLX counts the tasks that run and loses count of one when a failure surfaces as the next is scheduled; at
/// more than ten it waits for them forever. When nothing of this thread runs, what is left of the count has
/// been lost. (Taking back a task of another thread as well only lets that one schedule further ahead.)
inline void forget_lost_tasks() noexcept {
  drain(mx::Device::cpu);
  drain(mx::Device::gpu);
  auto& scheduler = mx::scheduler::scheduler();
  while (scheduler.n_active_tasks() > 0) scheduler.notify_task_completion(mx::Stream(0, mx::Device::cpu));
}

/// Lets this thread run ahead of the CPU's streams.
///
/// MLX makes a thread that evaluates wait while more than ten tasks, of ten dispatches each, are to be run, so that not
/// too many results are in memory at once. It is then woken as each task ends: with small results, those of a step of a
/// language model that generates, waking and sleeping takes longer than the tasks. While one of these lives MLX counts
/// fewer tasks than there are.
class RunAhead {
 public:
  RunAhead() { count(&mx::scheduler::Scheduler::notify_task_completion); }
  ~RunAhead() { count(&mx::scheduler::Scheduler::notify_new_task); }
  RunAhead(const RunAhead&) = delete;
  RunAhead& operator=(const RunAhead&) = delete;

  /// What the results of a graph may take together.
  static constexpr size_t most_bytes = size_t(1) << 25;

 private:
  static constexpr int tasks = 1024;

  static void count(void (mx::scheduler::Scheduler::*notify)(const mx::Stream&)) {
    auto& scheduler = mx::scheduler::scheduler();
    for (int i = 0; i < tasks; ++i) (scheduler.*notify)(mx::Stream(0, mx::Device::cpu));
  }
};

/// Runs `evaluate(arrays)`, which may throw; `blocking` says that it returns when they are computed.
template <typename Evaluate>
void evaluate(const std::vector<array>& arrays, bool blocking, Evaluate&& evaluate) {
  Unproven& unproven = Unproven::of_this_thread();
  Turn turn;
  try {
    const size_t bytes = unproven.add(arrays);
    std::optional<RunAhead> run_ahead;
    const bool on_cpu = mx::default_device() == mx::Device::cpu;
    if (on_cpu && !blocking && bytes < RunAhead::most_bytes) run_ahead.emplace();
    evaluate(arrays);
    run_ahead.reset();
    if (blocking) unproven.settle();
  } catch (const OutOfMemory&) {
    throw;  // Nothing was scheduled.
  } catch (...) {
    unproven.failed();
    forget_lost_tasks();
    throw;
  }
}

/// Evaluates and waits.
inline void evaluate(const std::vector<array>& arrays) {
  evaluate(arrays, true, [](const std::vector<array>& list) { mx::eval(list); });
}

/// Waits until an evaluated array can be read.
inline void wait(const array& a) {
  if (a.status() == array::available) return;
  if (a.status() == array::unscheduled) throw std::invalid_argument("the array has not been evaluated");
  evaluate({a}, true, [](const std::vector<array>& arrays) { array(arrays[0]).wait(); });
}

}  // namespace mlx_capi
