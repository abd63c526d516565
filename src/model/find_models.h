// The models of a checkpoint: state_dicts and whole modules, and where they lie.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/state.h"

namespace sconce::model {

struct FoundModel {
  tree::NodeId node = tree::kNoNode;
  std::string path;  ///< "" for the root
};

/// All that state_dict(which) can be asked for without another `which`: the level nearest to the root that has any.
[[nodiscard]] std::vector<FoundModel> find_models(const Checkpoint::State& state);

/// The one that `which` names, or the only one. Errors: as Checkpoint::state_dict().
[[nodiscard]] FoundModel find_model(const Checkpoint::State& state, std::string_view which);

}  // namespace sconce::model
