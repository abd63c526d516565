// Orders in which nodes of a module tree are visited.
#pragma once

#include <cstddef>
#include <vector>

#include <sconce/structure.h>

namespace sconce::model::structure {

/// Every node after its children, children in their order; a node that is met again comes after the one that it is.
[[nodiscard]] inline std::vector<std::size_t> children_first(const ModuleTree& tree) {
  std::vector<std::size_t> order;
  std::vector<std::pair<std::size_t, std::size_t>> open;  // node, next child
  if (!tree.nodes.empty()) open.emplace_back(0, 0);
  while (!open.empty()) {
    auto& [node, at] = open.back();
    if (at == tree.nodes[node].children.size()) {
      order.push_back(node);
      open.pop_back();
    } else {
      open.emplace_back(tree.nodes[node].children[at++], 0);
    }
  }
  return order;
}

[[nodiscard]] inline bool is_met_again(const ModuleTree& tree, std::size_t node) {
  return tree.nodes[node].same_as < tree.nodes.size();
}

}  // namespace sconce::model::structure
