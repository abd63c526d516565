// Classes and functions that had other names in other releases.
#pragma once

#include "model/rewrite/changes.h"
#include "model/rewrite/target.h"

namespace sconce::model::rewrite {

/// Gives classes in the tree the names that the target knows them by, and those of Python's and NumPy's that only some
/// releases know the names that all do. In place.
void rewrite_class_names(Checkpoint::State& state, const Target& target, Changes& changes);

}  // namespace sconce::model::rewrite
