// From a name to the value that it means.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/state.h"

namespace sconce::model {

/// The value at a dotted path: every way to cut the text into steps is tried, longer steps first. Where a file holds
/// several objects, names begin with the object's number, as walks give them; what has no such meaning is looked up in
/// the first object. Errors: `not_found`, with the nearest names; or where two different values have this name.
[[nodiscard]] tree::NodeId find_by_name(const Checkpoint::State& state, std::string_view name);

/// The value behind these steps; same rule for several objects. Errors: `not_found`.
[[nodiscard]] tree::NodeId find_by_steps(const Checkpoint::State& state, std::span<const std::string> steps);

}  // namespace sconce::model
