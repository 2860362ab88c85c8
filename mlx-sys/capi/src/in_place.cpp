#include "cpu_kernels.h"
#include "delegating.h"
#include "mlx_capi/operation.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// Gives access to a private member: the rules do not apply to the arguments of an explicit instantiation.
template <auto member>
struct Open {
  friend auto owned_flag() { return member; }
};
auto owned_flag();
template struct Open<&mx::allocator::Data::owned_>;

/// `SliceUpdate` on a GPU, written in the memory of the array it updates, whatever else refers to that.
///
/// MLX reuses that memory if nobody else refers to the array and the memory is owned by the allocator. So for the time it
/// encodes the update it gets another array over the same memory, which claims that.
class InPlaceUpdate : public Delegating {
 public:
  using Delegating::Delegating;

  void eval_gpu(const Arrays& inputs, Arrays& outputs) override {
    const array& memory = inputs[0];
    Arrays lent{array::unsafe_weak_copy(memory)};
    lent.push_back(inputs[1]);
    mx::allocator::Data& data = *lent[0].data_shared_ptr();
    struct Claim {
      mx::allocator::Data& data;
      explicit Claim(mx::allocator::Data& d) : data(d) { data.*owned_flag() = true; }
      ~Claim() { data.*owned_flag() = false; }
    };
    {
      Claim claim(data);
      inner_->eval_gpu(lent, outputs);
    }
    // Everyone holds on to the owner of the memory.
    if (outputs[0].data_shared_ptr().get() == &data) outputs[0].copy_shared_buffer(memory);
  }

  bool is_equivalent(const Primitive& other) const override {
    auto* same = dynamic_cast<const InPlaceUpdate*>(&other);
    return same && same_inner(*same);
  }

  bool is_in_place() const override { return true; }
};

bool update_in_place(const array& a) {
  if (a.status() != array::unscheduled || !a.has_primitive()) return false;
  mx::Primitive& update = a.primitive();
  if (update.device() != mx::Device::gpu || is_foreign(update)) return false;
  if (std::string_view(update.name()) != "SliceUpdate") return false;
  const array& memory = a.inputs()[0];
  if (memory.shape() != a.shape() || memory.dtype() != a.dtype()) return false;
  a.primitive_ptr() = std::make_shared<InPlaceUpdate>(a.primitive_ptr());
  return true;
}

}  // namespace
}  // namespace mlx_capi

int mlx_update_in_place(bool* updated, mlx_array a) noexcept {
  return guard([&] { *updated = update_in_place(get(a)); });
}
