// Reading tar archives (ustar, PAX, GNU): the container of PyTorch 0.1.
//
// Facts: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; the GNU tar manual, "Basic Tar Format".
// Where readers differ, Python's tarfile decides: PyTorch reads these files with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/options.h>

#include "base/budget.h"

namespace sconce::archive {

struct TarEntry {
  std::string name;          ///< a key, never a path
  std::uint64_t offset = 0;  ///< of the first content byte in the source
  std::uint64_t size = 0;    ///< bytes; 0 for a folder
  char type = '0';           ///< type flag: '0' file, '5' folder
};

/// Whether a block of 512 bytes is a tar header: its checksum holds.
[[nodiscard]] bool is_tar_header(std::string_view block) noexcept;

/// The members of a tar archive, in order. Links, devices and sparse files are refused (`unsupported`); duplicate
/// names, sizes beyond the file and wrong header checksums are `damaged` or `truncated`; headers that ask for too much
/// memory are `limit`. Nothing is ever extracted.
[[nodiscard]] std::vector<TarEntry> read_tar(const ByteSource& source, const Limits& limits, MemoryBudget& budget);

}  // namespace sconce::archive
