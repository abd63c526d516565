// A description against the model that a checkpoint holds.
#pragma once

#include <string>
#include <vector>

#include <sconce/structure.h>

namespace sconce::model::structure {

/// What differs between a description and a state_dict, a sentence each.
struct DescriptionMatch {
  std::vector<std::string> names;   ///< missing, not described, other shapes
  std::vector<std::string> dtypes;  ///< which a cast may change
  std::vector<std::string> ties;    ///< described as one tensor, and two of different values
};

struct MatchOptions {
  bool read_ties = false;   ///< compare the data of tensors that are described as one and are two
  bool allow_more = false;  ///< tensors that are not described
};

[[nodiscard]] DescriptionMatch match_description(const ModuleTree& described, const StateDict& state_dict,
                                                 const MatchOptions& options);

/// The described tree with the tensors of a state_dict that it matches but for dtypes.
void take_tensors(ModuleTree& described, const StateDict& state_dict);

}  // namespace sconce::model::structure
