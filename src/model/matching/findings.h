// What is to be said about a matching.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sconce/load_state_dict.h>

#include "model/matching/matching.h"

namespace sconce::model::matching {

/// Why what goes to an entry of the target cannot: shape, dtype, or no elements. Nothing where it can.
[[nodiscard]] std::optional<MatchFinding> why_not(const Matching& matching, std::size_t target,
                                                  const MatchOptions& options);

/// Missing and unexpected names, in PyTorch's order, with suggestions.
void add_names(const Matching& matching, MatchReport& report);

/// Source names that became one, and names that the target has twice.
void add_collisions(const Matching& matching, MatchReport& report);

}  // namespace sconce::model::matching
