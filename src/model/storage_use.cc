#include "model/storage_use.h"

#include "tree/references.h"
#include "tree/walk.h"

namespace sconce::model {

StorageUse storage_use(const Checkpoint::State& state) {
  const tree::Document& document = *state.document;
  StorageUse use;
  use.reached.resize(document.storage_count(), false);
  use.bare.resize(document.storage_count(), false);
  for (const tree::NodeId node : tree::reachable(document, state.roots)) {
    if (document.kind(node) == Kind::storage)
      use.reached[document.storage_number(node)] = use.bare[document.storage_number(node)] = true;
    if (document.kind(node) == Kind::tensor && document.tensor_record(node).has_storage())
      use.reached[document.tensor_record(node).storage] = true;
  }
  return use;
}

StorageNames::StorageNames(const Checkpoint::State& state)
    : names_(state.document->storage_count()), met_(state.document->storage_count(), false) {
  const tree::Document& document = *state.document;
  for (const tree::NodeId root : state.roots) {
    tree::Walker walker(document, root, state.walk_limits());
    while (walker.next()) {
      const Kind kind = document.kind(walker.node());
      if (kind == Kind::storage) meet(document.storage_number(walker.node()), walker.name());
      if (kind == Kind::tensor && document.tensor_record(walker.node()).has_storage())
        meet(document.tensor_record(walker.node()).storage, walker.name());
    }
  }
}

void StorageNames::meet(std::uint32_t number, std::string_view name) {
  if (met_[number]) return;
  met_[number] = true;
  names_[number] = name;
  order_.push_back(number);
}

}  // namespace sconce::model
