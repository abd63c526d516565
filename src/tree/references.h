// Every node that a node names, whether a walk shows it or not.
#pragma once

#include "tree/document.h"

namespace sconce::tree {

/// Calls `visit` with the keys, values, elements, factory and attributes of a container; with the callable, arguments
/// and steps of an object; with the parts, class and state of a tensor. Never with kNoNode.
template <typename Visit>
void for_each_reference(const Document& document, NodeId id, Visit&& visit) {
  const auto give = [&](NodeId node) {
    if (node != kNoNode) visit(node);
  };
  switch (document.kind(id)) {
    case Kind::tuple:
    case Kind::size:
    case Kind::slice:
    case Kind::range:
    case Kind::list:
      for (const NodeId element : document.elements(id)) give(element);
      return;
    case Kind::dict:
    case Kind::set:
    case Kind::frozenset: {
      const DictRecord& dict = document.dict_record(id);
      for (std::size_t at = 0; at < std::size_t{dict.count} * 2; ++at) give(dict.pairs[at]);
      give(dict.factory);
      give(dict.attributes);
      return;
    }
    case Kind::object: {
      const ObjectRecord& object = document.object_record(id);
      for (const NodeId node : {object.callable, object.args, object.kwargs}) give(node);
      for (std::uint32_t at = 0; at < object.step_count; ++at) give(object.steps[at].value);
      return;
    }
    case Kind::tensor:
      if (const TensorExtra* extra = document.tensor_record(id).extra) {
        for (std::uint32_t at = 0; at < extra->part_count; ++at) give(extra->parts[at].tensor);
        for (const NodeId node : {extra->type, extra->state, extra->subclass_args, extra->rebuild}) give(node);
      }
      return;
    default: return;
  }
}

/// The nodes that some roots reach, each once; the roots first. Without recursion.
[[nodiscard]] inline std::vector<NodeId> reachable(const Document& document, std::span<const NodeId> roots) {
  std::vector<bool> seen(document.node_count(), false);
  std::vector<NodeId> found;
  const auto take = [&](NodeId node) {
    if (seen[node]) return;
    seen[node] = true;
    found.push_back(node);
  };
  for (const NodeId root : roots) take(root);
  for (std::size_t at = 0; at < found.size(); ++at) for_each_reference(document, found[at], take);
  return found;
}

}  // namespace sconce::tree
