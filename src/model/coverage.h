// Which bytes of the file's storages the tensors of the tree show.
#pragma once

#include <cstdint>
#include <vector>

#include "model/state.h"

namespace sconce::model {

struct Coverage {
  std::vector<bool> used;                ///< by number of the document's storage
  std::uint64_t unreferenced_bytes = 0;  ///< in storages, and in records that nothing names
};

[[nodiscard]] Coverage coverage(const Checkpoint::State& state);

}  // namespace sconce::model
