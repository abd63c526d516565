// Which of several state_dicts a target is of.
#pragma once

#include <string>
#include <vector>

#include <sconce/load_state_dict.h>

#include "model/matching/entries.h"

namespace sconce::model::matching {

/// Of several state_dicts the one that the target is of: it fits as a whole, and no other has anything in common with
/// it. A model and its running average both fit, and nothing is chosen. `notes` says what was chosen. Errors: as
/// Checkpoint::state_dict().
[[nodiscard]] Entries only_fitting(const Checkpoint& source, const Target& target, std::vector<std::string>& notes);

}  // namespace sconce::model::matching
