// Reading the tar files of PyTorch 0.1. docs/formats/pytorch.md has the facts.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

[[nodiscard]] bool is_torch_tar(const Sniff& sniff);
[[nodiscard]] Opened open_torch_tar(const OpenContext& context);

}  // namespace sconce::formats::pytorch
