// What an object of a class is without its class: how classes that only carry data are pickled.
#pragma once

#include <string>
#include <vector>

#include "model/state.h"

namespace sconce::model::rewrite {

/// What takes the place of an object.
struct PlainValue {
  tree::NodeId value = tree::kNoNode;  ///< kNoNode: the object has to stay
  bool fresh = false;  ///< made for this object, which becomes it: a dict or list that may be shared or contain itself
  std::string how;     ///< "a dict of its fields"; where it has to stay: why
  std::vector<std::string> dropped;  ///< what no plain value has a place for
};

/// Decides by how the object was made, never by running anything:
///   made without arguments, and given a state    → a dict of the state
///   given items (a subclass of dict), or elements → a dict of the items, a list of the elements
///   a tuple that was made by its elements         → a tuple
///   a class that was called with one plain value  → that value: members of enums, Decimal
/// and by name for those classes that are pickled in a way of their own: OmegaConf's, paths, dates, deque, NumPy's.
/// New nodes are made in the document; the tree is not changed. Errors: `limit`.
[[nodiscard]] PlainValue plain_value(tree::Document& document, tree::NodeId object);

}  // namespace sconce::model::rewrite
