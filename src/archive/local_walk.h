// What the local headers of an archive without a directory still tell.
#pragma once

#include <cstdint>
#include <string>

#include <sconce/byte_source.h>

namespace sconce::archive {

/// A walk from the first local header to where it stops: at the end of the file, at something that is no local header,
/// or behind a header that leaves its size to the directory (as PyTorch's do).
struct LocalWalk {
  std::uint64_t records = 0;  ///< headers met
  std::string last;           ///< name of the last of them, as far as it is there
  std::uint64_t needed = 0;   ///< bytes that the whole file has at least: records, their directory, its end
  bool past_end = false;      ///< a record reaches beyond the end of the file
};

[[nodiscard]] LocalWalk walk_local_headers(const ByteSource& source);

/// The Error of an archive that ends too early: at which byte of how many.
[[noreturn]] void fail_truncated(const LocalWalk& walk, std::uint64_t size);

}  // namespace sconce::archive
