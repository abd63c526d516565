// Writing the pickle stream of torch.save(…, _use_new_zipfile_serialization=False): opens in every PyTorch since 0.4.1.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

[[nodiscard]] io::WritePlan plan_legacy_stream(const PlanContext& context);

}  // namespace sconce::formats::pytorch
