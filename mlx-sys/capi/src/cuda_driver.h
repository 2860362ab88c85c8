// MLX's encoder of CUDA graphs, and NVIDIA's driver.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>

#include "convert.h"

namespace mlx_capi {

/// CUDA's `dim3`.
struct Dimensions {
  unsigned x, y, z;

  explicit Dimensions(std::tuple<int, int, int> t = {1, 1, 1})
      : x(std::get<0>(t)), y(std::get<1>(t)), z(std::get<2>(t)) {}
};

/// A buffer of MLX for CUDA: its `CudaBuffer`.
struct CudaMemory {
  char* data;
  size_t size;
  /// -1 where the host has it too.
  int device;

  static const CudaMemory& of(const array& a) { return *static_cast<const CudaMemory*>(a.buffer().ptr()); }
};

/// Where an array lies for the GPU.
inline char* address(const array& a) { return CudaMemory::of(a).data + a.offset(); }

/// CUDA's `CUgraphEdgeData`.
struct Edge {
  unsigned char from_port = 0, to_port = 0, type = 0, reserved[5] = {};

  /// Between kernels that say themselves when the second may start, and wait for the first.
  static Edge overlapping() { return {1, 0, 1, {}}; }
};

/// CUDA's `CUDA_KERNEL_NODE_PARAMS`.
struct KernelNode {
  void* function;
  unsigned grid[3], block[3], shared_memory;
  void **parameters, **extra;
  void *kernel, *context;
};

/// Functions of both. Their headers need CUDA's, so they are found by their names, which hold the types of their
/// parameters; where one is missing there are none.
struct Cuda {
  void* (*encoder)(mx::Stream) = nullptr;
  void (*add_input)(void* encoder, const array&) = nullptr;
  void (*add_output)(void* encoder, const array&) = nullptr;
  void (*add_kernel)(void* encoder, void* function, Dimensions grid, Dimensions block, Dimensions cluster,
                     uint32_t memory, void** arguments) = nullptr;
  void (*add_completed_handler)(void* encoder, std::function<void()>) = nullptr;
  void (*commit)(void* encoder) = nullptr;
  int (*device)(int* device, int number) = nullptr;
  int (*attribute)(int* value, int attribute, int device) = nullptr;
  int (*load)(void** module, const void* image) = nullptr;
  int (*get)(void** function, void* module, const char* name) = nullptr;
  int (*set)(void* function, int attribute, int value) = nullptr;
  int (*launch)(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned memory,
                void* stream, void** arguments, void** extra) = nullptr;
  int (*copy)(uint64_t to, uint64_t from, size_t bytes, void* stream) = nullptr;
  int (*clone_graph)(void** clone, void* graph) = nullptr;
  int (*find_in_clone)(void** node, void* original, void* clone) = nullptr;
  int (*add_dependencies)(void* graph, void* const* from, void* const* to, const Edge* kinds, size_t count) = nullptr;
  int (*get_nodes)(void* graph, void** nodes, size_t* count) = nullptr;
  int (*destroy_node)(void* node) = nullptr;
  int (*get_node_type)(void* node, int* type) = nullptr;
  int (*get_kernel)(void* node, KernelNode* parameters) = nullptr;
  int (*instantiate)(void** executable, void* graph, unsigned long long flags) = nullptr;
  int (*launch_graph)(void* executable, void* stream) = nullptr;
  int (*destroy_graph)(void* graph) = nullptr;
  int (*destroy_executable)(void* executable) = nullptr;

  static const Cuda* find() {
    static const Cuda cuda;
    return cuda.complete_ ? &cuda : nullptr;
  }

  static const Cuda& required() {
    if (const Cuda* cuda = find()) return *cuda;
    throw std::runtime_error("this needs MLX for CUDA, and NVIDIA's driver");
  }

  static void check(const std::string& what, int code) {
    if (code != 0) throw std::runtime_error("[" + what + "] CUDA answers with error " + std::to_string(code));
  }

 private:
  Cuda() {
    find(encoder, "_ZN3mlx4core2cu19get_command_encoderENS0_6StreamE");
    find(add_input, "_ZN3mlx4core2cu14CommandEncoder15set_input_arrayERKNS0_5arrayE");
    find(add_output, "_ZN3mlx4core2cu14CommandEncoder16set_output_arrayERKNS0_5arrayE");
    find(add_kernel, "_ZN3mlx4core2cu14CommandEncoder19add_kernel_node_rawEP9CUfunc_st4dim3S5_S5_jPPv");
    find(add_completed_handler, "_ZN3mlx4core2cu14CommandEncoder21add_completed_handlerESt8functionIFvvEE");
    find(commit, "_ZN3mlx4core2cu14CommandEncoder6commitEv");
    find(device, "cuDeviceGet");
    find(attribute, "cuDeviceGetAttribute");
    find(load, "cuModuleLoadData");
    find(get, "cuModuleGetFunction");
    find(set, "cuFuncSetAttribute");
    find(launch, "cuLaunchKernel");
    find(copy, "cuMemcpyDtoDAsync_v2");
    find(clone_graph, "cuGraphClone");
    find(find_in_clone, "cuGraphNodeFindInClone");
    find(add_dependencies, "cuGraphAddDependencies_v2");
    find(get_nodes, "cuGraphGetNodes");
    find(destroy_node, "cuGraphDestroyNode");
    find(get_node_type, "cuGraphNodeGetType");
    find(get_kernel, "cuGraphKernelNodeGetParams_v2");
    find(instantiate, "cuGraphInstantiateWithFlags");
    find(launch_graph, "cuGraphLaunch");
    find(destroy_graph, "cuGraphDestroy");
    find(destroy_executable, "cuGraphExecDestroy");
  }

  template <typename Function>
  void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
    complete_ = complete_ && function;
  }

  bool complete_ = true;
};

/// The members of MLX's `CommandEncoder` up to the last one that is needed here.
struct EncoderState {
  void* device;
  void* stream;
  /// What has been encoded since the last commit; its nodes are connected when it is committed.
  void* graph;
  std::shared_ptr<void> worker;
  int node_count;
  bool in_concurrent;
  std::vector<void*> from, to;
  std::string nodes_key, dependencies_key;
  std::vector<char> concurrent_nodes;
  std::vector<std::shared_ptr<array::Data>> temporaries;

  static const EncoderState& of(void* encoder) { return *static_cast<const EncoderState*>(encoder); }
};

/// A function of a compiled module, loaded when it is first needed.
class CudaFunction {
 public:
  CudaFunction(std::string name, int shared_memory) : name_(std::move(name)), shared_memory_(shared_memory) {}

  void* get(const std::string& module) {
    if (function_) return function_;
    const Cuda& cuda = Cuda::required();
    void*& loaded = modules()[module];
    void* function = nullptr;
    if (!loaded) Cuda::check(name_, cuda.load(&loaded, module.data()));
    Cuda::check(name_, cuda.get(&function, loaded, name_.c_str()));
    // Several launch the same function, with different amounts.
    constexpr int most_dynamic_memory = 8;
    int& most = functions()[function];
    if (shared_memory_ > most) Cuda::check(name_, cuda.set(function, most_dynamic_memory, shared_memory_));
    most = std::max(most, shared_memory_);
    return function_ = function;
  }

  /// Whether it is one of those.
  static bool is_known(void* function) { return functions().contains(function); }

  uint32_t shared_memory() const { return shared_memory_; }

 private:
  /// What has been loaded, for good. One thread at a time gives work to CUDA.
  static std::unordered_map<std::string, void*>& modules() {
    static auto* modules = new std::unordered_map<std::string, void*>();
    return *modules;
  }

  /// The functions of those, with the most dynamic shared memory that one is launched with.
  static std::unordered_map<void*, int>& functions() {
    static auto* functions = new std::unordered_map<void*, int>();
    return *functions;
  }

  std::string name_;
  int shared_memory_;
  void* function_ = nullptr;
};

}  // namespace mlx_capi
