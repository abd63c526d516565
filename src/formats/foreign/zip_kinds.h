// Zip archives that are not torch.save's, told apart by the names of their records.
#pragma once

#include <optional>

#include "archive/zip_reader.h"
#include "formats/foreign/finding.h"

namespace sconce::formats::foreign {

/// What an archive is, where it is not one that torch.save made. Reads names, and nothing else.
[[nodiscard]] std::optional<Finding> zip_finding(const archive::ZipArchive& zip);

}  // namespace sconce::formats::foreign
