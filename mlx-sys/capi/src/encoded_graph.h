// A CUDA graph that MLX has encoded, made ready to be launched again and again.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "cuda_driver.h"

namespace mlx_capi {

/// Kernels of this library let those behind them start before they are done. CUDA does so in a graph whose nodes do nothing
/// else, each of them behind one other: a single kernel that waits as usual, or for two, makes all of them wait. So the longest
/// run of such kernels becomes a graph of its own, between one of what comes before and one of what comes after.
class EncodedGraph {
 public:
  EncodedGraph(const Cuda& cuda, const EncoderState& state) : cuda_(cuda), graph_(state.graph) {
    size_t count = 0;
    Cuda::check("replay", cuda.get_nodes(graph_, nullptr, &count));
    std::vector<void*> nodes(count);
    Cuda::check("replay", cuda.get_nodes(graph_, nodes.data(), &count));
    sort(nodes, state.from, state.to);
  }

  /// Graphs that are launched one after the other.
  std::vector<void*> executables() const {
    const auto [first, last] = longest_run();
    std::vector<void*> list;
    for (const Part part : {Part{0, first, false}, Part{first, last, true}, Part{last, nodes_.size(), false}}) {
      if (part.first == part.last) continue;
      void* executable = instantiate(part);
      // Where the driver does not let kernels overlap, they follow each other.
      if (!executable && part.overlaps) executable = instantiate({part.first, part.last, false});
      if (!executable) {
        for (void* other : list) cuda_.destroy_executable(other);
        throw std::runtime_error("[replay] CUDA cannot make the graph ready");
      }
      list.push_back(executable);
    }
    return list;
  }

 private:
  using Edges = std::vector<std::pair<size_t, size_t>>;

  /// Nodes by their numbers.
  struct Part {
    size_t first, last;
    bool overlaps;

    bool has(size_t node) const { return node >= first && node < last; }
  };

  /// Numbers nodes in an order in which they can be computed.
  void sort(const std::vector<void*>& nodes, const std::vector<void*>& from, const std::vector<void*>& to) {
    std::unordered_map<void*, std::vector<void*>> next;
    std::unordered_map<void*, size_t> missing, numbers;
    for (size_t i = 0; i < from.size(); ++i) {
      next[from[i]].push_back(to[i]);
      ++missing[to[i]];
    }
    for (void* node : nodes) {
      if (!missing.contains(node)) nodes_.push_back(node);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      numbers[nodes_[i]] = i;
      for (void* node : next[nodes_[i]]) {
        if (--missing[node] == 0) nodes_.push_back(node);
      }
    }
    if (nodes_.size() != nodes.size()) throw std::runtime_error("[replay] MLX has encoded something else than a graph");
    for (size_t i = 0; i < from.size(); ++i) edges_.emplace_back(numbers.at(from[i]), numbers.at(to[i]));
  }

  std::pair<size_t, size_t> longest_run() const {
    std::pair<size_t, size_t> longest{0, 0};
    for (size_t first = 0, i = 0; i < nodes_.size(); ++i) {
      if (!is_ours(nodes_[i])) first = i + 1;
      if (i + 1 - first > longest.second - longest.first) longest = {first, i + 1};
    }
    // A few kernels gain less than two more launches cost.
    const bool is_worth_it = 2 * (longest.second - longest.first) >= nodes_.size();
    return is_worth_it ? longest : std::pair<size_t, size_t>{0, 0};
  }

  /// Whether a node launches a kernel of this library, which waits for those before it.
  bool is_ours(void* node) const {
    int type = -1;
    KernelNode parameters{};
    constexpr int kernel = 0;
    const bool is_kernel = cuda_.get_node_type(node, &type) == 0 && type == kernel;
    return is_kernel && cuda_.get_kernel(node, &parameters) == 0 && CudaFunction::is_known(parameters.function);
  }

  void* instantiate(Part part) const {
    void* clone = nullptr;
    Cuda::check("replay", cuda_.clone_graph(&clone, graph_));
    struct Owner {
      const Cuda& cuda;
      void* graph;
      ~Owner() { cuda.destroy_graph(graph); }
    } owner{cuda_, clone};
    std::vector<void*> nodes(nodes_.size()), from, to;
    for (size_t i = 0; i < nodes.size(); ++i) {
      Cuda::check("replay", cuda_.find_in_clone(&nodes[i], nodes_[i], clone));
    }
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (!part.has(i)) Cuda::check("replay", cuda_.destroy_node(nodes[i]));
    }
    for (auto [a, b] : part.overlaps ? without_detours(part) : edges_) {
      if (!part.has(a) || !part.has(b)) continue;
      from.push_back(nodes[a]);
      to.push_back(nodes[b]);
    }
    const std::vector<Edge> kinds(from.size(), part.overlaps ? Edge::overlapping() : Edge());
    void* executable = nullptr;
    const bool added = cuda_.add_dependencies(clone, from.data(), to.data(), kinds.data(), from.size()) == 0;
    return added && cuda_.instantiate(&executable, clone, 0) == 0 ? executable : nullptr;
  }

  /// The edges within a part, without those between nodes that others connect too, by way of a third.
  Edges without_detours(Part part) const {
    const size_t count = part.last - part.first;
    std::vector<std::vector<size_t>> next(count);
    for (auto [a, b] : edges_) {
      if (part.has(a) && part.has(b)) next[a - part.first].push_back(b - part.first);
    }
    // What can be reached from each node. The nearest comes first, and by it what others may lead to as well.
    std::vector<std::vector<bool>> reached(count, std::vector<bool>(count));
    Edges kept;
    for (size_t node = count; node-- > 0;) {
      std::sort(next[node].begin(), next[node].end());
      for (size_t other : next[node]) {
        if (reached[node][other]) continue;
        kept.emplace_back(node + part.first, other + part.first);
        reached[node][other] = true;
        for (size_t i = other + 1; i < count; ++i) {
          if (reached[other][i]) reached[node][i] = true;
        }
      }
    }
    return kept;
  }

  const Cuda& cuda_;
  void* graph_;
  std::vector<void*> nodes_;
  Edges edges_;
};

}  // namespace mlx_capi
