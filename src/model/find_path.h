// From a name to the value that it means.
#pragma once

#include <string>
#include <string_view>

#include "model/state.h"

namespace sconce::model {

/// The value at a dotted path: every way to cut the text into steps is tried, longer steps first. Errors: `not_found`,
/// with the nearest names; or where two different values have this name.
[[nodiscard]] tree::NodeId find_by_name(const Checkpoint::State& state, std::string_view name);

/// The child under one step. Errors: `not_found`.
[[nodiscard]] tree::NodeId child_by_step(const Checkpoint::State& state, tree::NodeId node, std::string_view step);

}  // namespace sconce::model
