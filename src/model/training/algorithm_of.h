// Which optimizer a state is of, by what it holds.
#pragma once

#include <string>
#include <string_view>

#include <sconce/training.h>

#include "model/training/fields.h"

namespace sconce::model::training {

struct Algorithm {
  std::string name;      ///< "Adam"; "Adam or AdamW" where nothing tells them apart; empty where nothing fits
  std::string evidence;  ///< "states have exp_avg, exp_avg_sq; groups have betas"
};

/// By keys of groups, in their order, and of the states of all parameters.
[[nodiscard]] Algorithm algorithm_of(const OptimizerState& optimizer);

/// "8-bit", "capturable", "fused" …, joined; empty for what is plain.
[[nodiscard]] std::string form_of(const OptimizerState& optimizer);

}  // namespace sconce::model::training
