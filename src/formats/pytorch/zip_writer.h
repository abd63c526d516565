// Writing the zip files of torch.save: opens in every PyTorch since 1.6.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

[[nodiscard]] io::WritePlan plan_torch_zip(const PlanContext& context);

}  // namespace sconce::formats::pytorch
