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
  std::vector<HeldTensor> tensors;  ///< in the order of the outline
  std::vector<SharedStorage> storages;

  std::vector<std::uint32_t> places;  ///< by number in the outline: the place in `tensors`, or kNotHeld

  /// Null where the node has no elements of its own.
  [[nodiscard]] const HeldTensor* find(std::uint32_t number) const {
    return number < places.size() && places[number] != kNotHeld ? &tensors[places[number]] : nullptr;
  }
};

/// Names every tensor and finds out who shares. Notes of what the file will not show go to the report. Errors: `limit`.
[[nodiscard]] Contents contents_of(const PlanContext& context, const Outline& outline);

}  // namespace sconce::formats::safetensors
