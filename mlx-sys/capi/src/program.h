// Launches of compiled CUDA kernels as one operation.
#pragma once

#include "closure.h"
#include "cuda_driver.h"
#include "mlx/primitives.h"
#include "mlx_capi/program.h"

namespace mlx_capi {

/// The last outputs may lie in the memory of the last inputs.
class Program : public mx::Primitive {
 public:
  Program(const mlx_program_parts& parts, mx::Stream stream);

  /// Records `self`.
  static Arrays record(const std::shared_ptr<Program>& self, Arrays inputs);

  void eval_cpu(const Arrays&, Arrays&) override {
    throw std::invalid_argument("[program] runs on a GPU only");
  }
  void eval_gpu(const Arrays& inputs, Arrays& outputs) override;

  bool is_equivalent(const Primitive& other) const override { return this == &other; }
  const char* name() const override { return "Program"; }

  /// How many outputs, the first ones, have memory of their own.
  size_t own_outputs() const { return shapes_.size() - in_place_; }
  bool is_in_place() const { return in_place_ > 0; }
  int places() const { return places_; }
  int positions() const { return positions_; }

 private:
  struct Step {
    CudaFunction function;
    Dimensions blocks, threads;
    std::vector<mlx_scalar_arg> arguments;
  };

  void launch(Step& step, void* encoder, const Arrays& inputs, const Arrays& outputs, const Arrays& scratch);

  std::string module_;
  std::vector<Step> steps_;
  std::vector<mx::Shape> shapes_;
  std::vector<mx::Dtype> dtypes_;
  size_t in_place_;
  std::vector<size_t> scratch_;
  int places_, positions_;
};

inline const Program* as_program(const mx::Primitive& primitive) {
  return typeid(primitive) == typeid(Program) ? static_cast<const Program*>(&primitive) : nullptr;
}

/// Gives the array memory of the GPU's own.
void allocate_on_gpu(array& a, mx::Stream stream);

/// The memory that is needed until what has been encoded ran; `nullptr` outside of captures.
std::vector<std::shared_ptr<array::Data>>*& captured_memory();

}  // namespace mlx_capi
