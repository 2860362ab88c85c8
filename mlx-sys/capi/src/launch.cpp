#include "launch.h"

#include <dlfcn.h>

#include <algorithm>

#include "cpu_kernels.h"
#include "delegating.h"
#include "parameters.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// CUDA's `dim3`.
struct Dimensions {
  unsigned x, y, z;

  explicit Dimensions(std::tuple<int, int, int> t = {1, 1, 1})
      : x(std::get<0>(t)), y(std::get<1>(t)), z(std::get<2>(t)) {}

  /// How many of `part` cover this.
  Dimensions over(Dimensions part) const {
    auto count = [](unsigned a, unsigned b) { return static_cast<int>((a + b - 1) / b); };
    return Dimensions({count(x, part.x), count(y, part.y), count(z, part.z)});
  }
};

/// MLX's encoder of CUDA graphs, and the driver. Their headers need CUDA's, so they are found by their names,
/// which hold the types of their parameters; what is missing leaves launches to MLX.
struct Cuda {
  void* (*encoder)(mx::Stream) = nullptr;
  void (*add_input)(void* encoder, const array&) = nullptr;
  void (*add_output)(void* encoder, const array&) = nullptr;
  void (*add_kernel)(void* encoder, void* function, Dimensions grid, Dimensions block, Dimensions cluster,
                     uint32_t memory, void** arguments) = nullptr;
  int (*load)(void** module, const void* image) = nullptr;
  int (*get)(void** function, void* module, const char* name) = nullptr;
  int (*set)(void* function, int attribute, int value) = nullptr;

  static const Cuda* find() {
    static const Cuda cuda;
    return cuda.complete_ ? &cuda : nullptr;
  }

 private:
  Cuda() {
    find(encoder, "_ZN3mlx4core2cu19get_command_encoderENS0_6StreamE");
    find(add_input, "_ZN3mlx4core2cu14CommandEncoder15set_input_arrayERKNS0_5arrayE");
    find(add_output, "_ZN3mlx4core2cu14CommandEncoder16set_output_arrayERKNS0_5arrayE");
    find(add_kernel, "_ZN3mlx4core2cu14CommandEncoder19add_kernel_node_rawEP9CUfunc_st4dim3S5_S5_jPPv");
    find(load, "cuModuleLoadData");
    find(get, "cuModuleGetFunction");
    find(set, "cuFuncSetAttribute");
  }

  template <typename Function>
  void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
    complete_ = complete_ && function;
  }

  bool complete_ = true;
};

/// A call of a compiled kernel that goes to the encoder without detours.
class Launch : public Delegating {
 public:
  Launch(const array& output, const Cuda& cuda) : Delegating(array(output).primitive_ptr()), cuda_(cuda) {
    const auto [name, module, threads, block, shape_infos, row_contiguous, init_value, scalars, precompiled,
                memory, options] = static_cast<const mx::fast::CustomKernel&>(*inner_).state();
    direct_ = precompiled && !init_value;
    name_ = name;
    module_ = module;
    block_ = Dimensions(block);
    grid_ = Dimensions(threads).over(block_);
    scalars_ = scalars;
    memory_ = memory;
    allocating_ = mx::square(nothing(output), stream()).primitive_ptr();
  }

  void eval_gpu(const Arrays& inputs, Arrays& outputs) override {
    auto is_dense = [](const array& a) { return a.flags().row_contiguous; };
    const bool dense = std::all_of(inputs.begin(), inputs.end(), is_dense);
    if (!direct_ || !dense) return inner_->eval_gpu(inputs, outputs);
    if (!function_) load();
    allocate(outputs);
    void* encoder = cuda_.encoder(stream());
    mx::SmallVector<void*, 16> addresses, arguments;
    for (const array& a : inputs) {
      cuda_.add_input(encoder, a);
      addresses.push_back(address(a));
    }
    cuda_.add_output(encoder, outputs[0]);
    addresses.push_back(address(outputs[0]));
    for (void*& a : addresses) arguments.push_back(&a);
    for (auto& scalar : scalars_) {
      arguments.push_back(std::visit([](auto& value) { return static_cast<void*>(&value); }, scalar));
    }
    cuda_.add_kernel(encoder, function_, grid_, block_, Dimensions(), memory_, arguments.data());
  }

  bool is_equivalent(const Primitive& other) const override {
    auto* same = dynamic_cast<const Launch*>(&other);
    return same && same->inner_ == inner_;
  }

  bool is_in_place() const override { return false; }

 private:
  static array nothing(const array& like) { return array({0}, like.dtype(), nullptr, {}); }

  /// Where an array lies for the GPU: MLX's buffers of CUDA begin with it.
  static void* address(const array& a) {
    return *static_cast<char* const*>(a.buffer().ptr()) + a.offset();
  }

  void load() {
    void* module = nullptr;
    check(cuda_.load(&module, module_.data()));
    check(cuda_.get(&function_, module, name_.c_str()));
    constexpr int most_dynamic_memory = 8;
    check(cuda_.set(function_, most_dynamic_memory, memory_));
  }

  void check(int code) {
    if (code == 0) return;
    function_ = nullptr;
    throw std::runtime_error("[" + name_ + "] CUDA cannot load the kernel: error " + std::to_string(code));
  }

  /// Gives the output memory of the GPU's own. The public door of MLX's allocator gives such as the host shares,
  /// which is moved about. An operation over no elements launches nothing, but allocates for as many as its input
  /// claims to have.
  void allocate(Arrays& outputs) {
    const array& out = outputs[0];
    size_t longest = 1;
    for (int n : out.shape()) longest = std::max(longest, static_cast<size_t>(n));
    array claim = nothing(out);
    mx::allocator::Data no_data(mx::allocator::Buffer(nullptr), [](mx::allocator::Buffer) {});
    claim.set_data(std::move(no_data), out.size(), out.strides(), {true, true, longest == out.size()});
    allocating_->eval_gpu({claim}, outputs);
  }

  const Cuda& cuda_;
  bool direct_;
  std::string name_, module_;
  Dimensions grid_, block_;
  std::vector<mx::fast::ScalarArg> scalars_;
  uint32_t memory_;
  std::shared_ptr<Primitive> allocating_;
  void* function_ = nullptr;
};

}  // namespace

std::shared_ptr<mx::Primitive> with_direct_launch(const array& output) {
  const Cuda* cuda = Cuda::find();
  const auto& primitive = array(output).primitive_ptr();
  const bool is_kernel = std::string_view(primitive->name()) == "CustomKernel" && !is_foreign(*primitive);
  return cuda && is_kernel ? std::make_shared<Launch>(output, *cuda) : primitive;
}

}  // namespace mlx_capi
