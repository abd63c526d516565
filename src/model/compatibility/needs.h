// What a machine needs to load a checkpoint, and which code.
#pragma once

#include <vector>

#include <sconce/check.h>
#include <sconce/checkpoint.h>

#include "model/compatibility/features.h"

namespace sconce::model::compatibility {

[[nodiscard]] DeviceNeeds device_needs(const Checkpoint& checkpoint);
[[nodiscard]] std::vector<CodeNeed> code_needs(const Features& features);

}  // namespace sconce::model::compatibility
