// The tensors that a file is to hold, and how those that share a storage lie in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sconce/save.h>

#include "formats/format.h"
#include "formats/safetensors/dtypes.h"
#include "formats/safetensors/outline.h"
#include "formats/safetensors/view.h"

namespace sconce::formats::safetensors {

/// A storage that the tensors of a file are to share again, or that says more than its only tensor does.
struct SharedStorage {
  std::optional<DType> dtype;  ///< nothing: untyped
  std::string location;
};

/// A node of the tree with elements of its own.
struct HeldTensor {
  tree::NodeId node = tree::kNoNode;
  Tensor tensor;
  Spelling spelling;
  std::vector<std::string> names;       ///< in the file; its elements stand under each of them
  std::optional<std::uint32_t> shared;  ///< number of a SharedStorage
  std::vector<std::int64_t> strides;    ///< within it, where it is shared
  std::int64_t offset = 0;              ///< within it, in elements
};

struct Contents {
  std::vector<HeldTensor> tensors;  ///< ordered by node
  std::vector<SharedStorage> storages;

  [[nodiscard]] const HeldTensor* find(tree::NodeId node) const;
};

/// Names every tensor and finds out who shares. Notes of what the file will not show go to the report. Errors: `limit`.
[[nodiscard]] Contents contents_of(const PlanContext& context, const Outline& outline);

}  // namespace sconce::formats::safetensors
