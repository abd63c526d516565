// A write plan as the file that it would write, for who reads only what is no tensor data: payloads read as zeros.
#pragma once

#include <memory>

#include <sconce/byte_source.h>

#include "io/write_plan.h"

namespace sconce::model::compatibility {

[[nodiscard]] SourcePtr planned_source(std::shared_ptr<const io::WritePlan> plan);

}  // namespace sconce::model::compatibility
