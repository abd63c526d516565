// GGUF files: named, and walked far enough that a broken one is not taken for a whole one.
#pragma once

#include <string_view>

#include <sconce/byte_source.h>

#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

[[nodiscard]] bool is_gguf(std::string_view head);
/// "this is a GGUF file …", or what is wrong with it: `truncated`, `damaged`. Reads its metadata, keeps none of it.
[[nodiscard]] Finding gguf_finding(const SourcePtr& source);

}  // namespace sconce::formats::foreign
