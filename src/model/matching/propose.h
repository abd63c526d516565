// Finding the prefixes that stand between two state_dicts.
#pragma once

#include <string>
#include <vector>

#include <sconce/load_state_dict.h>

#include "model/matching/entries.h"

namespace sconce::model::matching {

/// Changes of prefixes with which more entries of the target have a source of their shape, the best first, at most
/// five. Candidates come from the ends that names have in common; what each is worth is counted on all names. Work is
/// bounded: the names of some thousand sources are looked at for candidates, and few candidates are counted.
[[nodiscard]] std::vector<PrefixProposal> propose_prefixes(const std::vector<Entry>& sources, const Target& target);

}  // namespace sconce::model::matching
