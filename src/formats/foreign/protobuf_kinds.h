// Protocol buffers have no mark; the fields of the outermost message tell some kinds of model apart.
#pragma once

#include <optional>

#include <sconce/byte_source.h>

#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

/// Walks over the fields of the outermost message, and reads none of their contents. Nothing where the bytes are none
/// of the messages that are known here.
[[nodiscard]] std::optional<Finding> protobuf_finding(const SourcePtr& source);

}  // namespace sconce::formats::foreign
