// The module tree of a bare state_dict, by the names of its tensors.
#pragma once

#include <sconce/structure.h>

#include "model/find_models.h"
#include "model/state.h"

namespace sconce::model::structure {

/// Kinds are inferred. Errors: `limit`.
[[nodiscard]] ModuleTree read_names(const Checkpoint::State& state, const FoundModel& found);

}  // namespace sconce::model::structure
