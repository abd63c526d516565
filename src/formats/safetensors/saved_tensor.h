// One tensor of a sidecar.
#pragma once

#include "base/budget.h"
#include "base/json_reader.h"
#include "formats/safetensors/node_table.h"

namespace sconce::formats::safetensors {

/// Reads names and attributes, up to the end of the object of attributes. Errors: `damaged`, `limit`.
[[nodiscard]] SavedTensor read_saved_tensor(JsonReader& json, MemoryBudget& budget);

/// A number that was just read, or the bits of one that JSON does not have. Errors: `damaged`.
[[nodiscard]] double read_real(JsonReader& json, JsonReader::Token token);

}  // namespace sconce::formats::safetensors
