// Reading the zip files of torch.save, from 1.4 to today. docs/formats/pytorch.md has the facts.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

[[nodiscard]] bool is_torch_zip(const Sniff& sniff);
[[nodiscard]] Opened open_torch_zip(const OpenContext& context);

}  // namespace sconce::formats::pytorch
