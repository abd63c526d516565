// The parameters of a model in the order of model.parameters(), as far as a file says which tensors are parameters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/state.h"
#include "model/training/fields.h"

namespace sconce::model::training {

struct ModelParameter {
  std::string name;  ///< as the state_dict has it
  NodeId tensor = kNoNode;
};

struct ModelParameters {
  std::vector<ModelParameter> parameters;  ///< a tied one once, under its first name, as PyTorch's parameters() does
  std::size_t tied = 0;                    ///< names that were left out because an earlier one is the same tensor
  std::size_t buffers = 0;                 ///< tensors that are no parameters, by name and dtype
  bool certain = false;                    ///< a pickled module says which are buffers; a state_dict does not
};

/// Whether a tensor of a state_dict is a buffer: BatchNorm's running_mean, running_var and num_batches_tracked,
/// observers' ranges, and whatever has no floating-point elements. Inferred: the file does not say.
[[nodiscard]] bool is_buffer_name(std::string_view name);

/// The parameters of a state_dict or module. `room` is how many bytes of names and records may still be listed, over
/// all models.
[[nodiscard]] ModelParameters model_parameters(const Checkpoint::State& state, NodeId model, std::size_t& room);

}  // namespace sconce::model::training
