// The module tree of a whole-module pickle.
#pragma once

#include <sconce/structure.h>

#include "model/state.h"

namespace sconce::model::structure {

/// `root` is a module. Children of a module that is met again stand at its first place; a module inside of itself is
/// met again, too. Errors: `limit`.
[[nodiscard]] ModuleTree read_modules(const Checkpoint::State& state, tree::NodeId root);

}  // namespace sconce::model::structure
