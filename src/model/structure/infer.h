// What kinds of modules a state_dict's tensors are probably of.
#pragma once

#include <sconce/structure.h>

namespace sconce::model::structure {

/// Fills in type, settings and extra_repr from the names and shapes of tensors and of the modules around them, and
/// marks each node whose type was guessed. What shapes do not tell (groups, strides, heads) is left out, not guessed.
void infer_kinds(ModuleTree& tree);

}  // namespace sconce::model::structure
