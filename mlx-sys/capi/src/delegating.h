// An operation that is another one of MLX but for what a subclass overrides.
#pragma once

#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

#include "closure.h"
#include "mlx/primitives.h"

namespace mlx_capi {

class Delegating : public mx::Primitive {
 public:
  explicit Delegating(std::shared_ptr<Primitive> inner)
      : Primitive(inner->stream()), inner_(std::move(inner)) {}

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override { inner_->eval_cpu(inputs, outputs); }
  void eval_gpu(const Arrays& inputs, Arrays& outputs) override { inner_->eval_gpu(inputs, outputs); }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums,
             const Arrays& outputs) override {
    return inner_->vjp(primals, cotangents, argnums, outputs);
  }

  Arrays jvp(const Arrays& primals, const Arrays& tangents, const std::vector<int>& argnums) override {
    return inner_->jvp(primals, tangents, argnums);
  }

  std::pair<Arrays, std::vector<int>> vmap(const Arrays& inputs, const std::vector<int>& axes) override {
    return inner_->vmap(inputs, axes);
  }

  std::vector<mx::Shape> output_shapes(const Arrays& inputs) override {
    return inner_->output_shapes(inputs);
  }

  const char* name() const override { return inner_->name(); }

  /// Whether output 0 takes the memory of input 0, whatever else refers to that.
  virtual bool is_in_place() const = 0;

 protected:
  /// MLX's primitives cast the other to their own type without looking.
  bool same_inner(const Delegating& other) const {
    const Primitive &a = *inner_, &b = *other.inner_;
    return typeid(a) == typeid(b) && a.is_equivalent(b);
  }

  std::shared_ptr<Primitive> inner_;
};

}  // namespace mlx_capi
