// Reading tar archives (ustar, PAX, GNU): the container of PyTorch 0.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/byte_source.h>
#include <sconce/options.h>

#include "base/budget.h"

namespace sconce::archive {

struct TarEntry {
  std::string name;
  std::uint64_t offset = 0;   ///< of the first content byte in the source
  std::uint64_t size = 0;
  char type = '0';            ///< type flag: '0' file, '5' folder, '1' hard link, '2' symbolic link …
};

/// Whether a block of 512 bytes is a tar header: its checksum holds.
[[nodiscard]] bool is_tar_header(std::string_view block) noexcept;

/// The members of a tar archive. Links, devices and sparse files are refused (`unsupported`); duplicate names, sizes
/// beyond the file and wrong header checksums are `damaged` or `truncated`. Nothing is ever extracted.
[[nodiscard]] std::vector<TarEntry> read_tar(const ByteSource& source, const Limits& limits, MemoryBudget& budget);

}  // namespace sconce::archive
