// An optimizer's state_dict(), taken apart: groups, ids, and the state of each parameter.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sconce/training.h>

#include "model/training/fields.h"

namespace sconce::model::training {

/// What belongs to an optimizer beyond what everybody sees.
struct ReadOptimizer {
  OptimizerState state;
  std::vector<NodeId> id_nodes;  ///< by parameter: the node of its id, for ids that are the parameters themselves
  std::vector<std::vector<std::string>> group_names;  ///< by group: `param_names` of torch from 2.6 on, or empty
  bool flattened = false;                             ///< one tensor that stands for many parameters
};

/// Takes apart the optimizer at `node`, and says in `findings` what in it contradicts itself. `room` is how many
/// parameters and entries may still be listed, over all optimizers of a file.
[[nodiscard]] ReadOptimizer read_optimizer(const std::shared_ptr<Document>& document, NodeId node,
                                           const std::string& path, std::size_t& room,
                                           std::vector<TrainingFinding>& findings);

}  // namespace sconce::model::training
