// Counts and bytes by subtree, and which tensors are the same.
#pragma once

#include <sconce/structure.h>

namespace sconce::model::structure {

/// Fills in `same_as` of tensors (those that show the same elements of one storage; kept where it is filled in already
/// and the tensors have no storage) and the numbers of each module: what is met twice inside of a module counts once.
void fill_totals(ModuleTree& tree);

}  // namespace sconce::model::structure
