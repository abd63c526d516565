#include "model/training/model_parameters.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <unordered_set>

#include "tree/walk.h"

namespace sconce::model::training {

namespace {

// Buffers that torch.nn's own modules register (torch/nn/modules/batchnorm.py, instancenorm.py, torch/ao/quantization),
// and that many models have beside them.
constexpr std::array<std::string_view, 13> kBufferNames = {"running_mean",
                                                           "running_var",
                                                           "num_batches_tracked",
                                                           "n_averaged",
                                                           "min_val",
                                                           "max_val",
                                                           "fake_quant_enabled",
                                                           "observer_enabled",
                                                           "position_ids",
                                                           "relative_position_index",
                                                           "inv_freq",
                                                           "anchor_grid",
                                                           "attn_mask"};

bool is_floating(DType dtype) {
  const DTypeInfo& known = info(dtype);
  return known.is_floating_point || known.is_complex;
}

/// What makes two names one tensor: the object, or the same view of one storage.
class Ties {
 public:
  explicit Ties(const Document& document) : document_(document) {}
  /// Whether this tensor was met before.
  bool met(NodeId node) {
    if (!nodes_.insert(node).second) return true;
    const tree::TensorRecord& record = document_.tensor_record(node);
    if (!record.has_storage() || document_.storage_at(record.storage).nbytes() == 0) return false;
    return !views_
                .emplace(record.storage, record.offset, Shape(record.shape().begin(), record.shape().end()),
                         document_.strides(record))
                .second;
  }

 private:
  using Shape = std::vector<std::int64_t>;
  const Document& document_;
  std::unordered_set<NodeId> nodes_;
  std::set<std::tuple<std::uint32_t, std::int64_t, Shape, Shape>> views_;
};

class Lister {
 public:
  Lister(const Checkpoint::State& state, std::size_t& room)
      : state_(state), document_(*state.document), room_(room), ties_(document_) {}

  ModelParameters run(NodeId model) {
    result_.certain = document_.kind(model) == Kind::object;
    tree::Walker walker(document_, model, state_.walk_limits());
    while (walker.next()) {
      if (walker.is_part() || document_.kind(walker.node()) != Kind::tensor) continue;
      if (result_.certain ? !of_parameters(walker) : buffer(walker)) {
        if (!result_.certain || of_buffers(walker)) ++result_.buffers;
        continue;
      }
      if (ties_.met(walker.node())) {
        ++result_.tied;
        continue;
      }
      const std::size_t price = walker.name().size() + sizeof(ModelParameter);
      if (price > room_) break;
      room_ -= price;
      result_.parameters.push_back({std::string(walker.name()), walker.node()});
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool buffer(const tree::Walker& walker) const {
    return is_buffer_name(walker.name()) || !is_floating(document_.tensor_record(walker.node()).dtype);
  }
  /// Whether the tensor lies in a module's dict of that name.
  [[nodiscard]] bool lies_in(const tree::Walker& walker, std::string_view dict) const {
    if (walker.container_count() < 2) return false;
    const NodeId module = walker.container(walker.container_count() - 2);
    const NodeId holder = walker.container(walker.container_count() - 1);
    return document_.kind(module) == Kind::object && document_.attribute(module, dict) == holder;
  }
  [[nodiscard]] bool of_parameters(const tree::Walker& walker) const { return lies_in(walker, "_parameters"); }
  [[nodiscard]] bool of_buffers(const tree::Walker& walker) const { return lies_in(walker, "_buffers"); }

  const Checkpoint::State& state_;
  const Document& document_;
  std::size_t& room_;
  Ties ties_;
  ModelParameters result_;
};

}  // namespace

bool is_buffer_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  return std::ranges::find(kBufferNames, last) != kBufferNames.end();
}

ModelParameters model_parameters(const Checkpoint::State& state, NodeId model, std::size_t& room) {
  return Lister(state, room).run(model);
}

}  // namespace sconce::model::training
