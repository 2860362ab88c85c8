#include <algorithm>
#include <unordered_map>

#include "encoded_graph.h"
#include "evaluation.h"
#include "program.h"
#include "step_graph.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// Numbers that a step gets from the host.
using Values = std::vector<int32_t>;
constexpr size_t most_values = 64;

/// What `prepare` takes.
struct Slots {
  int32_t values[most_values] = {};
};

/// A step as CUDA graphs, and all that lives as long as they.
struct Capture {
  const Cuda& cuda = Cuda::required();
  std::string module;
  CudaFunction prepare{"prepare", 0};
  std::vector<void*> executables;
  std::vector<std::shared_ptr<array::Data>> memory;
  /// The step's input, and behind it its numbers.
  array slots{0};
  array input{0}, output{0};
  /// Where the numbers of each operation with places are among all, and among the slots; last those of positions.
  struct Range {
    size_t from, size, to;
  };
  std::vector<Range> ranges;
  size_t value_count = 0;
  /// Arrays that were in memory where the graph reads them.
  std::vector<std::pair<array, const char*>> addresses;
  Arrays written;

  ~Capture() {
    for (void* executable : executables) cuda.destroy_executable(executable);
  }

  bool fits(const array& in, const Values& values) const {
    if (in.shape() != input.shape() || in.dtype() != input.dtype() || values.size() != value_count) return false;
    auto unmoved = [](const auto& entry) { return address(entry.first) == entry.second; };
    return std::all_of(addresses.begin(), addresses.end(), unmoved);
  }

  /// The values at their places; none if operations that have the same memory for them need different ones.
  std::optional<Slots> slots_of(const Values& values) const {
    Slots slots;
    std::vector<bool> is_set(most_values);
    for (const Range& range : ranges) {
      for (size_t i = 0; i < range.size; ++i) {
        int32_t& slot = slots.values[range.to + i];
        if (is_set[range.to + i] && slot != values[range.from + i]) return std::nullopt;
        slot = values[range.from + i];
        is_set[range.to + i] = true;
      }
    }
    return slots;
  }

  /// Puts `in` and numbers where the graph reads them.
  void fill(const array& in, Slots values, void* stream) {
    char *to = address(slots), *from = address(in);
    int count = static_cast<int>(in.size());
    void* arguments[] = {&to, &from, &count, &values};
    Cuda::check("prepare", cuda.launch(prepare.get(module), 1, 1, 1, 64, 1, 1, 0, stream, arguments, nullptr));
  }
};

/// The step of a capture as an operation on its input.
class Replayed : public mx::Primitive {
 public:
  Replayed(mx::Stream stream, std::shared_ptr<Capture> capture, std::optional<Slots> values)
      : Primitive(stream), capture_(std::move(capture)), values_(values) {}

  void eval_cpu(const Arrays&, Arrays&) override { throw std::invalid_argument("[replay] runs on a GPU only"); }

  void eval_gpu(const Arrays& inputs, Arrays& outputs) override {
    const Cuda& cuda = capture_->cuda;
    void* encoder = cuda.encoder(stream());
    cuda.commit(encoder);
    void* queue = EncoderState::of(encoder).stream;
    if (values_) {
      capture_->fill(inputs[0], *values_, queue);
      for (void* executable : capture_->executables) Cuda::check("replay", cuda.launch_graph(executable, queue));
    }
    array& out = outputs[0];
    allocate_on_gpu(out, stream());
    auto number = [](const array& a) { return reinterpret_cast<uint64_t>(address(a)); };
    Cuda::check("replay", cuda.copy(number(out), number(capture_->output), out.nbytes(), queue));
    cuda.add_completed_handler(encoder, [capture = capture_] {});
  }

  const char* name() const override { return "Replayed"; }

 private:
  std::shared_ptr<Capture> capture_;
  /// None if the graph is running already.
  std::optional<Slots> values_;
};

class Replay {
 public:
  Replay(std::string module, mx::Stream stream) : module_(std::move(module)), stream_(stream) {
    Cuda::required();
    if (stream.device != mx::Device::gpu) throw std::invalid_argument("a replay runs on a GPU only");
  }

  std::optional<array> offer(const array& output, const array& input, const Values& values, size_t rows) {
    Turn turn;
    capture_ = nullptr;
    auto graph = std::make_unique<Graph>(output, input, stream_);
    auto capture = graph->is_sound && before_ && is_same(*before_, *graph) ? ranges(*graph, input, values, rows) : nullptr;
    before_ = std::move(graph);
    if (!capture) return std::nullopt;
    run(*capture, output, input, values);
    before_ = nullptr;
    capture_ = std::move(capture);
    return launched(input, std::nullopt);
  }

  std::optional<array> launch(const array& input, const Values& values) {
    if (!capture_ || !capture_->fits(input, values)) return std::nullopt;
    const std::optional<Slots> slots = capture_->slots_of(values);
    return slots ? std::make_optional(launched(input, slots)) : std::nullopt;
  }

  bool writes(const uintptr_t* ids, size_t count) const {
    if (!capture_) return false;
    const Arrays& written = capture_->written;
    auto is_of = [](const array& a, uintptr_t id) { return a.id() == id; };
    return std::equal(written.begin(), written.end(), ids, ids + count, is_of);
  }

  ~Replay() { reset(); }

  void reset() {
    Turn turn;
    capture_ = nullptr;
    before_ = nullptr;
  }

 private:
  array launched(const array& input, std::optional<Slots> values) {
    const array& like = capture_->output;
    array out(like.shape(), like.dtype(), std::make_shared<Replayed>(stream_, capture_, values), {input});
    evaluate({out}, false, [](const Arrays& list) { mx::async_eval(list); });
    // Whoever reads what was written waits for this step.
    for (const array& a : capture_->written) {
      a.attach_event(out.event());
      a.set_status(array::evaluated);
    }
    return out;
  }

  /// Where a step's numbers go, if the leaves of the graph have just these.
  std::shared_ptr<Capture> ranges(const Graph& graph, const array& input, const Values& values, size_t rows) const {
    auto capture = std::make_shared<Capture>();
    capture->module = module_;
    capture->value_count = values.size();
    size_t from = 0, to = 0;
    std::unordered_map<size_t, size_t> places;
    auto has = [&](const array& leaf, size_t at) {
      const char* numbers = host_values(leaf);
      const bool fits = at + leaf.size() <= values.size() && leaf.dtype() == mx::int32 && numbers;
      return fits && std::memcmp(numbers, &values[at], leaf.nbytes()) == 0;
    };
    for (size_t number : graph.places) {
      const array& leaf = graph.leaves[number].value;
      if (!has(leaf, from)) return nullptr;
      auto [entry, is_new] = places.emplace(number, to);
      capture->ranges.push_back({from, leaf.size(), entry->second});
      from += leaf.size();
      if (is_new) to += leaf.size();
    }
    capture->ranges.push_back({from, rows, to});
    const bool fits = from + rows == values.size() && to + rows <= most_values && input.itemsize() == 4;
    if (places.empty() || !fits) return nullptr;
    for (const Leaf& leaf : graph.leaves) {
      const bool is_one = leaf.value.size() == 1, is_each = leaf.value.size() == rows;
      const bool same = std::equal(values.begin() + from + 1, values.end(), values.begin() + from);
      if (leaf.role == Role::positions && !(has(leaf.value, from) && (is_each || (is_one && same)))) return nullptr;
    }
    return capture;
  }

  /// Computes the graph, and keeps it.
  void run(Capture& capture, const array& output, const array& input, const Values& values) {
    const Cuda& cuda = capture.cuda;
    const Graph& graph = *before_;
    evaluate({input}, false, [](const Arrays& list) { mx::async_eval(list); });
    void* encoder = cuda.encoder(stream_);
    cuda.commit(encoder);
    const EncoderState& state = EncoderState::of(encoder);

    const int words = static_cast<int>(input.size()), all = words + static_cast<int>(most_values);
    capture.slots = array({all}, mx::int32, nullptr, {});
    allocate_on_gpu(capture.slots, stream_);
    capture.input = array(input.shape(), input.dtype(), nullptr, {});
    capture.fill(input, capture.slots_of(values).value(), state.stream);
    cuda.add_completed_handler(encoder, [data = input.data_shared_ptr()] {});
    redirect(capture, graph, words);
    {
      struct Kept {
        explicit Kept(Capture& c) { captured_memory() = &c.memory; }
        ~Kept() { captured_memory() = nullptr; }
      } kept(capture);
      for (const Node& node : graph.nodes) {
        Arrays outputs = node.outputs;
        node.primitive->eval_gpu(array(outputs[0]).inputs(), outputs);
        for (const array& out : outputs) capture.memory.push_back(out.data_shared_ptr());
      }
    }
    capture.memory.insert(capture.memory.end(), state.temporaries.begin(), state.temporaries.end());
    if (!state.graph || state.node_count == 0) throw std::runtime_error("[replay] MLX has encoded no graph");
    capture.executables = EncodedGraph(cuda, state).executables();
    cuda.commit(encoder);
    finish(capture, graph);
    capture.output = output;
  }

  /// Lets leaves that change from step to step lie in the slots.
  static void redirect(const Capture& capture, const Graph& graph, int words) {
    auto move = [&](array leaf, size_t slot) {
      leaf.copy_shared_buffer(capture.slots, leaf.strides(), leaf.flags(), leaf.data_size(), static_cast<int64_t>(slot));
    };
    const size_t base = static_cast<size_t>(words);
    for (size_t i = 0; i < graph.places.size(); ++i) {
      move(graph.leaves[graph.places[i]].value, base + capture.ranges[i].to);
    }
    for (const Leaf& leaf : graph.leaves) {
      if (leaf.role == Role::positions) move(leaf.value, base + capture.ranges.back().to);
      if (leaf.role == Role::input) move(leaf.value, 0);
    }
  }

  /// What has been encoded has been computed, as far as anyone can tell from now on.
  static void finish(Capture& capture, const Graph& graph) {
    for (const Leaf& leaf : graph.leaves) {
      const bool stays = leaf.role == Role::constant || leaf.role == Role::memory;
      if (stays && leaf.value.size() > 0) capture.addresses.emplace_back(leaf.value, address(leaf.value));
    }
    for (const Node& node : graph.nodes) {
      const Program* program = as_program(*node.primitive);
      const size_t own = program ? program->own_outputs() : node.outputs.size();
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        array out = node.outputs[i];
        out.set_status(array::available);
        if (i >= own) capture.written.push_back(out);
      }
      array(node.outputs[0]).detach();
    }
  }

  std::string module_;
  mx::Stream stream_;
  std::unique_ptr<Graph> before_;
  std::shared_ptr<Capture> capture_;
};

Replay& as_cpp(mlx_replay replay) { return *static_cast<Replay*>(replay.p); }

void put_if(mlx_array* out, std::optional<array> a) {
  *out = {};
  if (a) put(out, std::move(*a));
}

}  // namespace
}  // namespace mlx_capi

int mlx_replay_new(mlx_replay* out, mlx_string module, mlx_stream s) noexcept {
  return guard([&] { out->p = new Replay(get(module), get(s)); });
}

int mlx_replay_offer(mlx_array* out, mlx_replay replay, mlx_array output, mlx_array input, const int32_t* values,
                     size_t value_count, size_t rows) noexcept {
  return guard([&] {
    put_if(out, as_cpp(replay).offer(get(output), get(input), {values, values + value_count}, rows));
  });
}

int mlx_replay_launch(mlx_array* out, mlx_replay replay, mlx_array input, const int32_t* values,
                      size_t value_count) noexcept {
  return guard([&] { put_if(out, as_cpp(replay).launch(get(input), {values, values + value_count})); });
}

int mlx_replay_writes(bool* out, mlx_replay replay, const uintptr_t* ids, size_t count) noexcept {
  return guard([&] { *out = as_cpp(replay).writes(ids, count); });
}

int mlx_replay_reset(mlx_replay replay) noexcept {
  return guard([&] { as_cpp(replay).reset(); });
}

void mlx_replay_free(mlx_replay replay) noexcept { delete static_cast<Replay*>(replay.p); }
