#include "model/format_plan.h"

#include <memory>
#include <utility>

#include "model/storage_use.h"
#include "tensor/memory_format.h"
#include "tensor/tensor_data.h"
#include "tree/walk.h"

namespace sconce::model {
namespace {

using tree::Document;
using tree::NodeId;

class FormatPlanner {
 public:
  FormatPlanner(const Checkpoint::State& state, MemoryFormat format, const CastPlan& casts)
      : state_(state), document_(*state.document), format_(format), casts_(casts) {}

  FormatPlan run() {
    count_users();
    for (const NodeId root : state_.roots) {
      tree::Walker walker(document_, root, state_.walk_limits());
      while (walker.next())
        if (document_.kind(walker.node()) == Kind::tensor) visit(walker.node(), std::string(walker.name()));
    }
    return std::move(plan_);
  }

 private:
  void count_users() {
    const std::vector<bool> bare = storage_use(state_).bare;
    users_.assign(bare.begin(), bare.end());
    for (NodeId node = 0; node < document_.node_count(); ++node) {
      if (document_.kind(node) != Kind::tensor) continue;
      const tree::TensorRecord& record = document_.tensor_record(node);
      if (record.has_storage()) ++users_[record.storage];
    }
  }

  void visit(NodeId node, const std::string& name) {
    const tree::TensorRecord& record = document_.tensor_record(node);
    if (!record.has_storage() || record.numpy || record.layout != Layout::strided) return;
    if (info(record.dtype).is_quantized || plan_.storages.contains(record.storage)) return;
    if (format_ == MemoryFormat::channels_last && record.ndim != 4) return;
    const Tensor tensor = as_cast(node);
    const bool last = format_ == MemoryFormat::channels_last;
    if (last ? tensor::is_channels_last(tensor) : tensor.is_contiguous()) return;
    if (users_[record.storage] != 1) {
      plan_.notes.push_back(name + ": keeps its memory format, because it shares its storage");
      return;
    }
    const Tensor made = last ? tensor::to_channels_last(tensor) : tensor::to_row_major(tensor);
    plan_.storages.emplace(record.storage,
                           Rearranged{node, {made.strides().begin(), made.strides().end()}, made.storage()});
  }

  /// The tensor as it is after casts; its conj and neg bits count.
  [[nodiscard]] Tensor as_cast(NodeId node) const {
    const Tensor tensor = document_.tensor_handle(node);
    const auto cast = casts_.storages.find(document_.tensor_record(node).storage);
    if (cast == casts_.storages.end()) return tensor;
    auto data = std::make_shared<TensorData>(*tensor.data_handle());
    data->dtype = cast->second.to;
    data->storage = cast->second.storage;
    return Tensor(std::move(data));
  }

  const Checkpoint::State& state_;
  const Document& document_;
  MemoryFormat format_;
  const CastPlan& casts_;
  std::vector<std::uint32_t> users_;
  FormatPlan plan_;
};

}  // namespace

FormatPlan plan_formats(const Checkpoint::State& state, MemoryFormat format, const CastPlan& casts) {
  if (format == MemoryFormat::preserve) return {};
  return FormatPlanner(state, format, casts).run();
}

void apply_formats(tree::Document& document, const FormatPlan& plan) {
  for (const auto& [number, rearranged] : plan.storages) {
    document.restride(rearranged.tensor, rearranged.strides);
    tree::TensorRecord& record = document.mutable_tensor(rearranged.tensor);
    record.offset = 0;
    record.conj = record.neg = false;  // the elements were read with them
    record.fortran = false;
  }
}

}  // namespace sconce::model
