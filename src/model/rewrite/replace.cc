#include "model/rewrite/replace.h"

#include "base/fail.h"
#include "tree/children.h"

namespace sconce::model::rewrite {

using tree::kNoNode;
using tree::NodeId;

void Replacements::apply() {
  if (with_.empty()) return;
  for (NodeId& root : state_.roots)
    if (root < with_.size() && with_[root] != kNoNode) root = with_[root];
  const std::vector<NodeId> clashes = state_.document->replace_references(with_);
  if (clashes.empty()) return;
  ErrorPlace place;
  place.file = state_.facts.name;
  fail(ErrorCode::unsupported, "two keys of a dict would become the same plain value", std::move(place),
       "`sconce inspect` shows keys that differ by their class only; they cannot be rewritten");
}

std::vector<bool> nodes_in_keys(const tree::Document& document, const std::vector<NodeId>& nodes) {
  std::vector<bool> in_key(document.node_count(), false);
  std::vector<NodeId> open;
  const auto take = [&](NodeId node) {
    if (in_key[node]) return;
    in_key[node] = true;
    open.push_back(node);
  };
  for (const NodeId node : nodes) {
    if (!tree::is_keyed(document.kind(node))) continue;
    const tree::DictRecord& dict = document.dict_record(node);
    for (std::uint32_t at = 0; at < dict.count; ++at) take(dict.pairs[2 * std::size_t{at}]);
  }
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    if (document.kind(node) == Kind::tuple)
      for (const NodeId element : document.elements(node)) take(element);
  }
  return in_key;
}

}  // namespace sconce::model::rewrite
