// From an optimizer's numbers to the model's names.
#pragma once

#include <span>
#include <vector>

#include <sconce/training.h>

#include "model/training/model_parameters.h"
#include "model/training/optimizer_state.h"

namespace sconce::model::training {

/// A model whose parameters an optimizer may be of.
struct NamedModel {
  std::string path;
  ModelParameters parameters;
};

/// Fills in `name` or `why_unnamed` of each parameter, and `named_by`. What does not fit the model becomes a finding.
///
/// PyTorch numbers parameters as they were given to the optimizer, group after group. What is known is that people give
/// them in the order of model.parameters(), all or some of them, perhaps spread over groups. A name is given only where
/// every such order leads to it: where the first and the last place that a group's shapes leave for a parameter are
/// one.
void name_parameters(ReadOptimizer& optimizer, std::span<const NamedModel> models, const Document& document,
                     std::vector<TrainingFinding>& findings);

}  // namespace sconce::model::training
