// Folders that are models of their own: named by a file in them.
#pragma once

#include <optional>
#include <string>

#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

/// What the folder `path` is. Nothing where none of the files that tell is in it, or where it is no folder.
[[nodiscard]] std::optional<Finding> folder_finding(const std::string& path);

}  // namespace sconce::formats::foreign
