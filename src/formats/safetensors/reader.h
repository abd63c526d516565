// Reading safetensors, as strictly as the reference implementation. docs/formats/safetensors.md has the facts.
#pragma once

#include "formats/format.h"

namespace sconce::formats::safetensors {

/// Whether the file begins as one: a header length that could be, then '{'. A damaged header is the reader's to name.
[[nodiscard]] bool is_safetensors(const Sniff& sniff);
[[nodiscard]] Opened open_safetensors(const OpenContext& context);

}  // namespace sconce::formats::safetensors
