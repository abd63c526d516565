// Reading the pickle streams of torch.save: 0.1.10 to 1.5, and later on request. docs/formats/pytorch.md has the facts.
#pragma once

#include "formats/format.h"

namespace sconce::formats::pytorch {

/// Whether the first pickle is the magic number, however it is spelled.
[[nodiscard]] bool is_legacy_stream(const Sniff& sniff);
[[nodiscard]] Opened open_legacy_stream(const OpenContext& context);

}  // namespace sconce::formats::pytorch
