// Bytes that arrive once and in order, as a source that can be read at any position.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sconce/byte_source.h>

#include "io/feed.h"

namespace sconce::io {

/// Bytes that a spool keeps in memory; those that come after go to an unlinked temporary file.
inline constexpr std::uint64_t kSpoolMemory = std::uint64_t{64} << 20;

/// Keeps what the feed gives, up to `limit` bytes, and reads it no further than it is asked for. view() is given for
/// bytes that are kept in memory. After a failure of the feed or of the temporary file every further byte is that
/// failure. Errors of reading: `io`, `limit`, `truncated`.
[[nodiscard]] SourcePtr spool_source(std::unique_ptr<Feed> feed, std::string name, std::uint64_t limit,
                                     std::uint64_t memory = kSpoolMemory);

}  // namespace sconce::io
