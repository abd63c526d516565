// Values that take the place of others, wherever those are.
#pragma once

#include <vector>

#include "model/state.h"

namespace sconce::model::rewrite {

/// By node: what takes its place; kNoNode: nothing does. Grows by itself.
class Replacements {
 public:
  explicit Replacements(Checkpoint::State& state) : state_(state) {}

  void add(tree::NodeId node, tree::NodeId other) {
    if (node >= with_.size()) with_.resize(state_.document->node_count(), tree::kNoNode);
    with_[node] = other;
  }
  [[nodiscard]] bool empty() const noexcept { return with_.empty(); }
  /// In the whole document, roots included. Errors: `unsupported` where two keys of a dict would become one.
  void apply();

 private:
  Checkpoint::State& state_;
  std::vector<tree::NodeId> with_;
};

/// Calls `visit` with every value that is inside of a node, and that a replacement would reach: not the class of an
/// object or a tensor, nor the factory of a dict.
template <typename Visit>
void for_each_value(const tree::Document& document, tree::NodeId id, Visit&& visit) {
  const auto give = [&](tree::NodeId node) {
    if (node != tree::kNoNode) visit(node);
  };
  switch (document.kind(id)) {
    case Kind::object: {
      const tree::ObjectRecord& object = document.object_record(id);
      give(object.args);
      give(object.kwargs);
      for (std::uint32_t at = 0; at < object.step_count; ++at) give(object.steps[at].value);
      return;
    }
    case Kind::tensor:
      if (const tree::TensorExtra* extra = document.tensor_record(id).extra) {
        for (std::uint32_t at = 0; at < extra->part_count; ++at) give(extra->parts[at].tensor);
        give(extra->state);
        give(extra->subclass_args);
      }
      return;
    case Kind::dict:
    case Kind::set:
    case Kind::frozenset: {
      const tree::DictRecord& dict = document.dict_record(id);
      for (std::size_t at = 0; at < std::size_t{dict.count} * 2; ++at) give(dict.pairs[at]);
      give(dict.attributes);
      return;
    }
    case Kind::tuple:
    case Kind::size:
    case Kind::slice:
    case Kind::range:
    case Kind::list:
      for (const tree::NodeId element : document.elements(id)) give(element);
      return;
    default: return;
  }
}

/// By node: whether it is a key of a dict or an element of a set, or inside of one that is a tuple. Looks at `nodes`.
[[nodiscard]] std::vector<bool> nodes_in_keys(const tree::Document& document, const std::vector<tree::NodeId>& nodes);

}  // namespace sconce::model::rewrite
