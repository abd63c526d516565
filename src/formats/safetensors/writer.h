// Writing safetensors: plain row-major tensors for every other reader, and what they cannot say as one JSON text under
// __metadata__["sconce"], so that converting back restores it. docs/formats/safetensors.md describes the JSON.
#pragma once

#include "formats/format.h"

namespace sconce::formats::safetensors {

[[nodiscard]] io::WritePlan plan_safetensors(const PlanContext& context);

}  // namespace sconce::formats::safetensors
