// What in a training state cannot be right.
#pragma once

#include <string>
#include <vector>

#include <sconce/training.h>

#include "model/state.h"
#include "model/training/fields.h"

namespace sconce::model::training {

/// Settings that PyTorch refuses, or that make every step NaN: learning rates, betas, eps, decay, momentum.
void check_settings(const OptimizerState& optimizer, std::vector<TrainingFinding>& findings);

/// A copy of the model that lies in its own state_dict under a prefix, and follows it: worth knowing.
void note_average(const Document& document, NodeId model, const std::string& path,
                  std::vector<TrainingFinding>& findings);

/// Names of one model that read alike: {"a.b": …, "a": {"b": …}}, {1: …, "1": …}.
void check_names(const Checkpoint::State& state, NodeId model, const std::string& path,
                 std::vector<TrainingFinding>& findings);

}  // namespace sconce::model::training
