// Opening a record for verify: its headers and its data descriptor against the directory.
#pragma once

#include <string>

#include "archive/zip_reader.h"

namespace sconce::archive {

/// A record whose headers were found in order.
struct CheckedRecord {
  SourcePtr bytes;
  std::string note;  ///< an oddity that is no error
};

/// Errors: those of ZipArchive::open_entry(); `damaged` where the data descriptor contradicts the directory.
[[nodiscard]] CheckedRecord open_checked(const ZipArchive& zip, const ZipEntry& entry);

}  // namespace sconce::archive
