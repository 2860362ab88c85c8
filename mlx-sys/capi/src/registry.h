// Tables of functions of C, by the name of the operations they are for.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host.h"

namespace mlx_capi {

/// Of several tables for one name the last counts. Entries live as long as the process.
template <typename Table>
class Registry {
 public:
  /// Takes over the context, also when it throws.
  void add(Table table) {
    Host<Table> host(table);
    const mlx_string name = std::exchange(host.table.primitive, {});
    std::lock_guard lock(mutex_);
    // For good: threads keep pointers to entries.
    entries_.push_back(new Entry{get(name), std::move(host)});
    generation_.fetch_add(1, std::memory_order_release);
  }

  bool empty() const { return generation_.load(std::memory_order_acquire) == 0; }

  /// The table for a name. Each thread looks into an index of its own, without a lock.
  const Host<Table>* find(std::string_view name) {
    thread_local std::unordered_map<std::string_view, const Host<Table>*> index;
    thread_local size_t index_of = 0;
    if (const size_t generation = generation_.load(std::memory_order_acquire); index_of != generation) {
      std::lock_guard lock(mutex_);
      index.clear();
      for (const Entry* entry : entries_) index[entry->name] = &entry->host;
      index_of = generation;
    }
    const auto place = index.find(name);
    return place == index.end() ? nullptr : place->second;
  }

 private:
  struct Entry {
    std::string name;
    Host<Table> host;
  };

  std::mutex mutex_;
  std::vector<const Entry*> entries_;
  std::atomic<size_t> generation_ = 0;
};

}  // namespace mlx_capi
