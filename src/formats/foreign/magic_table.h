// Files that fixed bytes near their start tell apart.
#pragma once

#include <optional>
#include <string_view>

#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

/// `head`: the first bytes of the file. Nothing where none of the known marks stands there.
[[nodiscard]] std::optional<Finding> magic_finding(std::string_view head);

}  // namespace sconce::formats::foreign
