// Where a zip archive ends, and what its end says of the directory.
#pragma once

#include <cstdint>

#include <sconce/byte_source.h>

#include "archive/oddities.h"

namespace sconce::archive {

/// What the end record and, where there is one, the zip64 record say: both agree.
struct EndRecord {
  std::uint64_t directory_offset = 0;
  std::uint64_t directory_size = 0;
  std::uint64_t entries = 0;
  std::uint64_t entries_here = 0;  ///< on this disk: all, in an archive of one part
  std::uint32_t disk = 0;          ///< number of "this disk": 0, or 1 from writers that count from one
  std::uint32_t directory_disk = 0;
  std::uint64_t begin = 0;  ///< first byte of the end structures: zip64 record, locator, end record
};

/// Finds the end record as PyTorch does, and checks it: the last "PK\5\6" whose fields lead to a directory. What is odd
/// but harmless goes to `oddities`.
///
/// Errors: `truncated` where there is no end record; `damaged` where the file begins with something else, where the
/// archive is empty, or where end record and zip64 record contradict one another; `unsupported` for several disks.
[[nodiscard]] EndRecord find_end_record(const ByteSource& source, Oddities& oddities);

}  // namespace sconce::archive
