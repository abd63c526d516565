// Adapters (LoRA and its like), by the names of their tensors.
#pragma once

#include <cstddef>
#include <string>

#include "model/training/fields.h"

namespace sconce::model::training {

struct AdapterCount {
  std::size_t tensors = 0;  ///< of adapters
  std::size_t others = 0;
  std::string what;  ///< "LoRA of rank 8 on 24 layers"

  /// Whether the state_dict is an adapter and nothing else.
  [[nodiscard]] bool all() const noexcept { return tensors != 0 && tensors >= 9 * others; }
};

/// Looks at the names of a state_dict: at some of a large one, and at all of them only where those have any.
[[nodiscard]] AdapterCount count_adapters(const Document& document, NodeId state_dict);

}  // namespace sconce::model::training
