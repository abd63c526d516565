// Text files that stand where a model should: pointers, web pages, indexes, notes.
#pragma once

#include <optional>
#include <string_view>

#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

/// `head`: the first bytes of the file; `whole`: they are all of it. Nothing where they are no text.
[[nodiscard]] std::optional<Finding> text_finding(std::string_view head, bool whole);

}  // namespace sconce::formats::foreign
