// Tied tensors of the target: one tensor under several names.
#pragma once

#include <sconce/load_state_dict.h>

namespace sconce::model::matching {

/// Adds a finding for each tied tensor that would get different values under its names. Reads tensor data, of those
/// only that are saved more than once.
void find_contradictions(const Target& target, MatchReport& report);

/// Marks what is missing, but is brought under another name of the same tensor.
void excuse_tied(const Target& target, MatchReport& report);

}  // namespace sconce::model::matching
